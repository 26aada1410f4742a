#!/usr/bin/env python3
"""Reads a trace of format 2 by trace_format/FORMAT.md alone, and checks all that can be checked.

usage: read_trace.py TRACE [--dump] [--json]

  --dump   prints the events as `reprise dump` does
  --json   prints a summary: guests, counts, digests, bytes of the images that it carries

Shares no code with the library: what the two of them read alike is what the specification says. Exit code 0: the trace is sound;
2: wrong usage, or a trace too large for this reader; 3: damaged, or no trace. Needs the program `zstd`.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from checked_trace import TooLarge, Trace, clock_reads, read_trace
from damage import Damage
from event_text import dump_lines
from guest_events import SOURCES
from images import carried_images
from network_events import DELIVERED

USAGE, DAMAGED = 2, 3


def summary(trace: Trace) -> dict:
    guests = []
    for name, guest in zip(trace.layout.run.guests, trace.guests):
        chunks = [each.chunk for each in guest.columns]
        guests.append(
            {
                "name": name.encode(errors="surrogateescape").decode(errors="replace"),
                "chunks": len(chunks),
                "digest": guest.digests.stream.hex(),
                "clock_reads": {source: count for source, count in zip(SOURCES, clock_reads(guest)) if count},
                "frames_sent": len(guest.sent),
                "frames_received": sum(each.counts[2] for each in chunks),
                "console_bytes": sum(each.counts[3] for each in chunks),
                "first_ns": chunks[0].first_ns if chunks else None,
                "last_ns": chunks[-1].last_ns if chunks else None,
                "deliveries_implied": guest.implied,
            }
        )
    delivered = sum(event.verdict == DELIVERED for event in trace.network)
    network = {"digest": trace.network_digests.stream.hex(), "delivered": delivered, "dropped": len(trace.network) - delivered}
    run = trace.layout.run
    whole = {"version": ".".join(map(str, trace.layout.version)), "seed": run.seed, "incomplete": run.incomplete, "partial": run.partial}
    images = {sha256: len(image) for sha256, image in carried_images(trace.layout.kept).items()}
    return whole | {"guests": guests, "network": network, "images": images}


def main() -> int:
    parser = argparse.ArgumentParser(description="Reads and checks a Reprise trace by its specification alone.")
    parser.add_argument("trace", type=Path)
    parser.add_argument("--dump", action="store_true", help="print the events as `reprise dump` does")
    parser.add_argument("--json", action="store_true", help="print a summary")
    arguments = parser.parse_args()
    try:
        trace = read_trace(arguments.trace.read_bytes())
    except (OSError, TooLarge) as error:
        print(f"{arguments.trace}: {error}", file=sys.stderr)
        return USAGE
    except Damage as damage:
        print(f"{arguments.trace}: {damage}", file=sys.stderr)
        return DAMAGED
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads the lines may stop; not before this, for zstd may stop reading, too
    if arguments.dump:
        for line in dump_lines(trace):
            sys.stdout.buffer.write(line)
    if arguments.json:
        sys.stdout.flush()
        print(json.dumps(summary(trace), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
