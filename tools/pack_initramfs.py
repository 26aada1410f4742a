#!/usr/bin/env python3
"""Packs the demo guest's initramfs: the same input gives the same bytes, on any machine and at any time.

usage: pack_initramfs.py OUTPUT --init FILE --program FILE... --busybox FILE --modules FOLDER --driver NAME...

The archive is written here rather than by cpio, which would record inode numbers, owners and times of this machine. Each driver gets
lib/modules/NAME.load, its modules in load order, taken from the modules' own `depends=`: what depmod would compute, without kmod.
"""

import argparse
import lzma
import pathlib
import subprocess
import sys
import tempfile

FOLDERS = ["bin", "dev", "lib", "lib/modules", "proc", "root", "sys", "tmp"]
CONSOLE = (5, 1)
# Not named in `depends=`: the transport, which the bus finds as udev would; the checksum, which ext4 asks modprobe for.
ALSO_NEEDED = {"virtio_net": ["virtio_pci"], "ext4": ["crc32c_generic"]}


class Archive:
    """A cpio archive in the newc format, all owned by 0:0 and dated 1970."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._inode = 0

    def add(self, name: str, mode: int, body: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = [self._inode, mode, 0, 0, 1, 0, len(body), 0, 0, device[0], device[1], len(encoded), 0]
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._bytes += body
        self._pad()

    def finish(self) -> bytes:
        self._inode = -1
        self.add("TRAILER!!!", 0)
        self._bytes += b"\0" * (-len(self._bytes) % 512)
        return bytes(self._bytes)

    def _pad(self) -> None:
        self._bytes += b"\0" * (-len(self._bytes) % 4)


class Modules:
    """The kernel modules below a folder, by name with underscores."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._files = {self._name(path): path for path in folder.rglob("*.ko*")}
        self._loaded: dict[str, bytes] = {}
        builtin = next(folder.rglob("modules.builtin"), None)
        lines = builtin.read_text().split() if builtin else []
        self._builtin = {self._name(pathlib.Path(line)) for line in lines}

    @staticmethod
    def _name(path: pathlib.Path) -> str:
        return path.name.split(".ko")[0].replace("-", "_")

    def _body(self, name: str) -> bytes:
        if name not in self._loaded:
            if name not in self._files:
                raise SystemExit(f"kernel module {name} is neither built in nor in the kernel package")
            body = self._files[name].read_bytes()
            if self._files[name].suffix == ".xz":
                body = lzma.decompress(body)
            self._loaded[name] = body
        return self._loaded[name]

    def load_order(self, name: str) -> list[str]:
        if name in self._builtin:
            return []
        start = self._body(name).find(b"\0depends=") + len(b"\0depends=")
        depends = self._body(name)[start:].split(b"\0", 1)[0].decode()
        order: list[str] = []
        for needed in [*filter(None, depends.split(",")), *ALSO_NEEDED.get(name, [])]:
            order += [each for each in self.load_order(needed.replace("-", "_")) if each not in order]
        return [*order, name]

    def stripped(self, name: str) -> bytes:
        """Without debug data and BTF, and so without the signature: half the virtual time to load."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / f"{name}.ko"
            file.write_bytes(self._body(name))
            subprocess.run(["objcopy", "--strip-debug", "--remove-section=.BTF", file], check=True)
            return file.read_bytes()


def applets_of(busybox: pathlib.Path) -> list[str]:
    return sorted(subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split())


def pack(arguments: argparse.Namespace) -> bytes:
    modules = Modules(arguments.modules)
    archive = Archive()
    for folder in FOLDERS:
        archive.add(folder, 0o040755)
    archive.add("dev/console", 0o020600, device=CONSOLE)
    archive.add("init", 0o100755, arguments.init.read_bytes())
    archive.add("bin/busybox", 0o100755, arguments.busybox.read_bytes())
    for applet in applets_of(arguments.busybox):
        if applet != "busybox":
            archive.add(f"bin/{applet}", 0o120777, b"busybox")
    for program in sorted(arguments.program):
        archive.add(f"bin/{program.name}", 0o100755, program.read_bytes())
    needed: set[str] = set()
    for driver in sorted(arguments.driver):
        order = modules.load_order(driver)
        needed.update(order)
        archive.add(f"lib/modules/{driver}.load", 0o100644, "".join(f"{name}.ko\n" for name in order).encode())
    for name in sorted(needed):
        archive.add(f"lib/modules/{name}.ko", 0o100644, modules.stripped(name))
    return archive.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--init", type=pathlib.Path, required=True)
    parser.add_argument("--busybox", type=pathlib.Path, required=True)
    parser.add_argument("--modules", type=pathlib.Path, required=True)
    parser.add_argument("--program", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--driver", nargs="+", required=True)
    arguments = parser.parse_args()
    arguments.output.write_bytes(pack(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
