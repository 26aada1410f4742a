#!/usr/bin/env bash
# Makes a guest with a root file system: $REPRISE_GUESTS/debian.ext4 (Debian's own packages, by debootstrap) and debian.cpio (the initramfs
# that mounts it). Each is made only when its own sources have changed. Needs root, and 60 MB of downloads, which it keeps. The same packages
# give the same bytes.
#
# usage: tools/build_guest_image.sh
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/debian_archive.sh
. "$repo/tools/debian_archive.sh"
guests=${REPRISE_GUESTS:-$repo/build/guests}
guest=$repo/examples/debian
chain=$repo/examples/command_chain/containers
root_sources=("$guest"/{boot,inittab,nocloud.py} "$chain"/* "$repo"/tools/{build_guest_image.sh,debian_archive.sh})
initramfs_sources=("$guest"/initramfs_init "$repo"/examples/guest/{commands.h,main.c,seed.c} "$repo"/tools/{build_guest_image.sh,pack_initramfs.py})

packages=(busybox-static python3-yaml iputils-ping iproute2 iperf3 openssh-server crun tini procps)
drivers=(e1000 vmxnet3 virtio_net nd_pmem nd_e820 ext4 overlay isofs veth bridge)
# The whole image. mke2fs fails when the files do not fit: remove a package, or raise this and say why in the commit.
image_mib=192
# Everything that would be dated by this build gets the instant at which a guest's clock starts.
export SOURCE_DATE_EPOCH=1704067200
uuid=5245504c-4159-4000-8000-000000000001

say() { echo "guest image: $*"; }
fail() {
  echo "guest image: $*" >&2
  exit 4
}

# The first line of FILE.from: what FILE was made from.
root_digest() { cat "${root_sources[@]}" | sha256sum | cut -d' ' -f1; }
# With the kernel's package: the modules must be the kernel's own.
initramfs_digest() {
  {
    cat "${initramfs_sources[@]}"
    grep '^# \(kernel\|busybox\) ' "$guests/DIGESTS"
  } | sha256sum | cut -d' ' -f1
}

is_current() { [ -s "$guests/$1" ] && [ "$(sed -n '1p' "$guests/$1.from" 2>/dev/null)" = "$2" ]; }

# Prints the .deb that build_guest.sh used for "kernel" or "busybox".
used_package() {
  local deb
  deb=$guests/packages/$(sed -n "s/^# $1 //p" "$guests/DIGESTS")
  [ -f "$deb" ] || fail "$deb is not there; remove $guests/DIGESTS and run this again"
  echo "$deb"
}

install_root() {
  local root=$1 codename uri file
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  read -r uri file < <(archive_of "$codename") || true
  [ -n "${uri:-}" ] || fail "no configured apt source serves Debian $codename main; add one"
  say "installing Debian $codename (a few minutes)"
  mkdir -p "$guests/packages/debootstrap"
  # The log has debootstrap's own reason; on the terminal it would be hundreds of lines.
  # In a mount name space of its own: what it mounts there is gone with it, however it ends.
  unshare --mount debootstrap --variant=minbase --keyring="$(keyring_in "$file")" --cache-dir="$(cd "$guests/packages/debootstrap" && pwd)" \
    --include="$(IFS=, && echo "${packages[*]}")" "$codename" "$root" "${uri%/}" >"$guests/debootstrap.log" 2>&1 ||
    fail "debootstrap failed: $(tail -n 3 "$guests/debootstrap.log"); all of it is in $guests/debootstrap.log"
}

# What no guest needs, and what differs from build to build.
trim_root() {
  local root=$1
  (
    cd "$root"
    rm -rf var/cache/apt/* var/cache/debconf/* var/cache/ldconfig var/lib/apt/lists/* var/lib/dpkg/*-old var/lib/systemd var/log/* tmp/* run/*
    rm -rf usr/share/{doc,man,info,locale,lintian,bug,i18n,zoneinfo,bash-completion} usr/lib/x86_64-linux-gnu/gconv
    rm -f etc/machine-id var/lib/dbus/machine-id etc/ssh/ssh_host_* etc/hostname etc/resolv.conf etc/apt/sources.list etc/*-
    find . -name __pycache__ -prune -exec rm -rf {} +
    # The day on which an account was made.
    sed -i 's/^\([^:]*:[^:]*\):[0-9]*:/\1:19723:/' etc/shadow
  )
}

configure_root() {
  local root=$1
  install -D -m 0755 -t "$root/usr/lib/reprise" "$guest/boot"
  install -m 0644 -t "$root/usr/lib/reprise" "$guest/nocloud.py"
  install -m 0644 -t "$root/etc" "$guest/inittab"
  ln -sf /bin/busybox "$root/sbin/init"
  # The programs of examples/command_chain. Compiled here: a compiler in the image would double it.
  install -D -m 0755 -t "$root/opt/command_chain" "$chain"/*.py
  for program in "$chain"/*.c; do
    "${CC:-cc}" -static -O2 -s -std=gnu11 -Wall -Wextra -Wl,--build-id=none -o "$root/opt/command_chain/$(basename "$program" .c)" "$program"
  done
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  # One host key, which the guest makes itself; PAM and name look-ups only cost time here.
  printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM no\nUseDNS no\nPasswordAuthentication no\nPrintLastLog no\n' \
    >"$root/etc/ssh/sshd_config.d/reprise.conf"
  # Believed without a look at the source's time, so that they stay valid whatever happens to times.
  chroot "$root" python3 -I -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/reprise /opt \
    /usr/lib/python3."$(chroot "$root" python3 -c 'import sys; print(sys.version_info[1])')" || fail "Python's modules cannot be compiled"
  find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# mke2fs copies each file's change and access time, and dates the file itself now; nothing but an edit of the image makes them the same.
date_inodes() {
  local image=$1 used inode
  used=$(dumpe2fs -h "$image" 2>/dev/null | awk -F: '/^Inode count/ {all = $2} /^Free inodes/ {free = $2} END {print all - free}')
  {
    echo 2
    seq 11 "$used"
  } | while read -r inode; do
    printf 'sif <%d> %s @%d\n' "$inode" ctime "$SOURCE_DATE_EPOCH" "$inode" atime "$SOURCE_DATE_EPOCH" "$inode" crtime "$SOURCE_DATE_EPOCH" \
      "$inode" ctime_extra 0 "$inode" atime_extra 0 "$inode" crtime_extra 0
  done >"$image.times"
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH debugfs -w -f "$image.times" "$image" >"$image.log" 2>&1 || fail "debugfs failed: $(tail -n 3 "$image.log")"
}

# 4 KiB blocks, which DAX needs; no journal, no reserve and no checksums, for an image that is only read. All features are named, because the
# defaults differ between releases.
make_image() {
  local root=$1 image=$2 features=none,ext_attr,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize
  say "writing the file system, $image_mib MiB"
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -b 4096 -m 0 -I 256 -O "$features" -U "$uuid" \
    -E "hash_seed=$uuid,lazy_itable_init=0,root_owner=0:0" -d "$root" "$image" "${image_mib}M" >/dev/null ||
    fail "the files, $(du -sm "$root" | cut -f1) MiB, do not fit into the budget of $image_mib MiB (image_mib in this script)"
  date_inodes "$image"
}

make_initramfs() {
  local work=$1 kernel_deb busybox_deb
  kernel_deb=$(used_package kernel)
  busybox_deb=$(used_package busybox)
  mkdir "$work/kernel" "$work/busybox"
  dpkg-deb --fsys-tarfile "$kernel_deb" | tar -x -C "$work/kernel" --wildcards '*/modules.builtin' '*/kernel/drivers/net/*' \
    '*/kernel/drivers/virtio/*' '*/kernel/drivers/nvdimm/*' '*/kernel/drivers/dax/*' '*/kernel/drivers/cdrom/*' '*/kernel/net/*' \
    '*/kernel/fs/*' '*/kernel/lib/*' '*/kernel/crypto/*'
  dpkg-deb -x "$busybox_deb" "$work/busybox"
  "${CC:-cc}" -static -O2 -s -std=gnu11 -Wall -Wextra -Wl,--build-id=none -o "$work/reprise-guest" "$repo"/examples/guest/*.c \
    "$repo"/examples/illusion/guest/*.c
  python3 "$repo/tools/pack_initramfs.py" "$work/debian.cpio" --init "$guest/initramfs_init" --program "$work/reprise-guest" \
    --busybox "$(find "$work/busybox" -type f -path '*/bin/busybox')" --modules "$work/kernel" --driver "${drivers[@]}"
}

# Installing takes minutes, so its result is kept: a change of our own files then costs seconds. Remove it to get newer packages.
unpack_root() {
  local root=$1 kept
  kept=$guests/packages/root-$(printf '%s\n' "${packages[@]}" "$(declare -f install_root trim_root)" | sha256sum | cut -c1-16).tar
  if [ ! -s "$kept" ]; then
    install_root "$root"
    trim_root "$root"
    rm -f "$guests"/packages/root-*.tar
    tar -C "$root" -c --one-file-system --numeric-owner --xattrs --xattrs-include='*' . >"$kept.new"
    mv "$kept.new" "$kept"
  else
    mkdir "$root"
    tar -C "$root" -x --numeric-owner --xattrs --xattrs-include='*' <"$kept"
  fi
}

build_root() {
  local work=$1
  root_digest >"$work/debian.ext4.from"
  unpack_root "$work/root"
  # shellcheck disable=SC2016  # dpkg-query fills these in, not the shell
  chroot "$work/root" dpkg-query -W -f='${Package} ${Version}\n' >>"$work/debian.ext4.from"
  configure_root "$work/root"
  make_image "$work/root" "$work/debian.ext4"
}

build_initramfs() {
  local work=$1
  make_initramfs "$work"
  initramfs_digest >"$work/debian.cpio.from"
}

# The .from goes last: without it the file counts as not built.
put_in_place() {
  local work=$1 file=$2
  rm -f "$guests/$file.from"
  mv "$work/$file" "$work/$file.from" "$guests/"
  say "built $guests/$file, $(du -h "$guests/$file" | cut -f1) on the disk"
}

main() {
  "$repo/tools/build_guest.sh"
  if is_current debian.ext4 "$(root_digest)" && is_current debian.cpio "$(initramfs_digest)"; then
    say "$guests/debian.ext4 and debian.cpio are up to date"
    return
  fi
  [ "$(id -u)" = 0 ] || fail "root is needed: debootstrap makes device files and changes its root"
  export PATH=$PATH:/usr/sbin:/sbin
  for program in debootstrap mke2fs debugfs; do
    command -v "$program" >/dev/null || fail "$program is missing: install debootstrap, e2fsprogs and python3 (in the sources tools/install_packages.sh does it)"
  done
  local work
  work=$(mktemp -d "$guests/.work.XXXXXX")
  # shellcheck disable=SC2064  # the folder's name now, not at exit
  trap "rm -rf --one-file-system '$work'" EXIT
  if ! is_current debian.cpio "$(initramfs_digest)"; then
    build_initramfs "$work"
    put_in_place "$work" debian.cpio
  fi
  if ! is_current debian.ext4 "$(root_digest)"; then
    build_root "$work"
    put_in_place "$work" debian.ext4
  fi
}

main "$@"
