"""Group, instance and batch norms against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from kernels.arrays import FLOATS, Array, random, wide
from kernels.lines import Floats, LineCase, Result, check, parametrize

EPSILON = 1e-2
HALF_OR_SINGLE = "float32 float16"


def moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def silu(x: Array, scale: float = 1) -> Array:
    return np.asarray(x / (1 + np.exp(-scale * x)))


def near(value: Array, dtype: str) -> Floats:
    return Floats(value, dtype, 4, 5e-5)


def grouped(
    rng: np.random.Generator, dtype: str, like: bool
) -> tuple[Array, Array, Array, int, Array, Array, Array]:
    """(x, gamma, beta, groups, y, mean, rstd)."""
    groups, inside = (int(n) for n in rng.integers(1, 4, 2))
    channels = groups * inside
    spatial = tuple(int(n) for n in rng.integers(1, 5, rng.integers(0, 4)))
    x = random(rng, (int(rng.integers(1, 4)), channels, *spatial), dtype)
    kind = dtype if like or rng.random() < 0.6 else "float32"
    gamma, beta = random(rng, (channels,), kind), random(rng, (channels,), kind)
    parts = wide(x).reshape(x.shape[0], groups, -1)
    mean, variance = moments(parts, (2,))
    rstd = 1 / np.sqrt(variance + EPSILON)
    form = (1, channels, *(1 for _ in spatial))
    y = ((parts - mean) * rstd).reshape(x.shape) * wide(gamma).reshape(form) + wide(beta).reshape(form)
    return x, gamma, beta, groups, y, mean[..., 0], rstd[..., 0]


def statistics(mean: Array, rstd: Array, dtype: str) -> list[Result]:
    return [Floats(mean, dtype, 1, 2e-6), Floats(rstd, dtype, 30)]


def group_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, gamma, beta, groups, y, mean, rstd = grouped(rng, dtype, True)
    area = int(np.prod(x.shape[2:]))
    given = [gamma if rng.random() < 0.8 else None, beta]
    if given[0] is None:
        form = (1, -1, *(1 for _ in x.shape[2:]))
        y = (y - wide(beta).reshape(form)) / wide(gamma).reshape(form) + wide(beta).reshape(form)
    args = [x, *given, x.shape[0], x.shape[1], area, groups, EPSILON]
    return args, [near(y, dtype), *statistics(mean, rstd, dtype)]


def group_norm_silu(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    x, gamma, beta, groups, y, mean, rstd = grouped(rng, dtype, False)
    active = version == 1 or bool(rng.integers(2))
    args = [x, gamma, beta, groups, EPSILON, *([active] if version == 2 else [])]
    return args, [near(silu(y) if active else y, dtype), *statistics(mean, rstd, dtype)]


def group_norm_swish(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, gamma, beta, groups, y, mean, rstd = grouped(rng, dtype, False)
    active, scale = bool(rng.integers(2)), float(rng.choice([1.0, 1.5]))
    args = [x, gamma, beta, groups, "NCHW", EPSILON, active, scale]
    kind = "float32" if gamma.dtype == np.float32 else dtype
    return args, [near(silu(y, scale) if active else y, dtype), *statistics(mean, rstd, kind)]


def instance_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x = random(rng, [int(n) for n in rng.integers(1, 6, 4)], dtype)
    last = bool(rng.integers(2))
    channels = x.shape[3 if last else 1]
    gamma, beta = random(rng, (channels,), dtype), random(rng, (channels,), dtype)
    mean, variance = moments(wide(x), (1, 2) if last else (2, 3))
    form = (1, 1, 1, -1) if last else (1, -1, 1, 1)
    y = (wide(x) - mean) / np.sqrt(variance + EPSILON) * wide(gamma).reshape(form) + wide(beta).reshape(form)
    return [x, gamma, beta, "NHWC" if last else "NCHW", EPSILON], [
        near(y, dtype),
        Floats(mean, dtype, 1, 2e-6),
        Floats(variance, dtype, 4, 1e-6),
    ]


def batch(rng: np.random.Generator, dtype: str) -> tuple[Array, tuple[int, ...], tuple[int, ...], int]:
    """(x, its axes without the channels, the shape of a channel's number against x, channels)."""
    shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(2, 6)))
    axes = (0, *range(2, len(shape)))
    return random(rng, shape, dtype), axes, (1, -1, *(1 for _ in shape[2:])), shape[1]


def batch_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """On A2 and A3 saveInvstd is the variance. Without training it and saveMean are not written."""
    x, axes, form, channels = batch(rng, dtype)
    weight, bias, mean = (random(rng, (channels,), dtype) for _ in range(3))
    variance = random(rng, (channels,), dtype, 0.1, 2)
    training = bool(rng.integers(2))
    args: list[Any] = [x, weight, bias, mean, variance, training, 0.1, EPSILON]
    m, v = wide(mean), wide(variance)
    saved: list[Result] = [None, None]
    changed: list[Result] = [Floats(m, dtype, 0), Floats(v, dtype, 0)]
    if training:
        m, v = (each.reshape(-1) for each in moments(wide(x), axes))
        n = x.size // channels
        unbiased = v * n / max(n - 1, 1)
        saved = [Floats(m, "float32", 4, 2e-6), Floats(v, "float32", 8, 1e-6)]
        changed = [
            Floats(0.9 * wide(mean) + 0.1 * m, dtype, 2, 1e-6),
            Floats(0.9 * wide(variance) + 0.1 * unbiased, dtype, 2, 1e-6),
        ]
    y = (wide(x) - m.reshape(form)) / np.sqrt(v.reshape(form) + EPSILON)
    y = y * wide(weight).reshape(form) + wide(bias).reshape(form)
    return args, [*changed, near(y, dtype), *saved]


def batch_norm_elemt(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, _, form, channels = batch(rng, dtype)
    weight, bias, mean = (random(rng, (channels,), dtype) for _ in range(3))
    rstd = random(rng, (channels,), dtype, 0.1, 2)
    y = (wide(x) - wide(mean).reshape(form)) * (wide(rstd) * wide(weight)).reshape(form) + wide(bias).reshape(
        form
    )
    return [x, weight, bias, mean, rstd, EPSILON], [near(y, dtype)]


def batch_norm_stats(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axes, _, _ = batch(rng, dtype)
    mean, variance = (each.reshape(-1) for each in moments(wide(x), axes))
    return [x, EPSILON], statistics(mean, 1 / np.sqrt(variance + EPSILON), "float32")


def batch_norm_reduce(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x = random(rng, [int(n) for n in rng.integers(1, 6, 4)], dtype)
    total = [wide(x).sum(axis=(0, 2, 3)), (wide(x) ** 2).sum(axis=(0, 2, 3))]
    return [x], [Floats(total[0], "float32", 4, 2e-5), Floats(total[1], "float32", 8)]


def gradients(
    dy: Array, x: Array, mean: Array, rstd: Array, axes: tuple[int, ...], form: tuple[int, ...]
) -> tuple[Array, Array]:
    """Sums over a channel of dy, and of dy * (x - mean)."""
    return dy.sum(axis=axes), (dy * (x - mean.reshape(form))).sum(axis=axes)


def batch_norm_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axes, form, channels = batch(rng, dtype)
    dy, weight = random(rng, x.shape, dtype), random(rng, (channels,), dtype)
    means = [random(rng, (channels,), dtype) for _ in range(2)]
    variances = [random(rng, (channels,), dtype, 0.1, 2) for _ in range(2)]
    training = bool(rng.integers(2))
    mean, rstd = wide(means[training]), 1 / np.sqrt(wide(variances[training]) + EPSILON)
    total, moment = gradients(wide(dy), wide(x), mean, rstd, axes, form)
    n = x.size / channels
    dx = wide(dy)
    if training:
        centred = wide(x) - mean.reshape(form)
        dx = dx - (total / n).reshape(form) - centred * (rstd**2 * moment / n).reshape(form)
    dx = dx * (rstd * wide(weight)).reshape(form)
    args = [dy, x, weight, means[0], variances[0], means[1], variances[1], training, EPSILON, [True] * 3]
    return args, [
        Floats(dx, dtype, 8, 1e-4),
        Floats(moment * rstd, dtype, 8, 1e-4),
        Floats(total, dtype, 8, 2e-5),
    ]


def batch_norm_reduce_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axes, form, channels = batch(rng, dtype)
    dy, mean, weight = random(rng, x.shape, dtype), *(random(rng, (channels,), dtype) for _ in range(2))
    rstd = random(rng, (channels,), dtype, 0.1, 2)
    total, moment = gradients(wide(dy), wide(x), wide(mean), wide(rstd), axes, form)
    flags = [True, *(bool(flag) for flag in rng.integers(0, 2, 2))]
    values = [total, moment, moment * wide(rstd) if flags[1] else None, total if flags[2] else None]
    results = [None if value is None else Floats(value, dtype, 8, 1e-4) for value in values]
    return [dy, x, mean, rstd, weight, *flags], list(results)


def batch_norm_elemt_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, _, form, channels = batch(rng, dtype)
    dy = random(rng, x.shape, dtype)
    mean, weight, total, moment = (random(rng, (channels,), dtype) for _ in range(4))
    rstd = random(rng, (channels,), dtype, 0.1, 2)
    counter = np.array([3, 5], np.int32)
    n = 8
    dx = wide(dy) - (wide(total) / n).reshape(form)
    dx = dx - (wide(x) - wide(mean).reshape(form)) * (wide(rstd) ** 2 * wide(moment) / n).reshape(form)
    dx = dx * (wide(rstd) * wide(weight)).reshape(form)
    return [dy, x, mean, rstd, weight, total, moment, counter], [Floats(dx, dtype, 8, 2e-5)]


def devices(rng: np.random.Generator, dtype: str) -> tuple[Array, Array, Array, Array, tuple[int, int]]:
    """(samples of each device, its size, running mean, running variance, [devices, channels])."""
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 5)))
    counts = rng.integers(2, 6, shape[0])
    running = random(rng, shape[1:], dtype), random(rng, shape[1:], dtype, 0.1, 2)
    return rng.uniform(-2, 2, (*shape, 5)), counts, *running, shape


def followed(old: Array, new: Array, dtype: str) -> Floats:
    return Floats(0.9 * wide(old) + 0.1 * new, dtype, 4, 1e-2 if dtype != "float32" else 2e-4)


def gathered(
    count: float, mean: Array, variance: Array, dtype: str, olds: tuple[Array, Array]
) -> list[Result]:
    """Running statistics, mean and rstd. The running variance has the divisor n - 1, as in PyTorch."""
    return [
        followed(olds[0], mean, dtype),
        followed(olds[1], variance * count / (count - 1), dtype),
        Floats(mean, dtype, 8, 1e-5),
        Floats(1 / np.sqrt(variance + EPSILON), dtype, 64),
    ]


def sync_batch_norm_gather_stats(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    samples, counts, old_mean, old_variance, _ = devices(rng, dtype)
    kind = old_mean.dtype
    sums = np.stack([each[:, :n].sum(-1) for each, n in zip(samples, counts, strict=True)]).astype(kind)
    squares = np.stack(
        [(each[:, :n] ** 2).sum(-1) + 1 for each, n in zip(samples, counts, strict=True)]
    ).astype(kind)
    count = counts.sum()
    mean = wide(sums).sum(0) / count
    variance = wide(squares).sum(0) / count - mean**2
    args = [sums, squares, counts.astype(np.int32), old_mean, old_variance, 0.1, EPSILON]
    return args, gathered(count, mean, variance, dtype, (old_mean, old_variance))


def batch_norm_gather_stats(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    samples, counts, old_mean, old_variance, shape = devices(rng, dtype)
    kind = old_mean.dtype
    means = samples.mean(-1).astype(kind)
    rstds = random(rng, shape, dtype, 0.5, 1)
    count = counts.sum()
    weights = counts[:, None] / count
    mean = (wide(means) * weights).sum(0)
    variance = ((1 / wide(rstds) ** 2 - EPSILON + wide(means) ** 2) * weights).sum(0) - mean**2
    x = random(rng, (2, shape[1], 3), dtype)
    args = [x, means, rstds, old_mean, old_variance, 0.1, EPSILON, counts.astype(kind)]
    return args, gathered(count, mean, variance, dtype, (old_mean, old_variance))


CASES = [
    LineCase("aclnnSyncBatchNormGatherStats", HALF_OR_SINGLE, sync_batch_norm_gather_stats, changed=(3, 4)),
    LineCase("aclnnBatchNormGatherStatsWithCounts", FLOATS, batch_norm_gather_stats, changed=(3, 4)),
    LineCase("aclnnGroupNorm", FLOATS, group_norm),
    LineCase("aclnnGroupNormSilu", FLOATS, group_norm_silu),
    LineCase("aclnnGroupNormSiluV2", FLOATS, lambda rng, dtype: group_norm_silu(rng, dtype, 2)),
    LineCase("aclnnGroupNormSwish", FLOATS, group_norm_swish),
    LineCase("aclnnInstanceNorm", HALF_OR_SINGLE, instance_norm),
    LineCase("aclnnBatchNorm", FLOATS, batch_norm, changed=(3, 4), examples=3),
    LineCase("aclnnBatchNormElemt", FLOATS, batch_norm_elemt),
    LineCase("aclnnBatchNormStats", FLOATS, batch_norm_stats),
    LineCase("aclnnBatchNormReduce", FLOATS, batch_norm_reduce),
    LineCase("aclnnBatchNormBackward", FLOATS, batch_norm_backward, examples=3),
    LineCase("aclnnBatchNormReduceBackward", FLOATS, batch_norm_reduce_backward),
    LineCase("aclnnBatchNormElemtBackward", FLOATS, batch_norm_elemt_backward),
]


@parametrize(CASES)
def test_norms_of_channels(case: LineCase) -> None:
    check(case)
