#!/usr/bin/env bash
# Makes the demo guest: an uncompressed Debian kernel and a small initramfs, in $REPRISE_GUESTS (default: build/guests).
# Does nothing when they are there and their sources have not changed. Installs nothing: Debian's packages are only unpacked.
#
# usage: tools/build_guest.sh
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
guests=${REPRISE_GUESTS:-$repo/build/guests}
sources=("$repo"/examples/guest/{init,*.[ch]} "$repo"/examples/illusion/guest/*.[ch] "$repo"/tools/build_guest.sh "$repo"/tools/extract_vmlinux.py "$repo"/tools/pack_initramfs.py)
drivers=(e1000 vmxnet3 virtio_net)

say() { echo "guest: $*"; }

sources_digest() { cat "${sources[@]}" | sha256sum | cut -d' ' -f1; }

is_current() {
  [ -s "$guests/vmlinux" ] && [ -s "$guests/guest.cpio" ] && [ -f "$guests/DIGESTS" ] &&
    [ "$(sed -n 's/^# sources //p' "$guests/DIGESTS")" = "$(sources_digest)" ]
}

# The package that Debian's own kernel metapackage stands for on this release.
kernel_package() {
  apt-cache show --no-all-versions linux-image-amd64 | sed -n 's/^Depends: *\(linux-image-[^ ,(]*\).*/\1/p' | head -n 1
}

# Prints the path of the package's .deb, downloaded once into the folder of packages.
fetch() {
  local package=$1 found
  found=$(find "$guests/packages" -name "${package}_*.deb" | sort | tail -n 1)
  if [ -z "$found" ]; then
    say "downloading $package" >&2
    (cd "$guests/packages" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2)
    found=$(find "$guests/packages" -name "${package}_*.deb" | sort | tail -n 1)
  fi
  echo "$found"
}

# Takes only what is needed out of the kernel's 400 MB. Releases with merged /usr keep modules below usr/lib.
unpack_kernel() {
  local deb=$1 target=$2
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$target" --wildcards '*/vmlinuz-*' '*/modules.builtin' '*/kernel/drivers/net/*' \
    '*/kernel/drivers/virtio/*' '*/kernel/net/core/*'
}

build() {
  local work=$1 kernel_deb busybox_deb
  kernel_deb=$(fetch "$(kernel_package)")
  busybox_deb=$(fetch busybox-static)
  say "unpacking $(basename "$kernel_deb")"
  mkdir "$work/kernel" "$work/busybox"
  unpack_kernel "$kernel_deb" "$work/kernel"
  dpkg-deb -x "$busybox_deb" "$work/busybox"
  python3 "$repo/tools/extract_vmlinux.py" "$(find "$work/kernel" -name 'vmlinuz-*')" "$work/vmlinux"
  say "compiling and packing the initramfs"
  "${CC:-cc}" -static -O2 -s -std=gnu11 -Wall -Wextra -Wl,--build-id=none -o "$work/reprise-guest" "$repo"/examples/guest/*.c \
    "$repo"/examples/illusion/guest/*.c
  python3 "$repo/tools/pack_initramfs.py" "$work/guest.cpio" --init "$repo/examples/guest/init" --program "$work/reprise-guest" \
    --busybox "$(find "$work/busybox" -type f -path '*/bin/busybox')" --modules "$work/kernel" --driver "${drivers[@]}"
  {
    echo "# sources $(sources_digest)"
    echo "# kernel $(basename "$kernel_deb")"
    echo "# busybox $(basename "$busybox_deb")"
    (cd "$work" && sha256sum vmlinux guest.cpio)
  } >"$work/DIGESTS"
}

main() {
  if is_current; then
    say "$guests is up to date"
    return
  fi
  mkdir -p "$guests/packages"
  local work
  work=$(mktemp -d "$guests/.work.XXXXXX")
  # shellcheck disable=SC2064  # the folder's name now, not at exit
  trap "rm -rf '$work'" EXIT
  build "$work"
  # DIGESTS goes last: without it the guest counts as not built.
  rm -f "$guests/DIGESTS"
  mv "$work/vmlinux" "$work/guest.cpio" "$guests/"
  mv "$work/DIGESTS" "$guests/"
  say "built in $guests: $(du -h "$guests/vmlinux" | cut -f1) kernel, $(du -h "$guests/guest.cpio" | cut -f1) initramfs"
}

main "$@"
