#!/usr/bin/env python3
"""Configures a guest from a cloud-init NoCloud seed, at its only boot: host name, keys, network, files, commands.

usage: nocloud.py FOLDER        (where the seed is mounted; it may not be there)

A subset of what cloud-init reads, listed in README.md. A key outside of it is named on the console and otherwise ignored.
"""

import base64
import ipaddress
import os
import pathlib
import pwd
import shlex
import subprocess
import sys
import time

import yaml

IGNORED = {"disable_root", "local-hostname", "package_update", "package_upgrade", "preserve_hostname"}  # true of these guests anyhow
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def say(text: str) -> None:
    print(f"seed: {text}", flush=True)


def unknown(where: str, mapping: dict, known: set[str]) -> None:
    for key in mapping:
        if key not in known:
            say(f"{where}: '{key}' is not supported and ignored")


def run(command: list[str], text: str | None = None) -> int:
    return subprocess.run(command, input=text, text=True, check=False).returncode


def read_yaml(file: pathlib.Path) -> dict:
    if not file.exists():
        return {}
    try:
        value = yaml.load(file.read_text(encoding="utf-8"), LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        say(f"{file.name}: {problem}")
        return {}
    if not isinstance(value, dict):
        if value is not None:
            say(f"{file.name}: holds no 'key: value' lines and is ignored")
        return {}
    return value


def set_host_name(name: str) -> None:
    pathlib.Path("/etc/hostname").write_text(name + "\n", encoding="utf-8")
    pathlib.Path("/proc/sys/kernel/hostname").write_text(name, encoding="ascii")
    with open("/etc/hosts", "a", encoding="utf-8") as hosts:
        hosts.write(f"127.0.1.1 {name}\n")


# --- network ---------------------------------------------------------------------------------------------------------------------------


def nic_names() -> dict[str, str]:
    """MAC address to name, of the NICs that are there."""
    nics = {}
    for folder in sorted(pathlib.Path("/sys/class/net").iterdir()):
        if (folder / "device").exists():
            nics[(folder / "address").read_text(encoding="ascii").strip()] = folder.name
    return nics


def from_version_1(config: list) -> dict:
    """The older form of network-config as the newer one."""
    ethernets = {}
    for entry in config:
        if entry.get("type") != "physical":
            say(f"network-config: type '{entry.get('type')}' is not supported and ignored")
            continue
        unknown("network-config", entry, {"type", "name", "mac_address", "mtu", "subnets"})
        settings: dict = {"addresses": []}
        if "mac_address" in entry:
            settings |= {"match": {"macaddress": entry["mac_address"]}, "set-name": entry["name"]}
        if "mtu" in entry:
            settings["mtu"] = entry["mtu"]
        for subnet in entry.get("subnets", []):
            unknown("network-config: subnets", subnet, {"type", "address", "netmask", "gateway"})
            if "address" in subnet:
                mask = f"/{subnet['netmask']}" if "netmask" in subnet else ""
                settings["addresses"].append(ipaddress.ip_interface(subnet["address"] + mask).with_prefixlen)
            if "gateway" in subnet:
                settings["gateway4"] = subnet["gateway"]
        ethernets[entry["name"]] = settings
    return {"version": 2, "ethernets": ethernets}


def commands_for(name: str, settings: dict) -> list[str]:
    """Lines for `ip -batch`."""
    where = f"network-config: {name}"
    unknown(where, settings, {"match", "set-name", "addresses", "gateway4", "routes", "mtu", "dhcp4", "dhcp6"})
    if settings.get("dhcp4") or settings.get("dhcp6"):
        say(f"{where}: DHCP is not supported; give it addresses")
    lines = [f"link set {name} up" + (f" mtu {int(settings['mtu'])}" if "mtu" in settings else "")]
    lines += [f"address add {ipaddress.ip_interface(address).with_prefixlen} dev {name}" for address in settings.get("addresses", [])]
    routes = list(settings.get("routes", []))
    if "gateway4" in settings:
        routes.append({"to": "default", "via": settings["gateway4"]})
    for route in routes:
        unknown(f"{where}: routes", route, {"to", "via"})
        to = "default" if route["to"] in ("default", "0.0.0.0/0") else str(ipaddress.ip_network(route["to"]))
        lines.append(f"route add {to} via {ipaddress.ip_address(route['via'])} dev {name} onlink")
    return lines


def configure_network(config: dict) -> None:
    config = config.get("network", config)
    if config.get("version") == 1:
        config = from_version_1(config.get("config", []))
    unknown("network-config", config, {"version", "ethernets", "renderer"})
    nics = nic_names()
    lines = ["link set lo up"]
    up = []
    for label, settings in (config.get("ethernets") or {}).items():
        mac = str((settings.get("match") or {}).get("macaddress", "")).lower()
        present = nics.pop(mac, None) if mac else None
        if not mac and nics:
            # No udev gives names here: what has none of the names there are gets the next NIC that is left.
            mac = next((each for each, name in nics.items() if name == label), next(iter(nics)))
            present = nics.pop(mac)
        if present is None:
            say(f"network-config: no NIC for '{label}'")
            continue
        name = settings.get("set-name", label if not settings.get("match") else present)
        if name != present:
            lines.append(f"link set {present} name {name}")
        lines += commands_for(name, settings)
        up.append(name)
    run(["ip", "-force", "-batch", "-"], "\n".join(lines) + "\n")
    for name in up:
        while pathlib.Path(f"/sys/class/net/{name}/carrier").read_text(encoding="ascii").strip() != "1":
            time.sleep(0.02)


def address_from_deployment() -> dict:
    """What the deployment's `address` says, for a guest whose seed has no network-config."""
    for word in pathlib.Path("/proc/cmdline").read_text(encoding="ascii").split():
        if word.startswith("ip4="):
            return {"version": 2, "ethernets": {"eth0": {"addresses": [word[4:]]}}}
    return {"version": 2, "ethernets": {}}


# --- keys, files, commands -------------------------------------------------------------------------------------------------------------


def write_private(file: pathlib.Path, text: str, mode: int = 0o600) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    file.chmod(mode)


def set_up_ssh(user_data: dict, keys: list) -> None:
    host_key = pathlib.Path("/etc/ssh/ssh_host_ed25519_key")
    given = user_data.get("ssh_keys") or {}
    unknown("user-data: ssh_keys", given, {"ed25519_private", "ed25519_public"})
    if "ed25519_private" in given:
        write_private(host_key, given["ed25519_private"])
        write_private(host_key.with_suffix(".pub"), given.get("ed25519_public", ""), 0o644)
    elif not host_key.exists():
        # From the kernel's seeded generator: the same key in every run of this guest.
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(host_key)])
    if keys:
        write_private(pathlib.Path("/root/.ssh/authorized_keys"), "\n".join(keys))
    run(["/usr/sbin/sshd"])


def write_file(entry: dict) -> None:
    unknown("user-data: write_files", entry, {"path", "content", "permissions", "owner", "encoding", "append", "defer"})
    content = entry.get("content", "")
    encoding = entry.get("encoding", "text/plain")
    if encoding in ("b64", "base64"):
        data = base64.b64decode(content)
    elif encoding == "text/plain":
        data = content.encode() if isinstance(content, str) else content
    else:
        say(f"user-data: write_files: {entry['path']}: encoding '{encoding}' is not supported; nothing is written")
        return
    file = pathlib.Path(entry["path"])
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "ab" if entry.get("append") else "wb") as out:
        out.write(data)
    mode = entry.get("permissions", 0o644)
    file.chmod(mode if isinstance(mode, int) else int(mode, 8))  # YAML has read an unquoted 0644 as octal already
    if "owner" in entry:
        user, _, group = str(entry["owner"]).partition(":")
        account = pwd.getpwnam(user)
        os.chown(file, account.pw_uid, account.pw_gid if not group or group == user else int(group))


def run_commands(where: str, commands: list) -> None:
    """As cloud-init does: a list is one program with its arguments, a text is for the shell; all in one shell script."""
    lines = [shlex.join(str(word) for word in each) if isinstance(each, list) else str(each) for each in commands]
    code = run(["sh", "-c", "\n".join(lines)])
    if code != 0:
        say(f"user-data: {where}: the last command exited with {code}")


def end_as_wished(wish: dict) -> None:
    unknown("user-data: power_state", wish, {"mode", "delay", "message", "condition", "timeout"})
    mode = wish.get("mode", "poweroff")
    if wish.get("condition", True) not in (True, "true"):
        return
    if "message" in wish:
        print(wish["message"], flush=True)
    # At once: nothing here has to be brought to an end first, and what a guest changed lies in its memory.
    run(["busybox", {"reboot": "reboot", "halt": "halt"}.get(mode, "poweroff"), "-f"])


KNOWN_USER_DATA = {"hostname", "fqdn", "bootcmd", "runcmd", "write_files", "ssh_authorized_keys", "ssh_keys", "power_state", "final_message"}


def read_user_data(file: pathlib.Path) -> tuple[dict, str]:
    """The configuration, or a script to run instead."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    if text.startswith("#!"):
        return {}, text
    if text and not text.startswith("#cloud-config"):
        say("user-data: begins neither with '#cloud-config' nor with '#!' and is ignored")
        return {}, ""
    user_data = read_yaml(file)
    unknown("user-data", user_data, KNOWN_USER_DATA | IGNORED)
    return user_data, ""


def main() -> int:
    seed = pathlib.Path(sys.argv[1])
    meta_data = read_yaml(seed / "meta-data")
    unknown("meta-data", meta_data, {"instance-id", "local-hostname", "public-keys"})
    user_data, script = read_user_data(seed / "user-data")
    name = str(user_data.get("fqdn") or user_data.get("hostname") or meta_data.get("local-hostname") or "guest")
    set_host_name(name)
    run_commands("bootcmd", user_data.get("bootcmd") or [])
    network = read_yaml(seed / "network-config")
    configure_network(network or address_from_deployment())
    for entry in user_data.get("write_files") or []:
        write_file(entry)
    public = meta_data.get("public-keys") or []
    keys = list(public.values()) if isinstance(public, dict) else list(public)
    set_up_ssh(user_data, keys + list(user_data.get("ssh_authorized_keys") or []))
    say(f"{name} is up")
    if script:
        file = pathlib.Path("/run/user-data")
        write_private(file, script, 0o700)
        run([str(file)])
    run_commands("runcmd", user_data.get("runcmd") or [])
    if "final_message" in user_data:
        print(user_data["final_message"], flush=True)
    if "power_state" in user_data:
        end_as_wished(user_data["power_state"] or {})
    return 0


if __name__ == "__main__":
    sys.exit(main())
