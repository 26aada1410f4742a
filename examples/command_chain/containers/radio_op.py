#!/usr/bin/python3
"""radio_op1 and radio_op2: hand each order on to DEST_HOST, one after the other."""

import os

from orders import Member

member = Member(os.uname().nodename)
for order in member.receive():
    member.log(f"relays '{order}' to {os.environ['DEST_HOST']}")
    member.send(os.environ["DEST_HOST"], order)
    if order == "dismiss":
        break
member.log("done")
