"""Recurrent networks and their cells. What a step gives to the next is rounded to the tensors' type; gates
have PyTorch's order in the weights (i, f, the candidate, o; r, z, n), which CANN's sources ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

T, B, IN, H = 3, 2, 5, 4
TYPES = "float32 float16"
NEAR = {"float32": 2e-6, "float16": 2e-3}


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def lstm_cell(x: Array, s: Array, h: Array, c: Array) -> tuple[Array, Array, list[Array]]:
    i, f, j, o = np.split(x + s, 4, -1)
    i, f, j, o = sigmoid(i), sigmoid(f), np.tanh(j), sigmoid(o)
    c = f * c + i * j
    return o * np.tanh(c), c, [i, j, f, o, o * np.tanh(c), c, np.tanh(c)]


def gru_cell(x: Array, s: Array, h: Array, c: Array) -> tuple[Array, Array, list[Array]]:
    xr, xz, xn = np.split(x, 3, -1)
    sr, sz, sn = np.split(s, 3, -1)
    r, z = sigmoid(xr + sr), sigmoid(xz + sz)
    n = np.tanh(xn + r * sn)
    h = (1 - z) * n + z * h
    return h, c, [r, z, n, sn, h]


def network(cell: Any, x: Array, params: list[Array], state: list[Array], directions: int) -> tuple[Any, ...]:
    """x: [T, B, IN]. The last layer's output, the last states, what each layer and direction keeps."""
    each, ends, kept = len(params) // len(state[0]), [], []
    for layer in range(len(state[0]) // directions):
        outputs = []
        for d in range(directions):
            at = layer * directions + d
            wi, wh, bi, bh = [*params[at * each : (at + 1) * each], 0, 0][:4]
            h, c = state[0][at], state[1][at]
            steps: list[Any] = [None] * len(x)
            for t in range(len(x))[:: -1 if d else 1]:
                h, c, saved = cell(x[t] @ wi.T + bi, h @ wh.T + bh, h, c)
                steps[t] = saved
            ends.append((h, c))
            kept.append([np.stack([step[k] for step in steps]) for k in range(len(steps[0]))])
            outputs.append(kept[-1][4])
        x = np.concatenate(outputs, -1)
    return x, np.stack([h for h, _ in ends]), np.stack([c for _, c in ends]), kept


def parameters(
    rng: np.random.Generator, dtype: str, gates: int, layers: int, directions: int, bias: bool
) -> list[Array]:
    params = []
    for layer in range(layers):
        inputs = IN if layer == 0 else directions * H
        for _ in range(directions):
            shapes = [(gates * H, inputs), (gates * H, H)] + [(gates * H,)] * (2 if bias else 0)
            params += [random(rng, shape, dtype, -1, 1) for shape in shapes]
    return params


CASES = [
    (1, 1, False, True, False),
    (2, 2, True, True, True),
    (3, 1, True, False, True),
    (1, 2, False, False, False),
]


@pytest.mark.parametrize(("layers", "directions", "bias", "train", "batch_first"), CASES)
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("lstm", marks=covers("aclnnLSTM", TYPES)),
        pytest.param("gru", marks=covers("aclnnGRU", TYPES)),
    ],
)
def test_networks(
    kind: str, layers: int, directions: int, bias: bool, train: bool, batch_first: bool
) -> None:
    rng, (gates, saved, states) = np.random.default_rng(layers), (4, 7, 2) if kind == "lstm" else (3, 5, 1)
    for dtype in TYPES.split():
        x, count = random(rng, (T, B, IN), dtype, -1, 1), layers * directions
        params = parameters(rng, dtype, gates, layers, directions, bias)
        given = [random(rng, (count, B, H), dtype, -1, 1) for _ in range(states)] if bias else None
        zeros = np.zeros((count, B, H))
        start = [zeros, zeros] if given is None else [*map(wide, given), zeros][:2]
        cell = lstm_cell if kind == "lstm" else gru_cell
        y, h, c, kept = network(cell, wide(x), [*map(wide, params)], start, directions)
        turn = (1, 0, 2) if batch_first else (0, 1, 2)
        hx = None if given is None else [layout(rng, each) for each in given]
        lists = (
            [[blank(rng, (T, B, H), dtype) for _ in range(count)] for _ in range(saved)]
            if train
            else [None] * saved
        )
        out = blank(rng, y.transpose(turn).shape, dtype), *(blank(rng, h.shape, dtype) for _ in range(states))
        inputs = layout(rng, x.transpose(turn)), [layout(rng, each) for each in params]
        state = hx[0] if hx and kind == "gru" else hx
        attributes = (None, bias, layers, 0.0, train, directions == 2, batch_first)
        getattr(ao.ops, kind)(*inputs, state, *attributes, out=(*out, *lists))
        for tensor, expected in zip(out, (y.transpose(turn), h, c), strict=False):
            np.testing.assert_allclose(wide(tensor.numpy()), expected, atol=NEAR[dtype])
        for k in range(saved if train else 0):
            for at, tensor in enumerate(lists[k] or []):
                np.testing.assert_allclose(wide(tensor.numpy()), kept[at][k], atol=NEAR[dtype])


@covers("aclnnLstmBackward", TYPES)
@pytest.mark.parametrize(
    ("layers", "directions", "bias", "batch_first"), [(2, 2, True, True), (1, 1, False, False)]
)
def test_gradients_of_networks(layers: int, directions: int, bias: bool, batch_first: bool) -> None:
    """Against what a small step along a random direction does to the network, for each tensor."""
    rng, count = np.random.default_rng(layers), layers * directions
    for dtype in TYPES.split():
        x, states = (
            random(rng, (T, B, IN), dtype, -1, 1),
            [random(rng, (count, B, H), dtype, -1, 1) for _ in range(2)],
        )
        params = parameters(rng, dtype, 4, layers, directions, bias)
        given = [wide(each) for each in (x, *states, *params)]
        dy, dh, dc = (
            random(rng, shape, dtype) for shape in ((T, B, directions * H), (count, B, H), (count, B, H))
        )
        if not bias:
            dh[:] = 0

        def loss(tensors: list[Array], to: Any = (dy, dh, dc), directions: int = directions) -> float:
            ends = network(lstm_cell, tensors[0], tensors[3:], tensors[1:3], directions)
            return sum(float((end * wide(weight)).sum()) for end, weight in zip(ends, to, strict=False))

        kept = network(lstm_cell, given[0], given[3:], given[1:3], directions)[3]
        saved = [[layout(rng, layer[k].astype(x.dtype)) for layer in kept] for k in (0, 1, 2, 3, 4, 5, 6)]
        turn = (1, 0, 2) if batch_first else (0, 1, 2)
        dx, *ends = (blank(rng, shape, dtype) for shape in (x.transpose(turn).shape, dh.shape, dh.shape))
        grads = [blank(rng, each.shape, dtype) for each in params]
        ao.ops.lstm_backward(
            layout(rng, x.transpose(turn)),
            [layout(rng, each) for each in states],
            [layout(rng, each) for each in params],
            layout(rng, dy.transpose(turn)),
            layout(rng, dh) if bias else None,
            layout(rng, dc),
            *saved,
            None,
            bias,
            layers,
            0.0,
            True,
            directions == 2,
            batch_first,
            [True] * 4,
            out=(dx, *ends, grads),
        )
        results = [wide(each.numpy()) for each in (dx, *ends, *grads)]
        results[0] = results[0].transpose(turn)
        for at, gradient in enumerate(results):
            step = rng.normal(size=gradient.shape) * 1e-5
            ahead, behind = ([*given[:at], given[at] + sign * step, *given[at + 1 :]] for sign in (1, -1))
            near = {"float32": 1e-5, "float16": 2e-2}[dtype] * np.abs(gradient).max() * np.sqrt(step.size)
            assert abs((loss(ahead) - loss(behind)) / 2 - (gradient * step).sum()) < near * 1e-5


@covers("aclnnThnnFusedLstmCell", TYPES)
@pytest.mark.parametrize("bias", [False, True])
def test_a_cell(bias: bool) -> None:
    rng = np.random.default_rng(5)
    for dtype in TYPES.split():
        gates, hidden, c = (random(rng, (B, n * H), dtype) for n in (4, 4, 1))
        biases = [random(rng, (4 * H,), dtype) if bias else None for _ in range(2)]
        out = blank(rng, (B, H), dtype), blank(rng, (B, H), dtype), blank(rng, (B, 4 * H), dtype)
        given = [layout(rng, each) if each is not None else None for each in (gates, hidden, c, *biases)]
        ao.ops.thnn_fused_lstm_cell(*given, out=out)
        more = sum(wide(each) for each in biases if each is not None)
        h, cell, (i, j, f, o, *_) = lstm_cell(wide(gates) + more, wide(hidden), wide(c), wide(c))
        for tensor, expected in zip(out, (h, cell, np.concatenate([i, f, j, o], -1)), strict=True):
            assert_close(tensor, expected, dtype, 2, 1e-6)


@covers("aclnnThnnFusedLstmCellBackward", TYPES)
@pytest.mark.parametrize("absent", [None, 0, 1])
def test_gradients_of_a_cell(absent: int | None) -> None:
    rng = np.random.default_rng(6)
    for dtype in TYPES.split():
        to_h, to_c, old, new = (random(rng, (B, H), dtype, -1, 1) for _ in range(4))
        saved = random(rng, (B, 4 * H), dtype, 0, 1)
        grads: list[Any] = [layout(rng, to_h), layout(rng, to_c)]
        if absent is not None:
            grads[absent] = None
            (to_h, to_c)[absent][:] = 0
        bias = absent is None
        out = (
            blank(rng, (B, 4 * H), dtype),
            blank(rng, (B, H), dtype),
            blank(rng, (4 * H,), dtype) if bias else None,
        )
        ao.ops.thnn_fused_lstm_cell_backward(
            *grads, layout(rng, old), layout(rng, new), layout(rng, saved), bias, out=out
        )
        i, f, g, o = np.split(wide(saved), 4, -1)
        bent = np.tanh(wide(new))
        total = wide(to_h) * o * (1 - bent**2) + wide(to_c)
        parts = total * g * i * (1 - i), total * wide(old) * f * (1 - f), total * i * (1 - g**2)
        gates = np.concatenate([*parts, wide(to_h) * bent * o * (1 - o)], -1)
        assert_close(out[0], gates, dtype, 2, 1e-6)
        assert_close(out[1], total * f, dtype, 2, 1e-6)
        if out[2] is not None:
            assert_close(out[2], gates.sum(0), dtype, 2, 1e-6)


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"batch_sizes": np.ones(T, np.int64)}, 561003, "sequences of different lengths"),
        ({"params": 1}, 161002, "params has 1 tensors; it has to have 2"),
        ({"weight": (4 * H, H + 1)}, 161002, r"params\[1\] is .*FLOAT \[16, 4\]"),
        ({"layers": 0}, 161002, "numLayers is 0"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], status: int, text: str) -> None:
    params = [ao.zeros((4 * H, IN), "float32"), ao.zeros(change.get("weight", (4 * H, H)), "float32")]
    sizes = change.get("batch_sizes")
    given = ao.zeros((T, B, IN), "float32"), params[: change.get("params", 2)], None
    attributes = (False, change.get("layers", 1), 0.0, False, False, False)
    out = ao.zeros((T, B, H), "float32"), ao.zeros((1, B, H), "float32"), ao.zeros((1, B, H), "float32")
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.lstm(
            *given, None if sizes is None else ao.asarray(sizes), *attributes, out=(*out, *[None] * 7)
        )
    assert refusal.value.code == status
