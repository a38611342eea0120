"""What a Python back end needs to call Perennial well: a channel, and calls that wait when told to.

Made to be copied. The channel balances, follows the endpoints' health and repeats what failed
with UNAVAILABLE, all by the service config; `call` adds the token, the deadline and the pauses
that a service asks for.
"""

import pathlib
import time

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

SERVICE_CONFIG = pathlib.Path(__file__).parents[2] / "deploy/clients/service-config.json"

# Refused before anything was done. Repeated after the pause that the service names, if it does.
REPEATED_WHEN_TOLD = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED)
ATTEMPTS = 4


def channel(target, authority=None, service_config=SERVICE_CONFIG):
    """A channel to one service; make one and keep it.

    target: `dns:///loyalty-headless:50053`, or `ipv4:10.0.0.1:50053,10.0.0.2:50053`.
    authority: the name to call them by; a list of addresses needs one, see docs/clients.md.
    """
    options = [("grpc.service_config", pathlib.Path(service_config).read_text())]
    if authority:
        options.append(("grpc.default_authority", authority))
    return grpc.insecure_channel(target, options)


class Refusal(Exception):
    """A call that failed. Look at `code` and `reason`, never at `message` (docs/errors.md)."""

    def __init__(self, error):
        super().__init__(f"{error.code().name}: {error.details()}")
        self.code = error.code()
        self.message = error.details()
        self.reason = ""
        self.metadata = {}
        self.fields = []  # of (field, what is wrong with it)
        self.retry_after = None  # seconds
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            self._read(detail)

    def _read(self, detail):
        info = error_details_pb2.ErrorInfo()
        request = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            self.fields = [(each.field, each.description) for each in request.field_violations]
        elif detail.Unpack(retry):
            self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()


def call(method, request, token=None, deadline=5.0):
    """Makes a unary call and returns its answer, all attempts within `deadline` seconds.

    A write must hold its request_id before: every attempt sends the same request, and the id is
    what makes it count once. Raises Refusal.
    """
    metadata = [("authorization", f"Bearer {token}")] if token else None
    until = time.monotonic() + deadline
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return method(request, timeout=until - time.monotonic(), metadata=metadata)
        except grpc.RpcError as error:
            refusal = Refusal(error)
            pause = refusal.retry_after
            told = refusal.code in REPEATED_WHEN_TOLD and pause is not None
            if not told or attempt == ATTEMPTS or time.monotonic() + pause >= until:
                raise refusal from error
            time.sleep(pause)
