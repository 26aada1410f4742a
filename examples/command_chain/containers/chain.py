#!/usr/bin/python3
"""Runs one machine's containers of the chain of command, by crun, on a bridge of the machine's own.

usage: chain.py vm1|vm2|local [DEST_HOST=ADDRESS] [PERIOD_US=N] [orders=ORDER,ORDER...]...

DEST_HOST is where radio_op1 finds radio_op2. Each orders= is one run of command_post.
"""

import json
import pathlib
import subprocess
import sys

HERE = "/opt/command_chain"
BUNDLES = pathlib.Path("/run/bundles")
# Name, last byte of the address, program. The machine's network is 172.18.MACHINE.0/24, its bridge is .1.
MACHINES = {
    "vm1": (1, [("radio_op1", 2, "radio_op.py"), ("command_post", 3, "command_post.py")]),
    "vm2": (2, [("officer", 2, "officer.py"), ("radio_op2", 3, "radio_op.py")]),
    "local": (
        1,
        [("officer", 4, "officer.py"), ("radio_op2", 5, "radio_op.py"), ("radio_op1", 2, "radio_op.py"), ("command_post", 3, "command_post.py")],
    ),
}
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    *({"destination": path, "type": "bind", "source": path, "options": ["bind", "ro"]} for path in ("/usr", HERE)),
]


def ip(*lines: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


def make_bridge(machine: int) -> None:
    ip("link add br0 type bridge", "link set br0 up", f"address add 172.18.{machine}.1/24 dev br0")
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def make_network(name: str, machine: int, number: int) -> None:
    """A network name space with one end of a cable whose other end is in the bridge."""
    # Its MAC is given: the kernel would draw one.
    mac = f"02:00:00:00:{machine:02x}:{number:02x}"
    ip(f"netns add {name}", f"link add v{number} type veth peer name eth0 address {mac} netns {name}", f"link set v{number} master br0 up")
    subprocess.run(
        ["ip", "-netns", name, "-batch", "-"],
        input=f"link set lo up\nlink set eth0 up\naddress add 172.18.{machine}.{number}/24 dev eth0\nroute add default via 172.18.{machine}.1\n",
        text=True,
        check=True,
    )


def make_bundle(name: str, arguments: list[str], environment: dict[str, str]) -> pathlib.Path:
    bundle = BUNDLES / name
    root = bundle / "rootfs"
    for folder in ("proc", "dev", "usr", "tmp", HERE[1:]):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        if not (root / link).is_symlink():
            (root / link).symlink_to(f"usr/{link}")
    config = {
        "ociVersion": "1.0.2",
        "hostname": name,
        "root": {"path": "rootfs", "readonly": True},
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": ["PATH=/usr/sbin:/usr/bin", *(f"{key}={value}" for key, value in environment.items())],
            "cwd": "/",
            "noNewPrivileges": True,
        },
        "mounts": MOUNTS,
        "linux": {
            "namespaces": [
                *({"type": kind} for kind in ("pid", "mount", "ipc", "uts")),
                {"type": "network", "path": f"/run/netns/{name}"},
            ]
        },
    }
    (bundle / "config.json").write_text(json.dumps(config))
    return bundle


def start(name: str, bundle: pathlib.Path) -> subprocess.Popen:
    return subprocess.Popen(["crun", "--cgroup-manager=disabled", "run", "--bundle", str(bundle), name], stdin=subprocess.DEVNULL)


def destination_of(name: str, which: str, settings: dict[str, str]) -> str:
    """Whom a container hands its orders to."""
    if name == "command_post":
        return "172.18.1.2"
    if name == "radio_op1":
        return settings.get("DEST_HOST", "172.18.1.5" if which == "local" else "172.18.2.3")
    return "172.18.1.4" if which == "local" else "172.18.2.2"


def compare_with_reaping() -> None:
    """The full program where process 1 reaps: the machine's own, and tini in a container. And where it does not: itself."""
    zombies = f"{HERE}/zombies"
    for title, command in [
        ("outside of a container", [zombies, "10"]),
        ("in a container with tini as process 1", ["/usr/bin/tini", "--", zombies, "10"]),
        ("in a container as process 1", [zombies, "10"]),
    ]:
        print(f"chain: the full program {title}:", flush=True)
        if title.startswith("outside"):
            subprocess.run(command, check=True)
        else:
            start("officer", make_bundle("officer", command, {})).wait()


def main() -> int:
    which, *words = sys.argv[1:]
    machine, containers = MACHINES[which]
    settings = dict(word.split("=", 1) for word in words if not word.startswith("orders="))
    runs = [word.removeprefix("orders=").split(",") for word in words if word.startswith("orders=")]
    make_bridge(machine)
    if which != "local":
        other = 3 - machine
        ip(f"route add 172.18.{other}.0/24 via 10.0.0.{other}")
    running = []
    for name, number, program in containers:
        make_network(name, machine, number)
        environment = {"DEST_HOST": destination_of(name, which, settings)}
        if "PERIOD_US" in settings:
            environment["PERIOD_US"] = settings["PERIOD_US"]
        arguments = ["/usr/bin/python3", f"{HERE}/{program}"]
        if name != "command_post":
            running.append(start(name, make_bundle(name, arguments, environment)))
            continue
        for orders in runs:
            start(name, make_bundle(name, arguments + orders, environment)).wait()
    for container in running:
        container.wait()
    if which != "vm1":
        compare_with_reaping()
    return 0


if __name__ == "__main__":
    sys.exit(main())
