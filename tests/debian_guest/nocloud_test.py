#!/usr/bin/env python3
"""Checks what examples/debian/nocloud.py makes of a seed's keys, without a guest: the lines for `ip`, and what it says of unknown keys."""

import contextlib
import importlib.util
import io
import json
import pathlib
import sys
import tempfile
import types
import unittest

# The guest has PyYAML, this machine may not; JSON is YAML, so the texts here are JSON.
sys.modules["yaml"] = types.SimpleNamespace(
    SafeLoader=None, YAMLError=json.JSONDecodeError, load=lambda text, _: json.loads(text.removeprefix("#cloud-config\n") or "null")
)
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "examples" / "debian" / "nocloud.py"
spec = importlib.util.spec_from_file_location("nocloud", SCRIPT)
nocloud = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nocloud)


def said(action) -> tuple[object, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = action()
    return result, out.getvalue()


class NetworkConfig(unittest.TestCase):
    def test_version_2(self) -> None:
        settings = {"addresses": ["10.0.0.7/24", "10.1.0.7/16"], "gateway4": "10.0.0.1", "mtu": 1400, "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]}
        lines, text = said(lambda: nocloud.commands_for("ens3", settings))
        self.assertEqual(
            lines,
            [
                "link set ens3 up mtu 1400",
                "address add 10.0.0.7/24 dev ens3",
                "address add 10.1.0.7/16 dev ens3",
                "route add 10.9.0.0/16 via 10.0.0.9 dev ens3 onlink",
                "route add default via 10.0.0.1 dev ens3 onlink",
            ],
        )
        self.assertEqual(text, "")

    def test_version_1_becomes_version_2(self) -> None:
        subnet = {"type": "static", "address": "10.0.0.7", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}
        entry = {"type": "physical", "name": "eth0", "mac_address": "52:54:00:00:00:01", "subnets": [subnet, {"type": "static", "address": "fd00::7/64"}]}
        config, text = said(lambda: nocloud.from_version_1([entry, {"type": "bond", "name": "b"}]))
        self.assertEqual(
            config["ethernets"]["eth0"],
            {"addresses": ["10.0.0.7/24", "fd00::7/64"], "match": {"macaddress": "52:54:00:00:00:01"}, "set-name": "eth0", "gateway4": "10.0.0.1"},
        )
        self.assertIn("type 'bond' is not supported", text)

    def test_what_is_not_supported_is_named(self) -> None:
        _, text = said(lambda: nocloud.commands_for("ens3", {"dhcp4": True, "nameservers": {}}))
        self.assertIn("network-config: ens3: 'nameservers' is not supported and ignored", text)
        self.assertIn("DHCP is not supported", text)


class UserData(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self._file = pathlib.Path(folder.name) / "user-data"

    def read(self, text: str) -> tuple[tuple[dict, str], str]:
        self._file.write_text(text, encoding="utf-8")
        return said(lambda: nocloud.read_user_data(self._file))

    def test_cloud_config(self) -> None:
        result, text = self.read('#cloud-config\n{"hostname": "a", "apt": 1, "disable_root": false}')
        self.assertEqual(result, ({"hostname": "a", "apt": 1, "disable_root": False}, ""))
        self.assertEqual(text, "seed: user-data: 'apt' is not supported and ignored\n")

    def test_script(self) -> None:
        self.assertEqual(self.read("#!/bin/sh\necho")[0], ({}, "#!/bin/sh\necho"))

    def test_neither(self) -> None:
        result, text = self.read("hostname: a")
        self.assertEqual(result, ({}, ""))
        self.assertIn("begins neither with", text)

    def test_none(self) -> None:
        self.assertEqual(said(lambda: nocloud.read_user_data(self._file)), (({}, ""), ""))

    def test_what_is_no_mapping(self) -> None:
        for text in ("#cloud-config\n[1]", "#cloud-config\n{", "#cloud-config\n"):
            self.assertEqual(self.read(text)[0], ({}, ""), text)


class Files(unittest.TestCase):
    def test_written_as_told(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "a" / "b"
            nocloud.write_file({"path": str(file), "content": "aGk=", "encoding": "b64", "permissions": "0750"})
            nocloud.write_file({"path": str(file), "content": "!", "append": True, "permissions": 0o750})
            self.assertEqual(file.read_text(encoding="ascii"), "hi!")
            self.assertEqual(file.stat().st_mode & 0o777, 0o750)
            _, text = said(lambda: nocloud.write_file({"path": str(file), "content": "x", "encoding": "gzip"}))
            self.assertIn("encoding 'gzip' is not supported", text)


if __name__ == "__main__":
    unittest.main()
