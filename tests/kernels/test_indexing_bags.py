"""Rows of tables in bags, rows scaled to a norm, what a decoder notes between two tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide
from kernels.moves import fails_on_device

import ascend_ops as ao

PAD = 3
SUM, MEAN, MAX = range(3)


def bags(weight: Array, indices: Array, bounds: Array, mode: int, each: Array) -> tuple[Array, Array, Array]:
    """Bags without rows, or of padding alone, are zeros. Of max, the first of equal rows is named."""
    out, sizes = np.zeros((len(bounds) - 1, weight.shape[1])), np.zeros(len(bounds) - 1, np.int64)
    rows = np.zeros(out.shape, np.int64)
    for b in range(len(out)):
        places = [i for i in range(bounds[b], bounds[b + 1]) if indices[i] != PAD]
        sizes[b] = len(places)
        if places:
            taken = weight[indices[places]]
            out[b] = taken.max(0) if mode == MAX else (taken * each[places, None]).sum(0)
            out[b] /= len(places) if mode == MEAN else 1
            rows[b] = indices[places][taken.argmax(0)]
    return out, sizes, rows


@covers("aclnnEmbeddingBag", FLOATS)
@pytest.mark.parametrize("mode", [SUM, MEAN, MAX])
@pytest.mark.parametrize("last", [False, True])
def test_bags(mode: int, last: bool) -> None:
    rng = np.random.default_rng(mode)
    for dtype in FLOATS.split():
        weight = random(rng, (6, 5), dtype)
        indices = np.array([5, 3, 0, 5, 2, 3, 3, 1], np.int32)
        bounds = np.array([0, 3, 5, 5, 7, 8])
        each = random(rng, (8,), dtype)
        offsets = bounds if last else bounds[:-1]
        out, bag_of = blank(rng, (5, 5), dtype), blank(rng, (8,), "int64")
        sizes, rows = blank(rng, (5,), "int64"), blank(rng, (5, 5) if mode == MAX else (5,), "int64")
        ao.ops.embedding_bag(
            layout(rng, weight),
            layout(rng, indices),
            layout(rng, offsets),
            False,
            mode,
            False,
            layout(rng, each) if mode == SUM else None,
            last,
            PAD,
            out=(out, bag_of, sizes, rows),
        )
        weights = wide(each) if mode == SUM else np.ones(8)
        expected, counts, largest = bags(wide(weight), indices, bounds, mode, weights)
        assert_close(out, expected, dtype, 1, 2.0**-20)
        assert_close(sizes, counts, "int64")
        assert_close(bag_of, [0, 0, 0, 1, 1, 3, 3, 4], "int64")
        if mode == MAX:
            assert_close(rows, largest, "int64")


@covers("aclnnEmbeddingRenorm", FLOATS)
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, np.inf])
def test_rows_are_scaled_to_a_norm(p: float) -> None:
    rng = np.random.default_rng(7)
    for dtype in FLOATS.split():
        table, rows = random(rng, (7, 4), dtype), np.array([[0, 6, 2], [2, 2, 0]], np.int64)
        device = layout(rng, table)
        ao.ops.embedding_renorm(device, layout(rng, rows), 3.0, p)
        expected = wide(table)
        for row in {0, 2, 6}:
            size = np.linalg.norm(expected[row], p)
            expected[row] *= 3 / (size + 1e-7) if size > 3 else 1
        assert_close(device, expected, dtype)


@covers("aclnnAdvanceStep", "int64")
def test_a_step_between_two_tokens() -> None:
    """Slots as A2's kernel computes them, which reads the tables as one row and adds the sequence's distance
    to the block's number; the document's formula leaves both open."""
    tokens, positions, slots = (np.full(4, 9, np.int64) for _ in range(3))
    lengths, sampled = np.array([3, 8, 5, 7], np.int64), np.array([[11], [12], [13]], np.int64)
    tables, block = np.arange(12, dtype=np.int64).reshape(4, 3) * 10, 4
    device = [ao.asarray(each) for each in (tokens, sampled, positions, lengths, slots, tables)]
    ao.ops.advance_step(*device, 4, 3, block)
    expected = [
        (tables.reshape(-1)[n // block] + 3 * i) * block + n % block for i, n in enumerate(lengths[:3])
    ]
    assert_close(device[0], [11, 12, 13, 0], "int64")
    assert_close(device[2], [3, 8, 5, 0], "int64")
    assert_close(device[3], [4, 9, 6, 7], "int64")
    assert_close(device[4], [*expected, -1], "int64")


@covers("aclnnAdvanceStepV2", "int64")
def test_a_step_with_guessed_tokens() -> None:
    """Shapes as the sources check them: the document gives them without the guesses, and each of two ways."""
    sampled, guesses = (
        np.array([[5, 6, -1], [7, 8, 9], [4, -1, -1]]),
        np.array([[21, 22], [23, 24], [25, 26]]),
    )
    positions, accepted = np.array([3, 4, 5, 0, 1, 2, 9, 10, 11]), np.array([1, 2, 0])
    tables, block = np.arange(12).reshape(3, 4) * 10 + 3, 4
    flat = [ao.zeros((9,), "int64") for _ in range(3)]
    at = ao.asarray(positions)
    given = [ao.asarray(each) for each in (sampled, tables, guesses, accepted)]
    ao.ops.advance_step_v2(flat[0], given[0], at, flat[1], flat[2], *given[1:], 3, 3, block)
    moved = positions + np.repeat(accepted, 3) + 1
    assert_close(flat[0], [6, 21, 22, 9, 23, 24, 4, 25, 26], "int64")
    assert_close(at, moved, "int64")
    assert_close(flat[1], moved + 1, "int64")
    rows = np.repeat(np.arange(3), 3)
    assert_close(flat[2], tables[rows, moved // block] * block + moved % block, "int64")


F, ROWS = np.ones((4, 3), np.float32), np.zeros(4, np.int64)


def bag_outs(mode: int) -> Any:
    made = ao.zeros((2, 3), "float32"), ao.zeros((4,), dtype="int64"), ao.zeros((2,), dtype="int64")
    return (*made, ao.zeros((2, 3) if mode == MAX else (2,), dtype="int64"))


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        (
            (F, ROWS, ROWS[:2], False, MEAN, False, F[:, 0].copy(), False, -1),
            161002,
            "perSampleWeights go with mode 0",
        ),
        ((F, ROWS, ROWS[:2], False, SUM, True, None, False, -1), 561003, "no kernel for sparse"),
        ((F, ROWS, ROWS[:3], False, SUM, False, None, False, -1), 161002, r"output is .*must be \[3, 3\]"),
        (
            (F, ROWS.astype(np.int8), ROWS[:2].astype(np.int8), False, SUM, False, None, False, -1),
            161002,
            "one of them must",
        ),
    ],
)
def test_bags_that_do_not_fit_are_refused(given: tuple[Any, ...], status: int, text: str) -> None:
    device = [ao.asarray(each) if isinstance(each, np.ndarray) else each for each in given]
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.embedding_bag(*device, out=bag_outs(given[4]))
    assert refusal.value.code == status


def test_rows_that_the_table_does_not_have_fail_in_the_stream() -> None:
    rows = ao.asarray(ROWS + 4)
    given = (ao.asarray(F), rows, ao.asarray(ROWS[:2]), False, SUM, False, None, False, -1)
    fails_on_device(lambda: ao.ops.embedding_bag(*given, out=bag_outs(SUM)), "indices is 4")
    fails_on_device(lambda: ao.ops.embedding_renorm(ao.asarray(F), rows, 1.0, 2.0), "indices is 4")


def test_sequences_must_be_more_than_queries() -> None:
    row = ao.zeros((3,), dtype="int64")
    sampled, tables = ao.zeros((3, 1), dtype="int64"), ao.zeros((3, 2), dtype="int64")
    with pytest.raises(ao.AclError, match="numSeqs is 3") as refusal:
        ao.ops.advance_step(row, sampled, row, row, row, tables, 3, 3, 4)
    assert refusal.value.code == 561002
