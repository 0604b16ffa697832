"""Operators that read or write elements at places that index tensors name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cann.fakehome import run_python
from kernels.arrays import COMPLEXES, FLOATS, NUMBERS, Array, covers, host_dtype, random
from kernels.moves import Made, MoveCase, check, fails_on_device, parametrize

import ascend_ops as ao

MANY = f"{NUMBERS} {COMPLEXES}"
FILLED = f"{FLOATS} int32 int64 bool"
UNSIGNED = "uint16 uint32 uint64"
Maker = Callable[[np.random.Generator, str], Made]


def tensor(rng: np.random.Generator, dtype: str, least: int = 1, most: int = 4) -> Array:
    return random(rng, [int(n) for n in rng.integers(1, 6, rng.integers(least, most + 1))], dtype)


def axis_of(rng: np.random.Generator, x: Array) -> int:
    return int(rng.integers(-x.ndim, x.ndim))


def indices(rng: np.random.Generator, size: int, shape: Any, wraps: bool = False) -> Array:
    dtype = rng.choice([np.int32, np.int64])
    return rng.integers(-size if wraps else 0, size, shape).astype(dtype)


def wide(x: Array) -> Array:
    return x.astype(np.float64 if x.dtype.kind in "fV" else x.dtype)


def gather(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    axis = axis_of(rng, x)
    shape = [int(rng.integers(1, n + 1)) for n in x.shape]
    shape[axis] = int(rng.integers(0, 7))
    at = indices(rng, x.shape[axis], shape, wraps=True)
    cut = tuple(slice(None) if i == axis % x.ndim else slice(n) for i, n in enumerate(shape))
    return (x, axis, at), np.take_along_axis(x[cut], at % x.shape[axis], axis)


def gather_v2(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    axis = axis_of(rng, x)
    at = indices(rng, x.shape[axis], [int(n) for n in rng.integers(1, 4, rng.integers(0, 4))], wraps=True)
    return (x, axis, at), np.take(x, np.atleast_1d(at), axis)  # as the document has it: a scalar is a vector


def gather_v3(rng: np.random.Generator, dtype: str) -> Made:
    """What Atlas A2 and A3 have: dim 0, batchDims 0, mode 1."""
    x = tensor(rng, dtype)
    at = indices(rng, x.shape[0], [int(n) for n in rng.integers(1, 4, rng.integers(0, 4))])
    return (x, 0, at, 0, 1), np.take(x, at, 0)


def index_select(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    axis = axis_of(rng, x)
    at = indices(rng, x.shape[axis], () if rng.random() < 0.2 else int(rng.integers(0, 6)))
    return (x, axis, at), np.take(x, at.reshape(-1), axis)


def embedding(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype, least=2, most=2)
    at = indices(rng, x.shape[0], [int(n) for n in rng.integers(1, 4, rng.integers(1, 4))])
    return (x, at), x[at]


def take(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    at = indices(rng, x.size, [int(n) for n in rng.integers(1, 4, rng.integers(0, 4))])
    return (x, at), np.take(x, at)


def coordinates(rng: np.random.Generator, x: Array, wraps: bool) -> Array:
    count = int(rng.integers(1, x.ndim + 1))
    points = [int(n) for n in rng.integers(1, 4, rng.integers(1, 3))]
    columns = [indices(rng, n, points, wraps).astype(np.int64) for n in x.shape[:count]]
    return np.stack(columns, -1)


def gather_nd(rng: np.random.Generator, dtype: str) -> Made:
    x, wraps = tensor(rng, dtype), bool(rng.random() < 0.5)
    at = coordinates(rng, x, wraps)
    return (x, at, wraps), x[tuple(np.moveaxis(at, -1, 0))]


def at_along(x: Array, axis: int, at: Array) -> tuple[Any, ...]:
    places = list(np.indices(at.shape))
    places[axis] = at
    return tuple(places)


def scatter(kind: str) -> Maker:
    """Indices are unique along the axis where the last value would win: CANN leaves the order open."""

    def make(rng: np.random.Generator, dtype: str) -> Made:
        x = tensor(rng, dtype)
        axis = axis_of(rng, x)
        shape = [int(rng.integers(1, n + 1)) for n in x.shape]
        reduce = 1 if kind == "add" else int(rng.integers(0, 3))
        at = np.argsort(
            rng.random((*shape[: axis % x.ndim], x.shape[axis], *shape[axis % x.ndim + 1 :])), axis
        )
        at = np.take(at, np.arange(shape[axis]), axis)
        if reduce:
            at = indices(rng, x.shape[axis], shape)
        source = random(rng, [n + int(rng.integers(2)) for n in shape], dtype, 0, 3)
        values: Any = source[tuple(slice(n) for n in shape)]
        if kind == "value":
            values = np.asarray(2, x.dtype)
        expected = wide(x.copy())
        function = [None, np.add, np.multiply][reduce]
        places = at_along(x, axis, at)
        if function is None:
            expected[places] = wide(values)
        else:
            function.at(expected, places, wide(values))
        last = 2 if kind == "value" else source
        tail = () if kind == "add" else (reduce,)
        return (x, axis, at.astype(np.int64), last, *tail), expected.astype(x.dtype)

    return make


def scatter_reduce(rng: np.random.Generator, dtype: str) -> Made:
    (x, axis, at, source), expected = scatter("add")(rng, dtype)
    return (x, axis, at, source, 1, True), expected


def slices(rng: np.random.Generator, dtype: str, unique: bool) -> tuple[Array, int, Array, Array]:
    x = tensor(rng, dtype)
    axis = axis_of(rng, x)
    at = indices(rng, x.shape[axis], int(rng.integers(1, 6)))
    if unique:
        at = np.unique(at)
    shape = list(x.shape)
    shape[axis] = at.size
    return x, axis, at, random(rng, shape, dtype, 0, 4)


def index_add(mode: int | None) -> Maker:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        x, axis, at, source = slices(rng, dtype, unique=False)
        alpha = 1 if dtype == "bool" or mode == 0 else 2
        expected = np.moveaxis(wide(x.copy()), axis, 0)
        np.add.at(expected, at, np.moveaxis(wide(source) * wide(np.asarray(alpha, x.dtype)), axis, 0))
        tail = () if mode is None else (mode,)
        given = 5 if mode == 0 else alpha
        return (x, axis, at, source, given, *tail), np.moveaxis(expected, 0, axis).astype(x.dtype)

    return make


def index_copy(rng: np.random.Generator, dtype: str) -> Made:
    x, axis, at, source = slices(rng, dtype, unique=True)
    expected = x.copy()
    np.moveaxis(expected, axis, 0)[at] = np.moveaxis(source, axis, 0)
    return (x, axis, at, source), expected


def index_fill(tensors: bool) -> Maker:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        x, axis, at, _ = slices(rng, dtype, unique=False)
        expected = x.copy()
        np.moveaxis(expected, axis, 0)[at] = 1
        strange = np.append(at, [x.shape[axis] + 3, -x.shape[axis] - 1]).astype(at.dtype)
        return (x, axis, strange if tensors else at.tolist(), 1), expected

    return make


def scatter_nd(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    at = np.unique(coordinates(rng, x, False).reshape(-1, 1, 1), axis=0)
    updates = random(rng, (*at.shape[:-1], *x.shape[1:]), dtype)
    at = at % x.shape[0]
    at, first = np.unique(at.reshape(-1), return_index=True)
    expected = x.copy()
    expected[at] = updates[first, 0]
    return (x, at[:, None], updates[first, 0]), expected


def tf_scatter_add(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    at = indices(rng, x.shape[0], [int(n) for n in rng.integers(1, 4, 2)])
    updates = random(rng, (*at.shape, *x.shape[1:]), dtype, 0, 3)
    expected = wide(x.copy())
    np.add.at(expected, at, wide(updates))
    return (x, at, updates), expected.astype(x.dtype)


def put(rng: np.random.Generator, dtype: str) -> Made:
    x = tensor(rng, dtype)
    adds = bool(rng.random() < 0.5)
    at = indices(rng, x.size, int(rng.integers(1, 6)), wraps=True)
    if not adds:
        at = np.unique(at % x.size)
    source = random(rng, (at.size,), dtype, 0, 3)
    expected = wide(x.copy()).reshape(-1)
    if adds:
        np.add.at(expected, at, wide(source))
    else:
        expected[at] = wide(source)
    return (x, at, source.reshape(1, -1), adds), expected.reshape(x.shape).astype(x.dtype)


CASES = [
    MoveCase("aclnnGather", gather, f"{NUMBERS} {UNSIGNED}"),
    MoveCase("aclnnGatherV2", gather_v2, MANY),
    MoveCase("aclnnGatherV3", gather_v3, MANY),
    MoveCase("aclnnIndexSelect", index_select, f"{MANY} {UNSIGNED}"),
    MoveCase("aclnnEmbedding", embedding, MANY),
    MoveCase("aclnnTake", take, f"{MANY} {UNSIGNED}"),
    MoveCase("aclnnGatherNd", gather_nd, f"{FLOATS} bool int8 uint8 int32 int64"),
    *(
        MoveCase(f"aclnn{form}Scatter{tail}", scatter(kind), MANY, form == "Inplace", ulps=6)
        for tail, kind in (("", "src"), ("Value", "value"))
        for form in ("", "Inplace")
    ),
    MoveCase("aclnnScatterAdd", scatter("add"), MANY, ulps=6, absolute=1e-6),
    MoveCase("aclnnScatterReduce", scatter_reduce, "float32", ulps=6, absolute=1e-6),
    MoveCase("aclnnInplaceScatterReduce", scatter_reduce, "float32", inplace=True, ulps=6, absolute=1e-6),
    MoveCase("aclnnIndexAdd", index_add(None), NUMBERS, ulps=6, absolute=1e-6),
    MoveCase("aclnnIndexAddV2", index_add(1), NUMBERS, ulps=6, absolute=1e-6),
    MoveCase("aclnnIndexAddV2", index_add(0), "float32 int32", ulps=6, absolute=1e-6, label="-fast"),
    MoveCase("aclnnIndexCopy", index_copy, MANY),
    MoveCase("aclnnInplaceIndexCopy", index_copy, MANY, inplace=True),
    *(
        MoveCase(f"aclnn{form}IndexFill{tail}", index_fill(tail == ""), FILLED, form == "Inplace")
        for form in ("", "Inplace")
        for tail in ("", "Tensor")
    ),
    MoveCase("aclnnScatterNd", scatter_nd, f"{FLOATS} bool"),
    MoveCase("aclnnScatterNdUpdate", scatter_nd, f"{FLOATS} bool int8 int16 int32 int64", inplace=True),
    MoveCase(
        "aclnnTfScatterAdd", tf_scatter_add, f"{FLOATS} int32 int8 uint8", inplace=True, ulps=6, absolute=1e-6
    ),
    MoveCase("aclnnInplacePut", put, MANY, inplace=True, ulps=6, absolute=1e-6),
]


@parametrize(CASES)
def test_places(case: MoveCase) -> None:
    check(case, examples=2)


BATCHES = """
import numpy as np
import ascend_ops as ao

x = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
at = np.array([[[4, 0], [1, 1], [3, 0]], [[0, 3], [2, 2], [1, 4]]])
last, third = ao.ops.gather_v3(x, 3, at, 2, 0).numpy(), ao.ops.gather_v3(x, 2, at % 4, 1, 0).numpy()
assert np.array_equal(last, np.take_along_axis(x, at[:, :, None, :].repeat(4, 2), 3))
assert np.array_equal(third, [each[:, which] for each, which in zip(x, at % 4)])
"""


@pytest.mark.stand_in(reason="chooses the product")
def test_batches_are_gathered_on_ascend_950() -> None:
    done = run_python(f"import sys\nsys.path[:] = {sys.path!r}\n{BATCHES}", ASCEND_STUB_SOC="Ascend950")
    assert done.returncode == 0, done.stderr


def test_a_gather_with_an_empty_index_reads_nothing() -> None:
    """Whatever the sizes are; of an axis without elements nothing else can be read."""
    x, out = ao.zeros((3, 0), ao.float32), ao.zeros((5, 0), ao.float32)
    assert ao.ops.gather(x, 0, ao.zeros((5, 0), ao.int64), out=out) is out
    with pytest.raises(ao.AclError, match="axis 1 of self has no elements") as refused:
        ao.ops.gather(x, 1, ao.zeros((3, 1), ao.int64))
    assert refused.value.code == 161002


@covers("aclnnScatterAdd", "float16 bfloat16")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_summed_in_fp32(dtype: str) -> None:
    """A running sum in float16 would stay at 2048."""
    ones = ao.asarray(np.ones(4096, host_dtype(dtype)))
    places = ao.asarray(np.zeros(4096, np.int64))
    start = ao.zeros((1,), getattr(ao, dtype))
    assert float(ao.ops.scatter_add(start, 0, places, ones).numpy()[0]) == 4096


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gather", lambda at: (0, at)),
        ("index_select", lambda at: (0, at)),
        ("take", lambda at: (at,)),
        ("scatter_add", lambda at: (0, at, ao.zeros((2,), ao.float32))),
    ],
)
def test_indices_outside_touch_no_memory(
    name: str, arguments: Callable[[ao.Tensor], tuple[Any, ...]]
) -> None:
    x = ao.asarray(np.arange(3, dtype=np.float32))
    given = arguments(ao.asarray(np.array([0, 3])))
    ao.current_stream().synchronize()
    fails_on_device(lambda: getattr(ao.ops, name)(x, *given), "index 3")


def zeros(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.float32)


def places(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.int64)


REFUSALS: list[tuple[str, Callable[[], tuple[Any, ...]], tuple[int, ...], str]] = [
    ("gather", lambda: (zeros(2, 3), 0, places(3)), (3,), "index"),
    ("gather", lambda: (zeros(2, 3), 2, places(2, 3)), (2, 3), "dim is 2"),
    ("gather", lambda: (zeros(2, 3), 0, zeros(2, 3)), (2, 3), "data type of index"),
    ("gather_v2", lambda: (zeros(2, 3), 0, places(4)), (2, 3), "out"),
    (
        "gather_v3",
        lambda: (zeros(2, 3), 0, places(2), 1, 1),
        (2, 3),
        "batchDims 1, mode 1; Atlas A2 has dim 0",
    ),
    ("gather_v3", lambda: (zeros(2, 3), 1, places(3), 0, 1), (2, 3), "dim is 1"),
    ("gather_v3", lambda: (zeros(2, 3), 0, places(2), 0, 0), (2, 3), "mode 0"),
    ("gather_nd", lambda: (zeros(2, 3), places(2, 3), False), (2,), "indices"),
    ("embedding", lambda: (zeros(2, 3, 1), places(2)), (2, 3), "weight"),
    ("scatter", lambda: (zeros(2, 3), 0, places(2, 4), zeros(2, 4), 0), (2, 3), "index"),
    ("scatter", lambda: (zeros(2, 3), 0, places(2, 3), zeros(2, 3), 3), (2, 3), "reduce is 3"),
    ("scatter", lambda: (zeros(3), 0, places(), zeros(), 0), (3,), "as many axes as self"),
    ("scatter_reduce", lambda: (zeros(3), 0, places(3), zeros(3), 2, True), (3,), "reduce is 2"),
    ("index_add", lambda: (zeros(2, 3), 0, places(2), zeros(3, 3), 1.0), (2, 3), "source"),
    ("scatter_nd", lambda: (zeros(2, 3), places(2, 1), zeros(2, 2)), (2, 3), "updates"),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "text"), REFUSALS)
def test_refusals(
    name: str, arguments: Callable[[], tuple[Any, ...]], shape: tuple[int, ...], text: str
) -> None:
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, name)(*arguments(), out=zeros(*shape))
    assert refused.value.code == 161002


def test_one_element_is_copied_whether_it_has_an_axis_or_not() -> None:
    one, five = np.array([1]), ao.asarray(np.float32(5))
    x = ao.zeros((3,), "float32")
    ao.ops.inplace_index_copy(x, 0, one, five)
    assert x.numpy().tolist() == [0, 5, 0]
    ao.ops.inplace_index_copy(scalar := ao.zeros((), "float32"), -1, np.array(0), ao.asarray(np.float32([7])))
    assert float(scalar.numpy()) == 7


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ao.ops.index_fill_tensor(ao.zeros(3, "float32"), 0, [0, 3], 1),
            "index has 3; allowed are -3 to 2",
        ),
        (lambda: ao.ops.index_fill_tensor(ao.zeros(3, "float64"), 0, [0], 1), "data type of self"),
        (lambda: ao.ops.inplace_index_fill(ao.zeros(3, "int8"), 0, np.array([0]), 1), "data type of self"),
        (
            lambda: ao.ops.inplace_index_copy(ao.zeros(3, "int8"), 0, np.array([0, 1]), ao.zeros((), "int8")),
            "source",
        ),
    ],
)
def test_refuses(call: Any, text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as refused:
        call()
    assert refused.value.code == 161002
