#!/usr/bin/env python3
"""What recording and replaying cost, as ratios against named peers of the same run.

Each round runs all variants of a workload one after the other; the figure of a variant is the smallest CPU time (user + system, children
included) over the rounds, because everything that disturbs a run only adds to it.

  plain      QEMU alone under icount with the command line of the recording, without the plugin
  coupled    `reprise record --no-trace`
  recorded   `reprise record`
  replayed   `reprise replay` (all guests)
  rr=record  QEMU's own record/replay of the plain guest as QEMU documents it (idle sleeps), and rr=replay of its log;
             "rr=record, sleep=off" is the same under our clock, where QEMU logs next to nothing and no clock values at all

Workloads with a peer have no plain variant: two plain QEMUs have no common virtual time, so their guests would do other work.

usage: compare_costs.py --reprise build/bin/reprise [--rounds 5] [--json FILE] [WORKLOAD ...]
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

VARIANTS = ["plain", "coupled", "recorded", "replayed", "rr=record", "rr=replay", "rr=record, sleep=off", "rr=replay, sleep=off"]

PLATFORM = """<?xml version="1.0"?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="network" routing="Full">
    <host id="node-0" speed="1Gf"/> <host id="node-1" speed="1Gf"/>
    <link id="link" bandwidth="1Gbps" latency="1ms"/>
    <route src="node-0" dst="node-1"><link_ctn id="link"/></route>
  </zone>
</platform>
"""

# Name -> what each guest runs. Workloads of one guest can be compared with plain QEMU: they need no peer.
WORKLOADS = {
    "boot": ["run=boot end=reboot"],
    "clocks": ["run=clocks:200000 end=reboot"],
    "ping": ["run=ping:10.0.0.2:50:20", "run=answer"],
    "tcp": ["run=tcp-send:10.0.0.2:20000000", "run=tcp-receive"],
}


def deployment(runs):
    actors = "".join(
        f"""  <actor host="node-{i}" function="qemu_guest">
    <prop id="name" value="guest-{i}"/> <prop id="address" value="10.0.0.{i + 1}/24"/> <prop id="nic" value="vmxnet3"/>
    <prop id="kernel" value="${{REPRISE_GUESTS}}/vmlinux"/> <prop id="initrd" value="${{REPRISE_GUESTS}}/guest.cpio"/>
    <prop id="append" value="{run}"/>
  </actor>
"""
        for i, run in enumerate(runs)
    )
    return f'<?xml version="1.0"?>\n<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">\n<platform version="4.1">\n{actors}</platform>\n'


@dataclass
class Cost:
    cpu_s: list = field(default_factory=list)
    wall_s: list = field(default_factory=list)

    def run(self, command):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.wall_s.append(time.monotonic() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_s.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        if done.returncode != 0:
            sys.exit(f"compare_costs: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")


class Workload:
    def __init__(self, name, reprise, folder):
        self.name = name
        self.runs = WORKLOADS[name]
        self.reprise = reprise
        self.folder = folder
        self.costs = {}
        self.sizes = {}
        (folder / "platform.xml").write_text(PLATFORM)
        (folder / "deployment.xml").write_text(deployment(self.runs))
        self.trace = folder / "run.trace"

    def cost(self, variant):
        return self.costs.setdefault(variant, Cost())

    def record(self, *options):
        return [self.reprise, "record", self.folder / "platform.xml", self.folder / "deployment.xml", *options]

    def qemu(self, icount=None):
        """The recorded command line of the first guest as a plain QEMU command, with other -icount options if given."""
        info = json.loads(subprocess.check_output([self.reprise, "info", self.trace, "--json"], text=True))
        guest = info["guests"][0]
        paths = {"${" + image["role"] + "}": image["path"] for image in guest["images"]}
        arguments = [paths.get(argument, argument) for argument in guest["command_line"]]
        if icount:
            arguments[arguments.index("-icount") + 1] = icount
        return [os.environ.get("REPRISE_QEMU", "qemu-system-x86_64"), *arguments]

    def one_round(self, with_rr):
        self.cost("coupled").run(self.record("--no-trace"))
        self.cost("recorded").run(self.record("-o", self.trace))
        self.cost("replayed").run([self.reprise, "replay", self.trace])
        self.sizes["trace"] = self.trace.stat().st_size
        if len(self.runs) == 1:
            self.cost("plain").run(self.qemu())
            if with_rr:
                self.rr_round()

    def rr_round(self):
        log = self.folder / "replay.bin"
        net = ["-object", "filter-replay,id=filter,netdev=n0"]
        for suffix, sleep in (("", "on"), (", sleep=off", "off")):
            icount = f"shift=0,sleep={sleep},rrfile={log}"
            self.cost(f"rr=record{suffix}").run([*self.qemu(f"{icount},rr=record"), *net])
            self.cost(f"rr=replay{suffix}").run([*self.qemu(f"{icount},rr=replay"), *net])
            self.sizes[f"rr log{suffix}"] = log.stat().st_size
            log.unlink()

    def report(self):
        peer = "plain" if "plain" in self.costs else "coupled"
        base = min(self.costs[peer].cpu_s)
        rows = []
        for variant in sorted(self.costs, key=VARIANTS.index):
            cost = self.costs[variant]
            rows.append(
                {
                    "workload": self.name,
                    "variant": variant,
                    "cpu_s": round(min(cost.cpu_s), 3),
                    "wall_s": round(min(cost.wall_s), 3),
                    "peer": peer,
                    "ratio": round(min(cost.cpu_s) / base, 3),
                    "rounds": len(cost.cpu_s),
                }
            )
        recorded, coupled = min(self.costs["recorded"].cpu_s), min(self.costs["coupled"].cpu_s)
        summary = {"workload": self.name, "recorded : coupled": round(recorded / coupled, 3), "trace bytes": self.sizes["trace"]}
        if "plain" in self.costs:
            summary["replayed : plain"] = round(min(self.costs["replayed"].cpu_s) / min(self.costs["plain"].cpu_s), 3)
        for name in [name for name in self.sizes if name != "trace"]:
            summary[f"{name} bytes"] = self.sizes[name]
            summary[f"{name} : trace"] = round(self.sizes[name] / self.sizes["trace"], 1)
        return rows, summary


def print_tables(rows, summaries):
    print(f"{'workload':10} {'variant':21} {'CPU s':>8} {'wall s':>8} {'ratio':>7}  against")
    for row in rows:
        print(f"{row['workload']:10} {row['variant']:21} {row['cpu_s']:8.2f} {row['wall_s']:8.2f} {row['ratio']:7.3f}  {row['peer']}")
    print()
    for summary in summaries:
        print("; ".join(f"{key} {value}" for key, value in summary.items()))


def main():
    parser = argparse.ArgumentParser(description="CPU costs of recording and replaying, as ratios of one run")
    parser.add_argument("--reprise", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-rr", action="store_true", help="leave QEMU's own record/replay out")
    parser.add_argument("--json", type=Path, help="write all figures to FILE")
    parser.add_argument("workload", nargs="*", default=[], help=f"of {', '.join(WORKLOADS)}; default: all")
    options = parser.parse_args()
    unknown = [name for name in options.workload if name not in WORKLOADS]
    if unknown or options.rounds < 1:
        parser.error(f"unknown workload {unknown}; want some of {', '.join(WORKLOADS)}, and at least one round")

    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    try:
        workloads = []
        for name in options.workload or WORKLOADS:
            (folder / name).mkdir()
            workloads.append(Workload(name, options.reprise, folder / name))
        for _ in range(options.rounds):
            for workload in workloads:
                workload.one_round(with_rr=workload.name == "boot" and not options.no_rr)
        rows, summaries = [], []
        for workload in workloads:
            more, summary = workload.report()
            rows += more
            summaries.append(summary)
    finally:
        shutil.rmtree(folder)
    print_tables(rows, summaries)
    if options.json:
        options.json.write_text(json.dumps({"variants": rows, "summaries": summaries}, indent=2) + "\n")


if __name__ == "__main__":
    main()
