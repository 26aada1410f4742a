"""A fresh Debian in a folder, and commands in it: what a container engine would give, from debootstrap, chroot and a mount namespace.

Packages come from where this machine has its own: the archive that its apt sources name, with its apt configuration. Needs root.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

SKIPPED = 77
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
# Mounts are seen by the command alone and are gone with it.
IN_ROOT = """
mount --make-rprivate /
mount --rbind /dev "$0/dev"
mount --rbind /sys "$0/sys"
mount -t proc proc "$0/proc"
exec chroot "$0" sh -c 'cd "$1" && shift && exec "$@"' sh "$@"
"""


def archive():
    """Where this machine gets Debian itself from."""
    columns = "$(REPO_URI) $(ORIGIN)/$(LABEL) $(SUITE) $(CODENAME) $(COMPONENT)"
    lines = subprocess.run(["apt-get", "indextargets", "--format", columns, "Created-By: Packages"], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    for line in lines:
        uri, origin, _, codename, component = line.split()
        if origin == "Debian/Debian" and "-" not in codename and component == "main":
            return uri
    raise SystemExit("no configured apt source serves Debian main")


class DebianRoot:
    """A root file system in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @classmethod
    def bootstrap(cls, folder, release):
        """The smallest Debian that apt works in, as the images that containers are built from."""
        subprocess.run(["debootstrap", "--variant=minbase", release, str(folder), archive()], check=True, stdout=subprocess.DEVNULL)
        for settings in pathlib.Path("/etc/apt/apt.conf.d").iterdir():
            shutil.copy(settings, pathlib.Path(folder) / "etc/apt/apt.conf.d")
        return cls(folder)

    def copy(self, folder):
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.folder), str(folder)], check=True)
        return DebianRoot(folder)

    def path(self, inside):
        """Where `inside` ("/usr/bin") is, seen from here."""
        return self.folder / str(inside).lstrip("/")

    def run(self, words, cwd="/", environment=None, **options):
        """Runs `words` in it; raises when they fail."""
        env = {**ENVIRONMENT, **(environment or {})}
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", IN_ROOT, str(self.folder), cwd, *words]
        return subprocess.run(command, check=True, env=env, stdin=subprocess.DEVNULL, **options)


@contextlib.contextmanager
def workplace(parent=None):
    """A folder for roots, gone at the end."""
    need_root()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-debian-", dir=parent)).resolve()
    try:
        yield folder
    finally:
        # A mount that is left would take what it shows with it.
        if any(line.split()[1].startswith(f"{folder}/") for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines()):
            raise SystemExit(f"{folder}: something is mounted in it; not removed")
        shutil.rmtree(folder)


def use_reprise(run, reprise=("reprise",)):
    """As a user would, where the package is installed: records the ping example twice, verifies, replays and compares. `run` runs words."""
    example = "/usr/share/reprise/examples/ping"
    record = ["record", f"{example}/platform.xml", f"{example}/deployment.xml", "-o"]
    for arguments in ([*record, "a.trace"], ["verify", "a.trace"], ["replay", "a.trace"], [*record, "b.trace"], ["diff", "a.trace", "b.trace"]):
        print("$ reprise", *arguments, flush=True)
        run([*reprise, *arguments])


def need_root():
    """Leaves with the exit code of a skipped test where no root file system can be used at all."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode != 0:
        print("skipped: needs root and mount namespaces", flush=True)
        raise SystemExit(SKIPPED)
    for program in ("debootstrap", "unshare"):
        if shutil.which(program) is None:
            raise SystemExit(f"needs {program}; tools/install_packages.sh installs it")
