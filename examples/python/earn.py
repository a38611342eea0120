"""Gives a customer points and reads the balance.

usage: earn.py [user_id] [points] [request_id]

LOYALTY: where the service is (default 127.0.0.1:50053). TOKEN: the caller's, if it asks for one.
"""

import os
import sys
import uuid

from calling import Refusal, call, channel
from perennial.loyalty.v1 import points_pb2, points_pb2_grpc


def main(user_id="ada", points="100", request_id=None):
    token = os.environ.get("TOKEN")
    # Made before the first attempt. Who may have to repeat the write after a crash takes an id
    # that is still known then, such as the number of the order.
    request_id = request_id or str(uuid.uuid4())
    earn = points_pb2.EarnRequest(
        user_id=user_id, points=int(points), reason="example", request_id=request_id
    )
    with channel(os.environ.get("LOYALTY", "127.0.0.1:50053")) as loyalty:
        service = points_pb2_grpc.PointsServiceStub(loyalty)
        try:
            answer = call(service.Earn, earn, token)
            again = " before; nothing was added" if answer.replayed else ""
            print(f"earned {answer.entry.points}{again}")
            balance = call(service.GetBalance, points_pb2.GetBalanceRequest(user_id=user_id), token)
            print(f"balance {balance.balance.spendable}")
        except Refusal as refusal:
            print(f"refused: {refusal.code.name} {refusal.reason}: {refusal.message}")
            for field, description in refusal.fields:
                print(f"  {field}: {description}")
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
