#!/usr/bin/env python3
"""XXH3 against the library's values (libxxhash 0.8.1), at all lengths where the algorithm has a border."""

import hashlib
import unittest

from xxh3 import xxh3_64, xxh3_128

# Byte i of the input is the top byte of the 32-bit product (i + 1) * 2654435761.
INPUT = bytes(((i + 1) * 2654435761 & 0xFFFFFFFF) >> 24 for i in range(70_000))
# Length, XXH3-64, XXH3-128.
VECTORS = """
0 2d06800538d394c2 99aa06d3014798d86001c324468d497f
1 dd02fbe6d2c66464 80a904279c75ba2add02fbe6d2c66464
3 feea62717a65f4b9 48b0e23e845948b5feea62717a65f4b9
4 2f4454dbf80a0e2f 33940d2eb00bcc3d427f80d599aa988a
8 9d3e45db5e113fd7 44b015976641c2dbad4b7aa993978b24
9 554e53130559708b 99fa9cd61c06178d135fff6eda8b0795
16 726c0d7e2ce27907 5f339d1248739dca547f8408b192eb0b
17 48c881938b08bf45 84b0c537f0a313ae03b12648a94f954c
128 3764bcdb112e17fa 1408dd105b21b51007cd0970e2fd5d1a
129 3eb30581b3d9c562 ffb9443afabd499861af044e8dd8f017
240 3cac406073fb6376 6e951aa5e9a1088db05ccd28fe6d036e
241 6deb1ae71a8a8bec 26c8f6f4d05592096deb1ae71a8a8bec
512 9d113a046367a1f3 c88867a0ee68f0a49d113a046367a1f3
1024 5370f57883c8f088 984ac94ef312f7c05370f57883c8f088
1025 2e7bc851fc4a1332 98964bbd335dae352e7bc851fc4a1332
1088 723045f6c8de3df0 54d86197e8faaefd723045f6c8de3df0
1089 78fc3e224dd88a9f 05573eb29249914a78fc3e224dd88a9f
2048 bf6c53d903f40e3a ec4ec314a879261ebf6c53d903f40e3a
2049 7f02f084b6e466a7 dfabfbab9a3a733b7f02f084b6e466a7
65535 87dc99a55c19de04 c6e3851d8e52190587dc99a55c19de04
70000 9b596278ce8cf14b 8fd24b2983f6e68f9b596278ce8cf14b
"""
# SHA-256 of the lines "length XXH3-64 XXH3-128" of the lengths 0 to 1,100.
ALL_SHORT = "bf936839e1f27090f2a872c1f7a7e784fd233cf628484e9ac95b384d650d9813"


def line(size: int) -> str:
    data = INPUT[:size]
    return f"{size} {xxh3_64(data):016x} {xxh3_128(data).hex()}"


class Xxh3(unittest.TestCase):
    def test_borders(self) -> None:
        for vector in VECTORS.split("\n")[1:-1]:
            self.assertEqual(line(int(vector.split()[0])), vector)

    def test_every_short_length(self) -> None:
        lines = "".join(line(size) + "\n" for size in range(1101))
        self.assertEqual(hashlib.sha256(lines.encode()).hexdigest(), ALL_SHORT)


if __name__ == "__main__":
    unittest.main()
