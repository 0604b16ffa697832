"""Connectionist temporal classification, against the sum over all paths, written out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from kernels.arrays import REALS, Array, assert_close, blank, covers, host_dtype, layout, wide
from kernels.moves import fails_on_device

import ascend_ops as ao

STEPS, CLASSES, BLANK = 4, 4, 1


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK)


def probabilities(logs: Array, target: tuple[int, ...]) -> tuple[float, Array]:
    """Of a target, and of each class at each step among its paths."""
    total, classes = 0.0, np.zeros(logs.shape)
    for path in itertools.product(range(CLASSES), repeat=len(logs)):
        if collapsed(path) == target:
            chance = float(np.exp(sum(logs[t, c] for t, c in enumerate(path))))
            total += chance
            for t, c in enumerate(path):
                classes[t, c] += chance
    return total, classes


def case(rng: np.random.Generator, dtype: str) -> tuple[Array, list[tuple[int, ...]], list[int]]:
    logits = rng.normal(size=(STEPS, 4, CLASSES))
    logs = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(host_dtype(dtype))
    # The third has no path: two equal labels need a blank between them.
    return logs, [(0, 2), (3,), (2, 2), (0, 3, 0)], [4, 3, 2, 4]


def padded(targets: list[tuple[int, ...]]) -> Array:
    rows = np.zeros((len(targets), 5), np.int64)
    for row, target in zip(rows, targets, strict=True):
        row[: len(target)] = target
    return rows


def flat(targets: list[tuple[int, ...]]) -> Array:
    return np.array([label for target in targets for label in target], np.int32)


@covers("aclnnCtcLoss", REALS)
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("form", [padded, flat])
def test_losses(form: Any, zero: bool) -> None:
    rng = np.random.default_rng(5)
    for dtype in REALS.split():
        logs, targets, lengths = case(rng, dtype)
        loss, alpha = blank(rng, (4,), dtype), blank(rng, (4, STEPS, 8), dtype)
        ao.ops.ctc_loss(
            layout(rng, logs),
            layout(rng, form(targets)),
            lengths,
            [len(each) for each in targets],
            BLANK,
            zero,
            out=(loss, alpha),
        )
        with np.errstate(divide="ignore"):
            expected = np.array(
                [-np.log(probabilities(wide(logs)[: lengths[n], n], targets[n])[0]) for n in range(4)]
            )
        assert_close(loss, np.where(np.isinf(expected) & zero, 0, expected), dtype, 2)
        ends = wide(alpha.numpy())[0, lengths[0] - 1]
        assert np.log(np.exp(ends[3]) + np.exp(ends[4])) == pytest.approx(-expected[0], rel=1e-2)


@covers("aclnnCtcLossBackward", REALS)
@pytest.mark.parametrize("form", [padded, flat])
def test_gradients(form: Any) -> None:
    """Of losses that zeroInfinity has made 0, the gradient is 0, as of those that are infinite."""
    rng = np.random.default_rng(6)
    for dtype, zero in zip(REALS.split(), [True, False, True, True], strict=True):
        logs, targets, lengths = case(rng, dtype)
        counts, labels = [len(each) for each in targets], ao.asarray(form(targets))
        loss, alpha = ao.ops.ctc_loss(ao.asarray(logs), labels, lengths, counts, BLANK, zero)
        grad = rng.normal(size=4).astype(logs.dtype)
        out = blank(rng, logs.shape, dtype)
        ao.ops.ctc_loss_backward(
            layout(rng, grad), layout(rng, logs), labels, lengths, counts, loss, alpha, BLANK, True, out=out
        )
        expected = np.zeros(logs.shape)
        for n in (0, 1, 3):
            own = wide(logs)[: lengths[n], n]
            total, classes = probabilities(own, targets[n])
            expected[: lengths[n], n] = wide(grad)[n] * (
                np.exp(own) - classes / total / np.exp(own) * np.exp(own)
            )
        near = {"float16": 0.02, "bfloat16": 0.15}.get(dtype, 1e-5)
        np.testing.assert_allclose(wide(out.numpy()), expected, atol=near, rtol=near)


def test_a_single_sequence_and_an_empty_target() -> None:
    logs = np.log(np.full((2, 3), 1 / 3, np.float64))
    loss, _ = ao.ops.ctc_loss(ao.asarray(logs), ao.asarray(np.zeros((1, 1), np.int64)), [2], [0], 1, False)
    assert loss.shape == ()
    assert loss.numpy() == pytest.approx(2 * np.log(3))


L, T = np.zeros((4, 2, 3), np.float32), np.zeros((2, 2), np.int64)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((L, T, [4, 5], [1, 1], 2, False), r"inputLengths\[1\] is 5"),
        ((L, T, [4], [1, 1], 2, False), "inputLengths has 1 numbers"),
        ((L, T, [4, 4], [1, 3], 2, False), r"target[lL]engths\[1\] is 3"),
        ((L, T, [4, 4], [1, 1], 3, False), "blank is 3"),
        ((L.astype(np.int32), T, [4, 4], [1, 1], 0, False), "data type of logProbs"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[Any, ...], text: str) -> None:
    outs = ao.zeros((2,), dtype=str(arguments[0].dtype)), ao.zeros((2, 4, 8), dtype=str(arguments[0].dtype))
    given = [ao.asarray(each) if isinstance(each, np.ndarray) else each for each in arguments]
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.ctc_loss(*given, out=outs)
    assert refusal.value.code == 161002


def test_a_label_that_is_no_class_fails_in_the_stream() -> None:
    fails_on_device(
        lambda: ao.ops.ctc_loss(ao.asarray(L), ao.asarray(T + 7), [4, 4], [1, 1], 2, False), "targets is 7"
    )
