"""Philox4x32-10 in NumPy, from its definition, and the stand-in's streams of it."""

from __future__ import annotations

import numpy as np
from kernels.arrays import Array

MASK = 2**32 - 1


def block(counter: list[int], key: list[int]) -> list[int]:
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & MASK, (p >> 32) ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(seed: int, offset: int, count: int) -> Array:
    """Key: the seed; counter: the number of the block, then the offset; low words first."""
    made: list[int] = []
    for number in range((count + 3) // 4):
        counter = [number & MASK, number >> 32, offset & MASK, offset >> 32]
        made += block(counter, [seed & MASK, seed >> 32])
    return np.array(made[:count], np.uint64)
