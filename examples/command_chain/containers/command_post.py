#!/usr/bin/python3
"""command_post: gives each order on its command line to radio_op1. "wait:MS" is no order but a pause."""

import os
import sys
import time

from orders import Member

member = Member("command_post")
for order in sys.argv[1:]:
    if order.startswith("wait:"):
        time.sleep(int(order[5:]) / 1000)
        continue
    member.log(f"sends '{order}'")
    member.send(os.environ["DEST_HOST"], order)
member.log("done")
