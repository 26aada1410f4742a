#!/usr/bin/python3
"""officer: carries orders out. Process 1 of its container, and like most programs it does not reap what it did not start."""

import os
import pathlib
import signal
import subprocess

from orders import Member

HERE = pathlib.Path(__file__).parent
PERIOD_US = os.environ.get("PERIOD_US", "1000")

member = Member("officer")
generators: list[subprocess.Popen] = []


def zombies() -> list[str]:
    """The parents of all zombies."""
    parents = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if name == "zombie" and state == "Z":
            parents.append(parent)
    return parents


def report(when: str) -> None:
    parents = zombies()
    of = ", ".join(f"{parents.count(each)} of process {each}" for each in sorted(set(parents), key=int)) or "none"
    member.log(f"{when}: {len(parents)} zombies ({of})")


for order in member.receive():
    word, _, count = order.partition(":")
    if word == "spawn":
        generators.append(subprocess.Popen([HERE / "spawner", count or "20", PERIOD_US]))
        member.log(f"executes spawn: generator is process {generators[-1].pid}")
    elif word == "kill" and generators:
        generator = generators.pop()
        generator.send_signal(signal.SIGSTOP)  # so that its army does not grow while it is counted
        report("before kill")
        generator.kill()
        generator.wait()
        member.log(f"executes kill: generator {generator.pid} is dead")
        report("after kill")
    elif word == "report":
        report("on order")
    elif word == "dismiss":
        break
    else:
        member.log(f"cannot execute '{order}'")
report("at the end")
member.log("done")
