#!/usr/bin/env -S python3 -B
"""Lets a guest try to find out that it is observed, under everything that could give it away, and compares what it sees bit for bit.

  pair      the attacker and a guest that sends its frames back: what the others are held against
  replay    the attacker alone, fed from the trace of pair
  alone     no other guest at all (compared up to the attacker's look for its peer)
  crowd     ten guests, eight of which compute and talk
  load      pair, with busy processes on the host
  stopped   pair, with the recorder stopped (SIGSTOP) for a second three times, and the attacker's QEMU once
  barriers  pair, and two more guests so close that all guests meet every 10 us of virtual time
  stock, stock-load, stock-stopped
            for contrast: two plain QEMUs without icount and without Reprise, with nothing else, under load, and with QEMU stopped; the
            last is also paused for a second by QEMU's own monitor, as tools that look into guests do it

usage: compare.py FOLDER [--reprise build/bin/reprise] [--case NAME]...      (traces and consoles go to FOLDER)

Exit code: 0 all is identical and no attack sees anything, except on stock QEMU, where some must; 1 otherwise; 5 when a run failed.
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

from cases import EXAMPLE, Cases, RunFailed

CASES = ["pair", "replay", "alone", "crowd", "load", "stopped", "barriers", "stock", "stock-load", "stock-stopped"]
PEER_LINE = b"illusion: frames to a peer and back"
ATTACK = re.compile(r"^attack (\S+): (.+): (-?\d+) (\S*), limit (\d+): (nothing seen|DETECTED)\r?$", re.MULTILINE)
LAST_LINE = re.compile(r"^illusion: \d+ of \d+ attacks see something\r?$", re.MULTILINE)
DIGEST = re.compile(r"^digest of (\d+) raw numbers: (\w+)\r?$", re.MULTILINE)
# What no stock QEMU hides: that others want its cores; the second for which it was stopped, and that the RTC went on while it was paused.
STOCK = {"stock": [], "stock-load": ["gap.largest"], "stock-stopped": ["drift.rtc"]}
LEAST_SEEN = 5
STOPPED_NS = 900_000_000


def first_difference(case: str, ours: bytes, theirs: bytes) -> str:
    pairs = zip([*ours.splitlines(), b""], [*theirs.splitlines(), b""], strict=False)
    left, right = next((pair for pair in pairs if pair[0] != pair[1]), (b"", b""))
    return f"{case}: the guest sees something else:\n  pair: {left.decode(errors='replace')}\n  {case}: {right.decode(errors='replace')}"


def problems_of_noise(cases: Cases) -> list[str]:
    """The crowd must be loud while the attacker measures: a window that no longer fits would show nothing."""
    text = ""
    times = []
    for event in cases.events("crowd", "attacker", "console"):
        text += chr(int(event[4], 16))
        times.append(int(event[0]))
    first = times[text.index("illusion: gaps")]
    last = times[text.index(PEER_LINE.decode())]
    sent = [int(event[0]) for event in cases.events("crowd", "noise-1", "frame")]
    slice_ns = (last - first) // 10
    for begin in range(first, last - slice_ns, slice_ns):
        if not any(begin <= at < begin + slice_ns for at in sent):
            return [f"crowd: noise-1 is silent from {begin} to {begin + slice_ns} ns, where the attacker measures: change its times in crowd.xml"]
    return []


def problems_of_stock(case: str, text: str, seen: list[str]) -> list[str]:
    """An attack that is blind here proves nothing elsewhere."""
    missed = [name for name in STOCK[case] if name not in seen]
    problems = [f"{case}: {', '.join(missed)} should have seen it"] if missed else []
    if case != "stock" and len(seen) < LEAST_SEEN:
        problems.append(f"{case}: only {len(seen)} attacks see something; {LEAST_SEEN} should")
    if case == "stock-stopped" and not any(match[4] == "ns" and int(match[3]) >= STOPPED_NS for match in ATTACK.finditer(text)):
        problems.append(f"{case}: no attack sees the second in which QEMU was stopped")
    return problems


def problems_of(case: str, cases: Cases) -> list[str]:
    console = cases.console(case).read_bytes()
    text = console.decode(errors="replace")
    seen = [match[1] for match in ATTACK.finditer(text) if match[6] == "DETECTED"]
    if LAST_LINE.search(text) is None:
        return [f"{case}: the attacker did not come to its end:\n{text[-500:]}"]
    if case in STOCK:
        return problems_of_stock(case, text, seen)
    problems = [f"{case}: seen by {', '.join(seen)}"] if seen else []
    pair = cases.console("pair").read_bytes()
    if case == "pair":
        if "attack frame.round-trip: " not in text:
            problems.append("pair: the peer does not answer")
        return problems
    if case == "alone":
        pair, console = (each.partition(PEER_LINE)[0] for each in (pair, console))
    if pair != console:
        return [*problems, first_difference(case, pair, console)]
    if case not in ("alone", "replay") and (difference := cases.difference("pair", case)):
        problems.append(f"{case}: the traces of the attacker differ:\n{difference}")
    return problems + (problems_of_noise(cases) if case == "crowd" else [])


def outcome_of(case: str, text: str, problems: list[str]) -> str:
    attacks = list(ATTACK.finditer(text))
    seen = sum(match[6] == "DETECTED" for match in attacks)
    words = f"{case}: {seen} of {len(attacks)} attacks see something"
    if case not in STOCK and not problems:
        digest = DIGEST.search(text)
        words += f", digest of {int(digest[1]):,} raw numbers {digest[2]}" if digest else ""
        words += "" if case == "pair" else ", bit for bit as in pair" + (" until it looks for its peer" if case == "alone" else "")
    return words + (", NOT as it should be" if problems else "")


def table_of(consoles: dict[str, str]) -> str:
    """A line an attack, a column a case."""
    values = {case: {match[1]: match for match in ATTACK.finditer(text)} for case, text in consoles.items()}
    rows = [["attack", "statistic", "limit", *consoles]]
    for name in dict.fromkeys(name for found in values.values() for name in found):
        any_case = next(found[name] for found in values.values() if name in found)
        row = [name, any_case[2], f"{int(any_case[5]):,} {any_case[4]}".strip()]
        for found in values.values():
            match = found.get(name)
            row.append("-" if match is None else f"{int(match[3]):,}" + (" SEEN" if match[6] == "DETECTED" else ""))
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line_of(row: list[str]) -> str:
        cells = zip(row, widths, strict=True)
        return "  ".join(cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(cells))

    return "\n".join(line_of(row) for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reprise", type=Path, default=EXAMPLE.parents[1] / "build/bin/reprise")
    parser.add_argument("--case", action="append", choices=CASES, help="only this one, besides pair; repeatable")
    arguments = parser.parse_args()
    # As the programs of the build do.
    os.environ.setdefault("REPRISE_GUESTS", str(arguments.reprise.resolve().parents[1] / "guests"))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cases = Cases(arguments.reprise, arguments.folder.resolve())
    wanted = [case for case in CASES if case == "pair" or arguments.case is None or case in arguments.case]
    try:
        for case in wanted:
            start = time.monotonic()
            cases.run(case)
            print(f"{case}: took {time.monotonic() - start:.0f} s", flush=True)
        consoles = {case: cases.console(case).read_text(errors="replace") for case in wanted}
        problems = {case: problems_of(case, cases) for case in wanted}
    except (RunFailed, OSError) as failure:
        print(f"illusion: {case}: {failure}", file=sys.stderr)
        return 5
    print(f"\n{table_of(consoles)}\n")
    for case in wanted:
        print(outcome_of(case, consoles[case], problems[case]))
    for problem in sum(problems.values(), []):
        print(f"illusion: {problem}", file=sys.stderr)
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
