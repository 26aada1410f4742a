#!/usr/bin/env python3
"""How small traces are: one table of one run, each figure next to its bar and to what others need for the same.

Each workload is recorded once. Beside the trace:

  replay.bin   what QEMU's own rr=record writes of the same guest, raw and under xz -9; of workloads of one guest, which need no peer. As
               QEMU documents it: under a clock that does not sleep it logs next to nothing, and no clock values.
  pcapng       all frames of the trace, once where they were sent and once where they were received, raw and under zstd -19. It has no clock
               reads and no console, so it is compared with the frames' part of the trace.

Bytes a read (of a clock): on `boot` the whole file over all reads; on `clocks`, whose steps are irregular, what file and reads have more
than on boot. Elsewhere, and for the metadata of frames, the columns concerned, with their share of headers and index; `order` counts as
metadata of frames. A frame counts where it is sent and where it is received, as in a pcapng file. Where `info` does not tell columns
there is a dash.

Fails when a run fails, never because a bar is missed.

usage: trace_size.py --reprise build/bin/reprise [--no-rr] [--json FILE] [WORKLOAD ...]
"""

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import compare_costs

# Beyond those of compare_costs: both guests say 5,000 things of up to 200 bytes to each other.
compare_costs.WORKLOADS.setdefault("chat", ["run=chat:10.0.0.2:5000:1", "run=chat:10.0.0.1:5000:2"])

READ_BARS = {"boot": 0.05, "clocks": 1.5}
FRAME_BAR = 4.0


def run(command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"trace_size: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def compressed_size(command, path):
    """Bytes that `command` makes of the file: counted, not kept."""
    with path.open("rb") as source, subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE) as packer:
        size = sum(len(piece) for piece in iter(lambda: packer.stdout.read(1 << 16), b""))
    if packer.returncode != 0:
        sys.exit(f"trace_size: {' '.join(command)} < {path}: exit {packer.returncode}")
    return size


def block(kind, body):
    """A pcapng block: its length stands at both ends."""
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(name):
    ethernet, name_code, resolution_code, nanoseconds = 1, 2, 9, b"\x09"
    options = option(name_code, name.encode()) + option(resolution_code, nanoseconds) + option(0, b"")
    return block(1, struct.pack("<HHI", ethernet, 0, 0) + options)


def write_pcapng(reprise, trace, guests, output):
    """Two interfaces for each guest, as its NIC sends and receives."""
    numbers = {(guest, way): 2 * i + k for i, guest in enumerate(guests) for k, way in enumerate(("sent", "received"))}
    with output.open("wb") as file, subprocess.Popen(
        [reprise, "dump", trace, "--kind", "frame", "--payload"], stdout=subprocess.PIPE, text=True
    ) as dump:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        for guest, way in numbers:
            file.write(interface(f"{guest} {way}"))
        for line in dump.stdout:
            words = line.split()  # TIME GUEST frame #N sent|received SENDER/N SIZE bytes ... HEX
            at, payload = int(words[0]), bytes.fromhex(words[-1])
            head = struct.pack("<IIIII", numbers[words[1], words[4]], at >> 32, at & 0xFFFFFFFF, len(payload), len(payload))
            file.write(block(6, head + payload))
    if dump.returncode != 0:
        sys.exit(f"trace_size: reprise dump {trace}: exit {dump.returncode}")


class Columns:
    """What the columns of a trace take, by what they are for."""

    def __init__(self, info):
        streams = [*info["guests"], info["network"]]
        self.known = all("columns" in stream for stream in streams)
        self.clock = self.frame = self.payload = self.console = stored = 0
        for stream in streams:
            for column in stream.get("columns", []):
                name, size = column["name"], column["stored_bytes"]
                stored += size
                if name.startswith("clock"):
                    self.clock += size
                elif name == "consoleBytes":
                    self.console += size
                elif name == "sentPayload":
                    self.payload += size
                elif stream is info["network"] or name == "order" or name.startswith(("sent", "received")):
                    self.frame += size
        # Headers and index are borne by the columns in proportion.
        self.share = info["file_bytes"] / stored if stored else 1


class Size:
    """One recorded workload and what it is compared with."""

    def __init__(self, name, reprise, folder):
        folder.mkdir()
        self.name = name
        self.workload = compare_costs.Workload(name, reprise, folder)
        self.folder = folder
        self.reprise = reprise
        trace = self.workload.trace
        run(self.workload.record("-o", trace, "--console", folder / "console"))
        self.stats = json.loads(run([reprise, "stats", trace, "--json"]))
        self.columns = Columns(json.loads(run([reprise, "info", trace, "--json"])))
        guests = self.stats["guests"]
        self.file = trace.stat().st_size
        self.reads = sum(sum(guest["clock_reads"].values()) for guest in guests)
        self.frames = sum(guest["frames_sent"] + guest["frames_received"] for guest in guests)
        self.console = sum(guest["console_bytes"] for guest in guests)
        self.peers = {}

    def compare(self, with_rr):
        if with_rr and len(self.workload.runs) == 1:
            log = self.folder / "replay.bin"
            run([*self.workload.qemu(f"shift=0,sleep=on,rrfile={log},rr=record"), "-object", "filter-replay,id=filter,netdev=n0"])
            self.add_peer("replay.bin", log, ["xz", "-9"])
        if self.frames:
            capture = self.folder / "frames.pcapng"
            write_pcapng(self.reprise, self.workload.trace, [guest["name"] for guest in self.stats["guests"]], capture)
            self.add_peer("pcapng", capture, ["zstd", "-19", "-q", "-c"])

    def add_peer(self, name, path, packer):
        self.peers[name] = path.stat().st_size
        self.peers[f"{name}, {' '.join(packer[:2])}"] = compressed_size(packer, path)
        path.unlink()

    def read_bytes(self, boot):
        if self.name == "boot":
            return self.file / self.reads
        if self.name == "clocks":
            return (self.file - boot.file) / (self.reads - boot.reads)
        return self.columns.clock * self.columns.share / self.reads if self.columns.known else None

    def frame_bytes(self):
        return self.columns.frame * self.columns.share / self.frames if self.columns.known and self.frames else None

    def frames_part(self):
        return round((self.columns.frame + self.columns.payload) * self.columns.share) if self.columns.known and self.frames else None

    def packed_console(self):
        return sum(compressed_size(["zstd", "-q", "-c"], log) for log in (self.folder / "console").iterdir() if log.stat().st_size)

    def figures(self, boot):
        figures = {
            "workload": self.name,
            "clock reads": self.reads,
            "frames": self.frames,
            "trace bytes": self.file,
            "a read": judged(self.read_bytes(boot), READ_BARS.get(self.name)),
            "a frame": judged(self.frame_bytes(), FRAME_BAR),
            "frames' part": self.frames_part(),
            "console": judged(self.columns.console if self.columns.known else None, self.packed_console()),
        }
        for peer in ("replay.bin", "replay.bin, xz -9", "pcapng", "pcapng, zstd -19"):
            size = self.peers.get(peer)
            ours = (self.frames_part() or self.file) if peer.startswith("pcapng") else self.file
            figures[peer] = None if size is None else {"bytes": size, "times ours": round(size / ours, 2)}
        return figures


def judged(value, bar):
    if value is None:
        return None
    return {"value": value, "bar": bar, "met": None if bar is None else value <= bar}


def cell(figure):
    if figure is None:
        return "-"
    if not isinstance(figure, dict):
        return f"{figure:,}" if isinstance(figure, int) else figure
    if "bytes" in figure:
        return f"{figure['bytes']:,} ({figure['times ours']:g}x)"
    text = f"{figure['value']:.3g}" if isinstance(figure["value"], float) else f"{figure['value']:,}"
    return text if figure["bar"] is None else f"{text} of {figure['bar']:g} {'met' if figure['met'] else 'MISSED'}"


def print_table(rows):
    lines = [list(rows[0])] + [[cell(figure) for figure in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(f"{word:{'<' if i == 0 else '>'}{width}}" for i, (word, width) in enumerate(zip(line, widths))))


def main():
    parser = argparse.ArgumentParser(description="sizes of traces next to their bars and to those of others")
    parser.add_argument("--reprise", required=True, type=Path)
    parser.add_argument("--no-rr", action="store_true", help="leave QEMU's own record/replay out")
    parser.add_argument("--json", type=Path, help="write all figures to FILE")
    parser.add_argument("workload", nargs="*", default=[], help=f"of {', '.join(compare_costs.WORKLOADS)}; default: all")
    options = parser.parse_args()
    wanted = options.workload or list(compare_costs.WORKLOADS)
    unknown = [name for name in wanted if name not in compare_costs.WORKLOADS]
    if unknown:
        parser.error(f"unknown workload {unknown}; want some of {', '.join(compare_costs.WORKLOADS)}")

    folder = Path(tempfile.mkdtemp(prefix="reprise-size-"))
    try:
        # The others are measured against a boot, so there is always one.
        sizes = [Size(name, options.reprise, folder / name) for name in ["boot", *(name for name in wanted if name != "boot")]]
        for size in sizes:
            size.compare(with_rr=not options.no_rr)
        rows = [size.figures(sizes[0]) for size in sizes]
    finally:
        shutil.rmtree(folder)
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
