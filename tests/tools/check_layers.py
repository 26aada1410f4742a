#!/usr/bin/env python3
"""Checks that includes go in one direction only, and the few other rules that keep each thing in its place.

usage: check_layers.py [FOLDER]       (default: the repository this file is in)

Prints each violation as FILE:LINE: what, and the remedy. Exit code 1 if there is one. The picture is ARCHITECTURE.md's; to change the
direction of a dependency, change the table below and say in the commit why.
"""

import pathlib
import re
import sys
from collections.abc import Iterator

# What a folder may include besides itself: whole folders ("launcher/") or the beginnings of file names.
MAY_INCLUDE: dict[str, list[str]] = {
    "trace_format": [],
    # It composes the command line of a process's host, whose protocol has a version.
    "launcher": ["trace_format/", "process_hooks/client_protocol"],
    "recorder": ["launcher/", "trace_format/"],
    "replayer": ["launcher/", "trace_format/"],
    # The plugin speaks the recorder's protocol and runs the replayer's comparison; starting guests is neither's part of it.
    "qemu_hooks": ["recorder/guest_protocol", "replayer/verifier", "replayer/verdict", "replayer/divergence", "trace_format/"],
    # The host of a native process starts the program and feeds the same sessions as the plugin; they know no QEMU.
    "process_hooks": [
        "launcher/child_process",
        "launcher/process_command",
        "qemu_hooks/make_session",
        "qemu_hooks/plugin_args",
        "qemu_hooks/session",
        "trace_format/",
    ],
    # A gateway feeds the same live session; it knows no QEMU and starts nothing.
    "gateway": [
        "launcher/gateway_command",
        "recorder/live_folder",
        "recorder/socket_path",
        "qemu_hooks/make_session",
        "qemu_hooks/plugin_args",
        "qemu_hooks/session",
        "trace_format/",
    ],
    "analysis": ["trace_format/"],
    "cli": ["analysis/", "gateway/", "launcher/", "recorder/", "replayer/", "trace_format/"],
    "tests": [""],
}
# No part of the program: code that runs elsewhere, and what is built or fetched.
OUTSIDE = {"examples", "docs", "packaging", "tools"}
NAMES_THAT_SAY_NOTHING = {"util", "utils", "helper", "helpers", "misc", "common"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SIMGRID = re.compile(r"^(simgrid|xbt|smpi)/")
QEMU = re.compile(r"\bdlv?sym\s*\(|\bqemu-plugin\.h\b")


def include_violation(path: str, quoted: bool, included: str) -> str | None:
    folder = path.split("/")[0]
    if SIMGRID.match(included) and not re.match(r"(tests/)?recorder/simgrid_", path):
        return f"includes SimGrid ({included}); only recorder/simgrid_* may: go through recorder/network_model.h"
    target = included.split("/")[0]
    if target == "..":
        return f"includes {included}: name it from the top of the repository, so that its folder is seen"
    if "/" not in included or target == folder or target not in MAY_INCLUDE:
        return None
    if not quoted:
        return f'includes <{included}>, which is ours: write it with quotes'
    if folder not in MAY_INCLUDE:
        return f"folder '{folder}' is not in the layers: give it a line in MAY_INCLUDE of tests/tools/check_layers.py"
    allowed = MAY_INCLUDE[folder]
    if any(included.startswith(beginning) for beginning in allowed):
        return None
    return f"{folder} must not include {included}; it may include {', '.join(each + '*' for each in allowed) or 'no other folder'}"


def line_violations(path: str, text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if match := INCLUDE.match(line):
            if violation := include_violation(path, match[1] == '"', match[2]):
                yield number, violation
        if QEMU.search(line.split("//")[0]) and not path.startswith("qemu_hooks/qemu_"):
            yield number, "looks up or declares QEMU's symbols; only qemu_hooks/qemu_* may: extend qemu_hooks/qemu_internals.h"


def sources(root: pathlib.Path) -> Iterator[pathlib.Path]:
    for top in sorted(root.iterdir()):
        if top.is_dir() and top.name not in OUTSIDE and not top.name.startswith((".", "build")):
            yield from sorted(path for path in top.rglob("*") if path.suffix in {".c", ".cc", ".h"})


def violations(root: pathlib.Path) -> Iterator[str]:
    for file in sources(root):
        path = file.relative_to(root).as_posix()
        vague = NAMES_THAT_SAY_NOTHING.intersection([file.stem, *file.relative_to(root).parts[:-1]])
        if vague:
            yield f"{path}:1: '{vague.pop()}' says nothing about what is in it: name it for its role"
        for number, what in line_violations(path, file.read_text(encoding="utf-8")):
            yield f"{path}:{number}: {what}"


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    if not any(sources(root)):
        print(f"{root}: no sources here", file=sys.stderr)
        return 2
    found = list(violations(root))
    for line in found:
        print(line)
    if not found:
        print(f"layers: {sum(1 for _ in sources(root))} files keep to them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
