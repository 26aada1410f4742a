#!/usr/bin/env python3
"""Unpacks the ELF kernel inside a bzImage, so that a guest boots without spending virtual seconds on decompression.

usage: extract_vmlinux.py VMLINUZ OUTPUT

Where the payload is comes from the boot protocol's header (Linux: Documentation/arch/x86/boot.rst), not from a search for magic
numbers: those also occur inside the kernel's code.
"""

import lzma
import pathlib
import struct
import subprocess
import sys
import zlib

SETUP_SECTORS_AT = 0x1F1
HEADER_MAGIC_AT = 0x202
PAYLOAD_AT = 0x248  # u32 offset from the protected-mode code, u32 length; protocol 2.08 and later


class NotAKernel(Exception):
    pass


def payload_of(image: bytes) -> bytes:
    if len(image) < PAYLOAD_AT + 8 or image[HEADER_MAGIC_AT : HEADER_MAGIC_AT + 4] != b"HdrS":
        raise NotAKernel("no bzImage header")
    version = struct.unpack_from("<H", image, HEADER_MAGIC_AT + 4)[0]
    if version < 0x0208:
        raise NotAKernel(f"boot protocol {version >> 8}.{version & 255:02} does not say where the kernel is; 2.08 is needed")
    protected_mode = ((image[SETUP_SECTORS_AT] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, PAYLOAD_AT)
    payload = image[protected_mode + offset : protected_mode + offset + length]
    if len(payload) != length:
        raise NotAKernel(f"truncated: its payload ends at byte {protected_mode + offset + length}, the file at {len(image)}")
    return payload


def piped(command: list[str], data: bytes) -> bytes:
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def decompress(payload: bytes) -> bytes:
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload)
    # All other formats are followed by the unpacked size, which the tools would take for garbage.
    body, size = payload[:-4], struct.unpack("<I", payload[-4:])[0]
    if body.startswith(b"\xfd7zXZ\x00"):
        kernel = lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(body)
    elif body.startswith(b"\x02\x21\x4c\x18"):
        kernel = piped(["lz4", "-d", "-c"], body)
    elif body.startswith(b"\x28\xb5\x2f\xfd"):
        kernel = piped(["zstd", "-d", "-c", "--memory=2048MB"], body)
    else:
        raise NotAKernel(f"unknown compression, payload starts with {body[:6].hex()}")
    if len(kernel) != size:
        raise NotAKernel(f"unpacked to {len(kernel)} bytes, its trailer says {size}")
    return kernel


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    try:
        kernel = decompress(payload_of(source.read_bytes()))
        if not kernel.startswith(b"\x7fELF"):
            raise NotAKernel("its payload is not an ELF file")
    except (NotAKernel, OSError, lzma.LZMAError, zlib.error, subprocess.CalledProcessError) as problem:
        print(f"{source}: {problem}", file=sys.stderr)
        return 1
    target.write_bytes(kernel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
