"""Makes the writes that a test asks for with the channel of examples/python.

usage: calls.py <target> <service config>

A line of standard input is an EarnRequest as JSON; each is answered by a line: the gRPC code, and
whether the service said that it had done so before.
"""

import json
import sys

from calling import Refusal, call, channel
from perennial.loyalty.v1 import points_pb2, points_pb2_grpc

target, service_config = sys.argv[1:]
points = points_pb2_grpc.PointsServiceStub(channel(target, "loyalty", service_config))
for line in sys.stdin:
    try:
        answer = call(points.Earn, points_pb2.EarnRequest(**json.loads(line)))
        print("OK", "replayed" if answer.replayed else "new", flush=True)
    except Refusal as refusal:
        print(refusal.code.name, refusal.message, flush=True)
