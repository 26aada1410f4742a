"""How each case of the illusion is run: see compare.py."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

EXAMPLE = Path(__file__).resolve().parent
DEPLOYMENTS = {"alone": "alone.xml", "crowd": "crowd.xml", "barriers": "barriers.xml"}
ATTACKER_MAC = "52:54:00:00:00:01"
PEER_MAC = "52:54:00:00:00:02"
STOPS = ["illusion: gaps", "illusion: loops", "illusion: frames"]
STOP_SECONDS = 1.0
END = "attacks see something"
LIMIT_SECONDS = 600
ATTEMPTS = 3


class RunFailed(Exception):
    """A program of a case did not do its part."""


class StoppedTooLate(RunFailed):
    """A stock guest takes 150 to 300 ms from the last of STOPS to its end: a busy host may look at its console too late."""

    def __init__(self, line: str) -> None:
        super().__init__(f"the attacker was at its end before it could be stopped at '{line}'; run it on a less busy machine")


class Cases:
    """Runs cases of a program `reprise`; traces and consoles go to a folder."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def console(self, case: str) -> Path:
        return self._folder / case / "attacker.log"

    def run(self, case: str) -> None:
        special: dict[str, Callable[[], None]] = {
            "replay": self._replay,
            "load": self._record_under_load,
            "stopped": self._record_stopped,
            "stock": lambda: self._run_stock("stock"),
            "stock-load": lambda: self._run_stock("stock-load"),
            "stock-stopped": lambda: self._run_stock("stock-stopped"),
        }
        run_case = special.get(case, lambda: run_to_end(self._record_command(case)))
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                return run_case()
            except StoppedTooLate:
                if attempts_left == 0:
                    raise

    def difference(self, left: str, right: str) -> str:
        """What `diff` says of the attacker in two cases; empty when it says identical."""
        done = self._reprise("diff", str(self._trace(left)), str(self._trace(right)), "--guest", "attacker")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def events(self, case: str, guest: str, kind: str) -> list[list[str]]:
        """Of a guest's trace, in words; the first is the virtual time in ns."""
        done = self._reprise("dump", str(self._trace(case)), "--guest", guest, "--kind", kind)
        if done.returncode != 0:
            raise RunFailed(done.stderr)
        return [line.split() for line in done.stdout.splitlines()]

    def _reprise(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self._program), *words], capture_output=True, text=True, check=False)

    def _trace(self, case: str) -> Path:
        return self._folder / f"{case}.trace"

    def _record_command(self, case: str) -> list[str]:
        self._trace(case).unlink(missing_ok=True)
        shutil.rmtree(f"{self._trace(case)}.partial", ignore_errors=True)  # of an attempt that was stopped too late
        self.console(case).unlink(missing_ok=True)
        deployment = EXAMPLE / DEPLOYMENTS.get(case, "deployment.xml")
        words = [str(self._program), "record", str(EXAMPLE / "platform.xml"), str(deployment)]
        return [*words, "-o", str(self._trace(case)), "--console", str(self._folder / case)]

    def _replay(self) -> None:
        folder = str(self.console("replay").parent)
        run_to_end([str(self._program), "replay", str(self._trace("pair")), "--guest", "attacker", "--console", folder])

    def _record_under_load(self) -> None:
        with busy_host():
            run_to_end(self._record_command("load"))

    def _record_stopped(self) -> None:
        command = self._record_command("stopped")
        console = self.console("stopped")
        with running(command) as recorder:
            for line in STOPS:
                stop_at(line, console, recorder, recorder.pid)
                if line == STOPS[0]:
                    stop_at("illusion: wake-ups", console, recorder, qemu_of_attacker(recorder.pid))
            finish(recorder, command)

    def _run_stock(self, case: str) -> None:
        console = self.console(case)
        folder = console.parent
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("attacker", "peer"):
            for suffix in ("log", "net", "qmp"):
                (folder / f"{name}.{suffix}").unlink(missing_ok=True)
        peer_command = stock_command(folder, "peer", "attacker", PEER_MAC, "run=illusion-peer")
        command = stock_command(folder, "attacker", "peer", ATTACKER_MAC, f"iomem=relaxed run=illusion:5:{PEER_MAC.replace(':', '')}")
        load = busy_host() if case == "stock-load" else contextlib.nullcontext()
        # The peer ends when the attacker says bye; a frame that got lost must not make this wait.
        with running(peer_command), running(command) as attacker, load:
            if case == "stock-stopped":
                pause_by_monitor(console, attacker)
                for line in STOPS:
                    stop_at(line, console, attacker, attacker.pid)
            finish(attacker, command)


def die_with_parent() -> None:
    """In a child: nobody else would end a guest that waits for ever."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGKILL))


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def finish(process: subprocess.Popen[str], command: list[str]) -> None:
    try:
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"{' '.join(command)}\nhas not ended within {LIMIT_SECONDS} s") from None
    if process.returncode != 0:
        raise RunFailed(f"{' '.join(command)}\nended with exit code {process.returncode}:\n{output}")


def run_to_end(command: list[str]) -> None:
    with running(command) as process:
        finish(process, command)


@contextlib.contextmanager
def busy_host() -> Iterator[None]:
    """One busy process more than there are cores."""
    with contextlib.ExitStack() as spinning:
        for _ in range(1 + (os.cpu_count() or 1)):
            spinning.enter_context(running([sys.executable, "-c", "while True: pass"]))
        yield


def wait_for_line(line: str, console: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        ended = process.poll() is not None  # asked first: then all that it printed is there to be seen
        came = console.exists() and line.encode() in console.read_bytes()
        if came and ended:
            raise StoppedTooLate(line)
        if came:
            return
        if ended:
            raise RunFailed(f"it ended before the attacker came to '{line}':\n{process.communicate()[0]}")
        if time.monotonic() > deadline:
            raise RunFailed(f"the attacker has not come to '{line}' within {LIMIT_SECONDS} s")
        time.sleep(0.002)


def stop_at(line: str, console: Path, process: subprocess.Popen[str], pid: int) -> None:
    """A second in which the process is not there. The second is the experiment: nothing is waited for."""
    wait_for_line(line, console, process)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(STOP_SECONDS)
        if END.encode() in console.read_bytes():
            raise StoppedTooLate(line)
    finally:
        os.kill(pid, signal.SIGCONT)


def qemu_of_attacker(recorder: int) -> int:
    for child in Path(f"/proc/{recorder}/task/{recorder}/children").read_text().split():
        if ATTACKER_MAC.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise RunFailed("the recorder has no QEMU for the attacker")


def pause_by_monitor(console: Path, attacker: subprocess.Popen[str]) -> None:
    wait_for_line("illusion: sleeping", console, attacker)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(console.parent / "attacker.qmp"))
        lines = connection.makefile("rw")
        execute(lines, "qmp_capabilities")
        execute(lines, "stop")
        time.sleep(STOP_SECONDS)
        execute(lines, "cont")


def execute(lines: TextIO, command: str) -> None:
    lines.write(json.dumps({"execute": command}) + "\n")
    lines.flush()
    for line in lines:
        answer = json.loads(line)
        if "return" in answer:
            return
        if "error" in answer:
            break
    raise RunFailed(f"QEMU's monitor does not obey '{command}'")


def stock_command(folder: Path, name: str, other: str, mac: str, append: str) -> list[str]:
    """QEMU as anybody starts it: no icount, no plugin. Frames go from one process to the other."""
    guests = os.environ["REPRISE_GUESTS"]
    net = f"dgram,id=n0,local.type=unix,local.path={folder}/{name}.net,remote.type=unix,remote.path={folder}/{other}.net"
    return [
        *[os.environ.get("REPRISE_QEMU", "qemu-system-x86_64"), "-accel", "tcg", "-m", "128", "-nodefaults", "-display", "none", "-no-reboot"],
        *["-serial", f"file:{folder}/{name}.log", "-qmp", f"unix:{folder}/{name}.qmp,server=on,wait=off"],
        *["-netdev", net, "-device", f"vmxnet3,netdev=n0,mac={mac}", "-kernel", f"{guests}/vmlinux", "-initrd", f"{guests}/guest.cpio"],
        *["-append", f"console=ttyS0 panic=-1 quiet ip4=10.0.0.1/24 {append}"],
    ]
