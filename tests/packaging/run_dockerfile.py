#!/usr/bin/env python3
"""Does what packaging/Dockerfile says without Docker, in fresh Debians, then uses what came out of it.

The instructions that our file needs are understood: ARG, FROM, COPY, WORKDIR, ENV, RUN, ENTRYPOINT; any other is an error. An image
"debian:RELEASE" is a debootstrap of RELEASE. At the end the entry point records the ping example, verifies, replays and compares it.

usage: run_dockerfile.py [--release bookworm|trixie] [--folder DIR]
"""

import argparse
import pathlib
import re
import shlex
import shutil
import subprocess
import time

from debian_root import DebianRoot, use_reprise, workplace

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def instructions(text):
    """(keyword, rest) of each; lines that end in a backslash go on."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            keyword, _, rest = line.strip().partition(" ")
            yield keyword, rest.strip()


class Stage:
    """One FROM and what follows it."""

    def __init__(self, root):
        self.root = root
        self.cwd = "/"
        self.environment = {}
        self.entrypoint = []


class Build:
    """All stages of one Dockerfile."""

    def __init__(self, release, folder):
        self.folder = folder
        self.arguments = {"DEBIAN": release}
        self.bases = {}
        self.stages = {}
        self.stage = None

    def do(self, keyword, rest):
        print(f"[{time.strftime('%H:%M:%S')}] {keyword} {rest}", flush=True)
        getattr(self, f"do_{keyword.lower()}", self.unknown)(rest)

    def unknown(self, rest):
        raise SystemExit(f"run_dockerfile: an instruction that it does not know, with '{rest}'; teach it")

    def do_arg(self, rest):
        name, _, default = rest.partition("=")
        self.arguments.setdefault(name, default)

    def do_from(self, rest):
        for name, value in self.arguments.items():
            rest = rest.replace(f"${{{name}}}", value)
        image, name = re.fullmatch(r"(\S+)(?: AS (\S+))?", rest).groups()
        release = image.removeprefix("debian:")
        if release not in self.bases:
            self.bases[release] = DebianRoot.bootstrap(self.folder / f"base-{release}", release)
        name = name or f"stage-{len(self.stages)}"
        self.stage = self.stages[name] = Stage(self.bases[release].copy(self.folder / name))

    def do_copy(self, rest):
        words = shlex.split(rest)
        target = self.stage.root.path(words.pop())
        if words[0].startswith("--from="):
            other = self.stages[words.pop(0).removeprefix("--from=")].root
            files = [file for word in words for file in sorted(other.folder.glob(word.lstrip("/")))]
        else:
            assert words == ["."], "only the whole context is copied"
            # What git knows: build folders stay out, as .dockerignore says.
            target.mkdir(parents=True, exist_ok=True)
            listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, check=True,
                                    stdout=subprocess.PIPE).stdout
            files = []
            for name in filter(None, listed.decode().split("\0")):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, target / name)
        for file in files:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)

    def do_workdir(self, rest):
        self.stage.cwd = rest
        self.stage.root.path(rest).mkdir(parents=True, exist_ok=True)

    def do_env(self, rest):
        name, _, value = rest.partition("=")
        self.stage.environment[name] = value

    def do_run(self, rest):
        self.in_stage(["sh", "-c", rest], stdout=subprocess.DEVNULL)

    def do_entrypoint(self, rest):
        self.stage.entrypoint = [word.strip(' "') for word in rest.strip("[]").split(",")]

    def in_stage(self, words, **options):
        return self.stage.root.run(words, self.stage.cwd, self.stage.environment, **options)


def main():
    parser = argparse.ArgumentParser(description="packaging/Dockerfile without Docker")
    parser.add_argument("--release", default="trixie")
    parser.add_argument("--folder", type=pathlib.Path, help="where the Debians go; default: a temporary folder")
    options = parser.parse_args()
    with workplace(options.folder) as folder:
        build = Build(options.release, folder)
        for keyword, rest in instructions((REPOSITORY / "packaging/Dockerfile").read_text(encoding="utf-8")):
            build.do(keyword, rest)
        use_reprise(build.in_stage, build.stage.entrypoint)
    print(f"run_dockerfile: {options.release}: built, recorded, replayed, compared")


if __name__ == "__main__":
    main()
