#!/usr/bin/env bash
# Installs the Debian packages that Reprise is built from and runs with; does nothing when all are there. As root, or with sudo.
#
# usage: tools/install_packages.sh [--qemu]     --qemu: only QEMU, which a Reprise that is installed as a package needs in a version that
#                                               Debian 12 has among its backports
set -euo pipefail

# shellcheck source=tools/debian_archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian_archive.sh"

packages=(
  cmake ninja-build g++ pkg-config git python3 binutils lz4 zstd                                 # to build, and to unpack the guest
  clang clang-format clang-tidy libclang-rt-dev llvm                                             # for the checks; the fuzzer, its symbolizer
  dpkg-dev file debootstrap                                                                      # to make a package, and try it in a fresh Debian
  capnproto libcapnp-dev libsimgrid-dev libzstd-dev libxxhash-dev libssl-dev libfmt-dev       # the program's libraries
  nlohmann-json3-dev libtinyxml2-dev libboost-program-options-dev libglib2.0-dev libgtest-dev
  debootstrap e2fsprogs                                                                          # for guests with a root file system
  genisoimage faketime                                                                           # for their seeds
  libslirp-dev openssh-client                                                                    # for gateways, and to reach guests through them
  age                                                                                            # to test encrypted traces against
)
qemu_package=qemu-system-x86
qemu_minimum=10.0 # the first whose plugin API reads registers and whose internals our plugin was tested with
backports_file=/etc/apt/sources.list.d/reprise-backports.sources

say() { echo "packages: $*"; }
fail() {
  echo "packages: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "root is needed to install packages: run this as root, or install sudo"
  fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >/dev/null; }

missing_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p' || true)
  printf '%s\n' "${packages[@]}" | grep -vxF -f <(printf '%s\n' "$installed") || true
}

new_enough() { [ -n "$1" ] && dpkg --compare-versions "${1#*:}" ge "$qemu_minimum"; }
installed_qemu() { dpkg-query -W -f='${Version}' "$qemu_package" 2>/dev/null || true; }
candidate_qemu() { apt-cache policy "$qemu_package" | sed -n 's/^  Candidate: *//p'; }
# The newest version in any configured suite, also one that apt would not choose by itself.
available_qemu() { apt-cache madison "$qemu_package" | awk -F' *[|] *' '{print $2}' | head -n 1; }

add_backports() {
  local codename=$1 uri file
  read -r uri file < <(archive_of "$codename") || true
  [ -n "${uri:-}" ] || fail "no configured apt source serves Debian $codename main; add one, or install QEMU >= $qemu_minimum yourself"
  say "adding $codename-backports from this machine's own archive in $backports_file, for QEMU >= $qemu_minimum"
  printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\nSigned-By: %s\n' \
    "${uri%/}" "$codename" "$(keyring_in "$file")" | as_root tee "$backports_file" >/dev/null
  as_root apt-get update -qq
}

install_qemu() {
  local codename
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  if new_enough "$(candidate_qemu)"; then
    say "installing $qemu_package $(candidate_qemu)"
    apt_install "$qemu_package"
    return
  fi
  new_enough "$(available_qemu)" || add_backports "$codename"
  new_enough "$(available_qemu)" || fail "$codename-backports has no QEMU >= $qemu_minimum, only '$(available_qemu)'"
  say "installing $qemu_package $(available_qemu) from $codename-backports"
  apt_install -t "$codename-backports" "$qemu_package"
}

main() {
  command -v apt-get >/dev/null || fail "this needs Debian 12 or 13 (no apt-get here)"
  case "${1:-}" in
    '') ;;
    --qemu) packages=() ;;
    *) fail "unknown argument '$1'; want --qemu or nothing" ;;
  esac
  local missing=() qemu_wanted=''
  mapfile -t missing < <(missing_packages)
  new_enough "$(installed_qemu)" || qemu_wanted=yes
  if [ ${#missing[@]} -eq 0 ] && [ -z "$qemu_wanted" ]; then
    say "all ${#packages[@]} packages and QEMU $(installed_qemu) are there"
    return
  fi
  say "about to install: ${missing[*]}${qemu_wanted:+ $qemu_package (>= $qemu_minimum)}"
  as_root apt-get update -qq
  [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
  [ -z "$qemu_wanted" ] || install_qemu
}

main "$@"
