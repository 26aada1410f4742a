"""XXH3-64 and XXH3-128 with seed 0 and the default secret, from xxHash's doc/xxhash_spec.md. About 10 MB/s."""

import struct

MASK = (1 << 64) - 1
PRIME32_1 = 0x9E3779B1
PRIME32_2 = 0x85EBCA77
PRIME32_3 = 0xC2B2AE3D
PRIME64_1 = 0x9E3779B185EBCA87
PRIME64_2 = 0xC2B2AE3D27D4EB4F
PRIME64_3 = 0x165667B19E3779F9
PRIME64_4 = 0x85EBCA77C2B2AE63
PRIME64_5 = 0x27D4EB2F165667C5
PRIME_MX1 = 0x165667919E3779F9
PRIME_MX2 = 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
LANES = struct.Struct("<8Q")
STRIPE = 64
STRIPES_IN_BLOCK = (len(SECRET) - STRIPE) // 8
BLOCK = STRIPE * STRIPES_IN_BLOCK
STRIPE_SECRETS = [LANES.unpack_from(SECRET, 8 * n) for n in range(STRIPES_IN_BLOCK)]
SCRAMBLE_SECRET = LANES.unpack_from(SECRET, len(SECRET) - STRIPE)
LAST_SECRET = LANES.unpack_from(SECRET, len(SECRET) - 71)


def word32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def word64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def swapped(value: int, size: int) -> int:
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def rotated(value: int, by: int, bits: int = 64) -> int:
    return (value << by | value >> (bits - by)) & ((1 << bits) - 1)


def secret_xor(at: int) -> int:
    return word64(SECRET, at) ^ word64(SECRET, at + 8)


def folded_product(left: int, right: int) -> int:
    product = left * right
    return (product & MASK) ^ (product >> 64)


def avalanche(x: int) -> int:
    x ^= x >> 37
    x = x * PRIME_MX1 & MASK
    return x ^ x >> 32


def avalanche_xxh64(x: int) -> int:
    x ^= x >> 33
    x = x * PRIME64_2 & MASK
    x ^= x >> 29
    x = x * PRIME64_3 & MASK
    return x ^ x >> 32


def hash64_to_16(data: bytes) -> int:
    size = len(data)
    if size == 0:
        return avalanche_xxh64(secret_xor(56))
    if size <= 3:
        return avalanche_xxh64(word32(SECRET, 0) ^ word32(SECRET, 4) ^ combined_1_to_3(data))
    if size <= 8:
        value = secret_xor(8) ^ (word32(data, size - 4) | word32(data, 0) << 32)
        value ^= rotated(value, 49) ^ rotated(value, 24)
        value = value * PRIME_MX2 & MASK
        value ^= (value >> 35) + size
        value = value * PRIME_MX2 & MASK
        return value ^ value >> 28
    low = secret_xor(24) ^ word64(data, 0)
    high = secret_xor(40) ^ word64(data, size - 8)
    return avalanche((size + swapped(low, 8) + high + folded_product(low, high)) & MASK)


def combined_1_to_3(data: bytes) -> int:
    return data[-1] | len(data) << 8 | data[0] << 16 | data[len(data) >> 1] << 24


def hash128_to_16(data: bytes) -> tuple[int, int]:
    """(low, high), as all functions here that return two halves."""
    size = len(data)
    if size == 0:
        return avalanche_xxh64(secret_xor(64)), avalanche_xxh64(secret_xor(80))
    if size <= 3:
        combined = combined_1_to_3(data)
        low = word32(SECRET, 0) ^ word32(SECRET, 4) ^ combined
        high = word32(SECRET, 8) ^ word32(SECRET, 12) ^ rotated(swapped(combined, 4), 13, 32)
        return avalanche_xxh64(low), avalanche_xxh64(high)
    if size <= 8:
        value = secret_xor(16) ^ (word32(data, 0) | word32(data, size - 4) << 32)
        product = value * (PRIME64_1 + (size << 2) & MASK)
        low, high = product & MASK, product >> 64
        high = high + (low << 1) & MASK
        low ^= high >> 3
        low ^= low >> 35
        low = low * PRIME_MX2 & MASK
        low ^= low >> 28
        return low, avalanche(high)
    first, last = word64(data, 0), word64(data, size - 8)
    product = (secret_xor(32) ^ first ^ last) * PRIME64_1
    second = secret_xor(48) ^ last
    low = (product & MASK) + ((size - 1) << 54) & MASK
    high = (product >> 64) + (second >> 32 << 32) + (second & 0xFFFFFFFF) * PRIME32_2 & MASK
    low ^= swapped(high, 8)
    product = low * PRIME64_2
    return avalanche(product & MASK), avalanche((product >> 64) + high * PRIME64_2 & MASK)


def mixed(data: bytes, at: int, secret_at: int) -> int:
    return folded_product(word64(data, at) ^ word64(SECRET, secret_at), word64(data, at + 8) ^ word64(SECRET, secret_at + 8))


def hash64_to_240(data: bytes) -> int:
    size = len(data)
    acc = size * PRIME64_1
    if size <= 128:
        for i in range((size - 1) >> 5, -1, -1):
            acc += mixed(data, 16 * i, 32 * i) + mixed(data, size - 16 * i - 16, 32 * i + 16)
        return avalanche(acc & MASK)
    acc = avalanche(acc + sum(mixed(data, 16 * i, 16 * i) for i in range(8)) & MASK)
    acc += sum(mixed(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, size >> 4))
    return avalanche(acc + mixed(data, size - 16, 119) & MASK)


def hash128_to_240(data: bytes) -> tuple[int, int]:
    size = len(data)
    acc = [size * PRIME64_1 & MASK, 0]

    def mix_two(first: int, second: int, secret_at: int) -> None:
        acc[0] = acc[0] + mixed(data, first, secret_at) & MASK
        acc[1] = acc[1] + mixed(data, second, secret_at + 16) & MASK
        acc[0] ^= word64(data, second) + word64(data, second + 8) & MASK
        acc[1] ^= word64(data, first) + word64(data, first + 8) & MASK

    if size <= 128:
        for i in range((size - 1) >> 5, -1, -1):
            mix_two(16 * i, size - 16 * i - 16, 32 * i)
    else:
        for i in range(4):
            mix_two(32 * i, 32 * i + 16, 32 * i)
        acc = [avalanche(each) for each in acc]
        for i in range(4, size >> 5):
            mix_two(32 * i, 32 * i + 16, 32 * (i - 4) + 3)
        mix_two(size - 16, size - 32, 103)
    high = acc[0] * PRIME64_1 + acc[1] * PRIME64_4 + size * PRIME64_2
    return avalanche(acc[0] + acc[1] & MASK), -avalanche(high & MASK) & MASK


def accumulate(acc: list[int], lanes: tuple[int, ...], secret: tuple[int, ...]) -> None:
    # The accumulators wrap at 2^64; they are cut only when a block ends, for Python's integers do not overflow.
    for i in range(8):
        value = lanes[i] ^ secret[i]
        acc[i ^ 1] += lanes[i]
        acc[i] += (value & 0xFFFFFFFF) * (value >> 32)


def long_accumulators(data: bytes) -> list[int]:
    acc = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    last_block = (len(data) - 1) // BLOCK * BLOCK
    for block in range(0, last_block, BLOCK):
        for n, lanes in enumerate(LANES.iter_unpack(data[block : block + BLOCK])):
            accumulate(acc, lanes, STRIPE_SECRETS[n])
        for i in range(8):
            value = acc[i] & MASK
            acc[i] = (value ^ value >> 47 ^ SCRAMBLE_SECRET[i]) * PRIME32_1 & MASK
    for n in range((len(data) - last_block - 1) // STRIPE):
        accumulate(acc, LANES.unpack_from(data, last_block + STRIPE * n), STRIPE_SECRETS[n])
    accumulate(acc, LANES.unpack_from(data, len(data) - STRIPE), LAST_SECRET)
    return [each & MASK for each in acc]


def merged(acc: list[int], start: int, secret_at: int) -> int:
    secret = LANES.unpack_from(SECRET, secret_at)
    return avalanche(start + sum(folded_product(acc[i] ^ secret[i], acc[i + 1] ^ secret[i + 1]) for i in range(0, 8, 2)) & MASK)


def xxh3_64(data: bytes) -> int:
    if len(data) <= 16:
        return hash64_to_16(data)
    if len(data) <= 240:
        return hash64_to_240(data)
    return merged(long_accumulators(data), len(data) * PRIME64_1 & MASK, 11)


def xxh3_128(data: bytes) -> bytes:
    """In the canonical form: 16 bytes, the most significant first."""
    if len(data) <= 16:
        low, high = hash128_to_16(data)
    elif len(data) <= 240:
        low, high = hash128_to_240(data)
    else:
        acc = long_accumulators(data)
        low = merged(acc, len(data) * PRIME64_1 & MASK, 11)
        high = merged(acc, ~(len(data) * PRIME64_2) & MASK, len(SECRET) - 75)
    return (high << 64 | low).to_bytes(16, "big")
