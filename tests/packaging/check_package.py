#!/usr/bin/env python3
"""Makes the Debian package of a build folder and uses it in a fresh Debian of this machine's release; then as a Slurm job there.

The Debian has nothing but what the package depends on: no compiler, no source. The demo guest is this machine's own. Slurm is one node with
Debian's packages, on loopback: the batch script is the one that docs/slurm.md shows.

usage: check_package.py BUILD-FOLDER GUESTS-FOLDER [--folder DIR]
"""

import argparse
import pathlib
import shutil
import subprocess

from debian_root import DebianRoot, use_reprise, workplace

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GUESTS = "/usr/share/reprise/guests"
SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
StateSaveLocation=/tmp/slurm-state
SlurmdSpoolDir=/tmp/slurm-spool
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1024 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
# One shell, so that the daemons are gone with its process namespace. --wait ends when the job does, with its exit code.
SLURM_JOB = """
mkdir -p /run/munge /tmp/slurm-state /tmp/slurm-spool /data/runs
chown munge:munge /run/munge
runuser -u munge -- /usr/sbin/munged
slurmctld
slurmd
cd /data/runs
sbatch --wait --output=job.log --cpus-per-task={cpus} /usr/share/reprise/slurm/reprise.sbatch \
  /usr/share/reprise/examples/ping/platform.xml /usr/share/reprise/examples/ping/deployment.xml
cat job.log
reprise verify run-1.trace
"""


def make_package(build):
    for old in build.glob("reprise_*.deb"):
        old.unlink()
    subprocess.run(["cmake", "--build", build, "--target", "package_contents"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cpack", "-G", "DEB"], cwd=build, check=True, stdout=subprocess.DEVNULL)
    (package,) = build.glob("reprise_*.deb")
    return package


def own_release():
    words = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    return words["VERSION_CODENAME"]


def install(root, package, guests):
    shutil.copy(package, root.path("/tmp"))
    for script in ("install_packages.sh", "debian_archive.sh"):
        shutil.copy(REPOSITORY / "tools" / script, root.path("/tmp"))
    root.run(["/tmp/install_packages.sh", "--qemu"])
    root.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/tmp/{package.name}"], stdout=subprocess.DEVNULL)
    root.path(GUESTS).mkdir(parents=True)
    for image in ("vmlinux", "guest.cpio"):
        shutil.copy(guests / image, root.path(GUESTS))
    root.path("/data").mkdir()


def check_slurm(root):
    root.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "slurm-wlm", "munge"], stdout=subprocess.DEVNULL)
    host = subprocess.run(["hostname", "-s"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    cpus = int(subprocess.run(["nproc"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    root.path("/etc/hosts").write_text(f"127.0.0.1 localhost {host}\n", encoding="utf-8")
    root.path("/etc/slurm").mkdir(parents=True, exist_ok=True)
    root.path("/etc/slurm/slurm.conf").write_text(SLURM_CONF.format(host=host, cpus=cpus), encoding="utf-8")
    root.run(["timeout", "300", "sh", "-ec", SLURM_JOB.format(cpus=cpus)], environment={"REPRISE_GUESTS": GUESTS})


def main():
    parser = argparse.ArgumentParser(description="the Debian package, made, installed and used")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, help="where the Debian goes; default: a temporary folder")
    options = parser.parse_args()
    package = make_package(options.build.resolve())
    with workplace(options.folder) as folder:
        root = DebianRoot.bootstrap(folder / "root", own_release())
        install(root, package, options.guests.resolve())
        use_reprise(lambda words: root.run(words, "/data", {"REPRISE_GUESTS": GUESTS}))
        check_slurm(root)
    print(f"check_package: {package.name}: installed, recorded, replayed, compared, run by Slurm")


if __name__ == "__main__":
    main()
