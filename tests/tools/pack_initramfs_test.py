#!/usr/bin/env python3
"""Checks what tools/pack_initramfs.py decides by itself: the archive's bytes and the order in which modules are loaded."""

import importlib.util
import lzma
import pathlib
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "pack_initramfs.py"
spec = importlib.util.spec_from_file_location("pack_initramfs", SCRIPT)
pack_initramfs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack_initramfs)


def module(depends: str) -> bytes:
    return b"\x7fELF...\0license=GPL\0depends=" + depends.encode() + b"\0retpoline=Y\0"


class LoadOrder(unittest.TestCase):
    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)
        (root / "net").mkdir()
        (root / "modules.builtin").write_text("kernel/drivers/base/built-in-part.ko\n")
        (root / "net" / "e1000.ko").write_bytes(module(""))
        (root / "net" / "virtio_net.ko").write_bytes(module("virtio,virtio_ring,net-failover,built-in-part"))
        (root / "net" / "net-failover.ko").write_bytes(module("failover"))
        (root / "net" / "failover.ko.xz").write_bytes(lzma.compress(module("")))
        (root / "virtio.ko").write_bytes(module("virtio_ring"))
        (root / "virtio_ring.ko").write_bytes(module(""))
        (root / "virtio_pci.ko").write_bytes(module("virtio_ring,virtio"))
        (root / "orphan.ko").write_bytes(module("not_there"))
        self.modules = pack_initramfs.Modules(root)

    def test_a_driver_without_needs(self) -> None:
        self.assertEqual(self.modules.load_order("e1000"), ["e1000"])

    def test_needs_come_first_once_and_the_transport_with_them(self) -> None:
        self.assertEqual(
            self.modules.load_order("virtio_net"),
            ["virtio_ring", "virtio", "failover", "net_failover", "virtio_pci", "virtio_net"],
        )

    def test_what_is_built_in_is_not_loaded(self) -> None:
        self.assertEqual(self.modules.load_order("built_in_part"), [])

    def test_a_missing_module_is_named(self) -> None:
        with self.assertRaisesRegex(SystemExit, "not_there"):
            self.modules.load_order("orphan")


class ArchiveBytes(unittest.TestCase):
    def test_one_file(self) -> None:
        archive = pack_initramfs.Archive()
        archive.add("ab", 0o100644, b"hello")
        expected = (
            b"070701" b"00000001" b"000081A4" b"00000000" b"00000000" b"00000001" b"00000000" b"00000005"
            b"00000000" b"00000000" b"00000000" b"00000000" b"00000003" b"00000000" b"ab\0\0\0\0" b"hello\0\0\0"
        )  # fmt: skip
        body = archive.finish()
        self.assertEqual(body[: len(expected)], expected)
        self.assertEqual(len(body) % 512, 0)
        self.assertIn(b"TRAILER!!!\0", body[len(expected) :])


if __name__ == "__main__":
    unittest.main()
