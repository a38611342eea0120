"""Calls as a client in another language makes them: grpcio with nothing but a service config.

    callers.py SERVICE-CONFIG TARGET TARGET TARGET TARGET

Reads one call a line from standard input, `<place of the target> <path> <request, hexadecimal>`,
sends it at once, and does not wait for its answer before it reads the next. At the end of the input
it waits for all answers and prints what became of them, as JSON.
"""

import collections
import json
import sys
import threading

import grpc

DEADLINE = 5  # seconds

config, *targets = sys.argv[1:]
with open(config) as file:
    options = [
        ("grpc.service_config", file.read()),
        # A new attempt each second while an address does not answer.
        ("grpc.max_reconnect_backoff_ms", 1000),
        # A list of addresses is no name that HTTP/2 would take; a name in DNS would be.
        ("grpc.default_authority", "perennial"),
    ]
channels = [grpc.insecure_channel(target, options) for target in targets]
answered, failed = 0, collections.Counter()
open_calls, count = threading.Condition(), 0


def done(path, future):
    global answered, count
    with open_calls:
        # A member who is not there yet: that is an answer too.
        if future.exception() is None or future.code() is grpc.StatusCode.NOT_FOUND:
            answered += 1
        else:
            failed[f"{future.code().value[0]} {path} {future.details()}"] += 1
        count -= 1
        open_calls.notify()


for line in sys.stdin:
    place, path, request = line.split()
    method = channels[int(place)].unary_unary(path)
    with open_calls:
        count += 1
    future = method.future(bytes.fromhex(request), timeout=DEADLINE)
    future.add_done_callback(lambda future, path=path: done(path, future))
with open_calls:
    open_calls.wait_for(lambda: count == 0, timeout=2 * DEADLINE)
print(json.dumps({"answered": answered, "failed": failed, "open": count}))
