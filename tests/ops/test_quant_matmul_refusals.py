"""What quant_matmul_all_reduce_v2 refuses: every status case of the vectors file, the arguments that Python
checks, and ranks that do not agree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from ops.ranks import Group, together
from ops.vectors import load

import ascend_ops as ao
from ascend_ops.dispatch import launch

OPERATOR = "aclnnQuantMatmulAllReduceV2"
CASES = {case["change"]: case["status"] for case in load(OPERATOR)["status_cases"]}
CLASSES = {161001: ao.ParameterError, 161002: ao.ParameterError}
pytestmark = pytest.mark.skipif("ao.Device.count() < 3", reason="needs three devices")

Spec = tuple[str, tuple[int, ...]] | None
M, K, N = 32, 64, 128
BASE: dict[str, Any] = {
    "x1": ("int8", (M, K)),
    "x2": ("int8", (K, N)),
    "bias": ("int32", (N,)),
    "x3": ("float16", (M, N)),
    "dequant_scale": ("float32", (N,)),
    "pertoken_scale": ("float32", (M,)),
    "reduce_op": "sum",
    "comm_turn": 0,
    "stream_mode": 1,
    "out": ("float16", (M, N)),
}
BF16 = {"out": ("bfloat16", (M, N)), "x3": ("bfloat16", (M, N))}
WIDE = 65536
CHANGES: dict[str, list[dict[str, Any]]] = {
    "x1 = NULL": [{"x1": None}],
    "x2 = NULL": [{"x2": None}],
    "output = NULL": [{"out": None}],
    "dequantScale = NULL": [{"dequant_scale": None}],
    "x1 dtype float16": [{"x1": ("float16", (M, K))}],
    "x2 dtype float16": [{"x2": ("float16", (K, N))}],
    "bias dtype float16": [{"bias": ("float16", (N,))}],
    "dequantScale dtype float16": [{"dequant_scale": ("float16", (N,))}],
    "output dtype int8": [{"out": ("int8", (M, N)), "x3": None}],
    "x3 dtype bfloat16 with float16 output": [{"x3": ("bfloat16", (M, N))}],
    "output bfloat16 with UINT64 or FLOAT dequantScale": [
        {**BF16},
        {**BF16, "dequant_scale": ("uint64", (N,)), "pertoken_scale": None},
    ],
    "output float16 with bfloat16 dequantScale": [{"dequant_scale": ("bfloat16", (N,))}],
    "pertoken dtype float16": [{"pertoken_scale": ("float16", (M,))}],
    "pertoken given, output float16, dequantScale UINT64": [{"dequant_scale": ("uint64", (N,))}],
    "reduceOp 'max'": [{"reduce_op": "max"}],
    "streamMode 0": [{"stream_mode": 0}],
    "streamMode -1": [{"stream_mode": -1}],
    "x1 rank 1 or 4": [
        {"x1": ("int8", (K,)), "out": ("float16", (N,)), "x3": None},
        {"x1": ("int8", (1, 1, M, K)), "out": ("float16", (1, 1, M, N)), "x3": None},
    ],
    "x2 rank 3": [{"x2": ("int8", (1, K, N))}],
    "x1 last dim != x2 first dim": [{"x1": ("int8", (M, K + 1))}],
    "output [m, n+1]": [{"out": ("float16", (M, N + 1)), "x3": None}],
    "bias rank 2": [{"bias": ("int32", (1, N))}],
    "bias [n+1]": [{"bias": ("int32", (N + 1,))}],
    "x3 shape != output shape": [{"x3": ("float16", (M, 1))}, {"x3": ("float16", (1, M, N))}],
    "dequantScale [2,n]": [{"dequant_scale": ("float32", (2, N))}],
    "dequantScale [n+1]": [{"dequant_scale": ("float32", (N + 1,))}],
    "dequantScale rank 3": [{"dequant_scale": ("float32", (1, 1, N))}],
    "pertoken rank 2": [{"pertoken_scale": ("float32", (1, M))}],
    "pertoken [m+1]": [{"pertoken_scale": ("float32", (M + 1,))}],
    "commTurn 1": [{"comm_turn": 1}],
    "output float16, dequantScale FLOAT, no pertoken": [{"pertoken_scale": None}],
    "k > 65535": [{"x1": ("int8", (M, WIDE)), "x2": ("int8", (WIDE, N))}],
    "x1 [0,k], output [0,n]": [
        {
            "x1": ("int8", (0, K)),
            "out": ("float16", (0, N)),
            "x3": ("float16", (0, N)),
            "pertoken_scale": ("float32", (0,)),
        }
    ],
    "unknown group name": [{"group": "nobody"}, {"group": ""}],
    "non-contiguous x1": [{"x1": "strided"}],
}
OTHER = {"x1 [0,k], output [0,n]": {161002, 561002}, "non-contiguous x1": {561000}}  # given in words
SINGLE = [(change, variant) for change, variants in CHANGES.items() for variant in variants]
OTHERWISE_IN_PYTHON = {"output = NULL", "non-contiguous x1"}
IN_C_ONLY = {"reduce_op", "comm_turn", "stream_mode"}


@pytest.fixture(scope="module")
def pair() -> Iterator[Group]:
    comms = ao.distributed.init_all(2)
    yield comms
    for comm in comms:
        comm.close()


@pytest.fixture
def passing_pair() -> Iterator[Group]:
    """For tests after which the communicator is of no use."""
    comms = ao.distributed.init_all(2)
    yield comms
    for comm in comms:
        with contextlib.suppress(ao.AclError):
            comm.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[ao.distributed.Communicator]:
    with ao.distributed.init_all(1)[0] as comm:
        yield comm


def tensors(change: dict[str, Any]) -> dict[str, Any]:
    made = {
        name: ao.zeros(v[1], v[0]) if isinstance(v, tuple) else v for name, v in {**BASE, **change}.items()
    }
    if made["x1"] == "strided":
        made["x1"] = ao.zeros((M, 2 * K), "int8")[:, ::2]
    return made


def in_c(a: dict[str, Any], group: str) -> None:
    tail = a["reduce_op"], a["comm_turn"], a["stream_mode"], a["out"]
    names = ("x1", "x2", "bias", "x3", "dequant_scale", "pertoken_scale")
    launch(OPERATOR, (*(a[name] for name in names), a.get("group", group), *tail))


def in_python(a: dict[str, Any], group: Any) -> ao.Tensor:
    names = ("x1", "x2", "dequant_scale", "bias", "x3", "pertoken_scale")
    given = {name: a[name] for name in names}
    return ao.ops.quant_matmul_all_reduce_v2(**given, group=a.get("group", group), out=a["out"])


def assert_refused(change: str, call: Callable[[], Any]) -> None:
    status = CASES[change]
    allowed = {status} if isinstance(status, int) else OTHER.get(change)
    with pytest.raises(ao.AclError) as raised:
        call()
    error = raised.value
    assert error.code != 0 if allowed is None else error.code in allowed
    assert type(error) is CLASSES.get(error.code, type(error))
    assert error.message
    assert error.arguments


def test_every_status_case_of_the_file_is_tried_here() -> None:
    assert list(CASES) == list(CHANGES)


def test_the_base_call_is_accepted(alone: ao.distributed.Communicator) -> None:
    in_c(tensors({}), alone.name)
    assert (in_python(tensors({}), alone).numpy() == 0).all()


@pytest.mark.parametrize(("change", "variant"), SINGLE, ids=str)
def test_the_c_function_answers_the_status(
    alone: ao.distributed.Communicator, change: str, variant: dict[str, Any]
) -> None:
    a = tensors(variant)
    assert_refused(change, lambda: in_c(a, alone.name))


@pytest.mark.parametrize(
    ("change", "variant"),
    [each for each in SINGLE if not IN_C_ONLY & each[1].keys() and each[0] not in OTHERWISE_IN_PYTHON],
    ids=str,
)
def test_the_python_function_raises_it(
    alone: ao.distributed.Communicator, change: str, variant: dict[str, Any]
) -> None:
    a = tensors(variant)
    assert_refused(change, lambda: in_python(a, alone))


def test_a_refused_rank_is_as_good_as_before(alone: ao.distributed.Communicator) -> None:
    for change in ("x1 dtype float16", "k > 65535", "non-contiguous x1"):
        a = tensors(CHANGES[change][0])
        assert_refused(change, lambda a=a: in_c(a, alone.name))
    assert (in_python(tensors({}), alone).numpy() == 0).all()


# What Python checks itself

X1, X2, SCALE = np.ones((3, 4), np.int8), np.ones((4, 5), np.int8), np.ones(5, np.uint64)


def strided() -> ao.Tensor:
    return ao.zeros((4, 10), "int8")[:, ::2]


def in_nz() -> ao.Tensor:
    return ao.asarray(X2, format="FRACTAL_NZ")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x1": None}, TypeError, "x1 is None"),
        ({"x2": None}, TypeError, "x2 is None"),
        ({"dequant_scale": None}, ao.ParameterError, "dequantScale"),
        ({"x1": "text"}, TypeError, "x1: <U4"),
        ({"x1": [[1.5, 2]]}, TypeError, "x1: float64 elements; int8 wants integers"),
        ({"x1": [[300, 2]]}, OverflowError, "x1: not convertible to int8: 300"),
        ({"bias": [0.5] * 5}, TypeError, "bias: float64 elements; int32 wants integers"),
        ({"dequant_scale": [0.5] * 5}, TypeError, r"^dequant_scale: give uint64 .*not list \(\[0.5, "),
        (
            {"dequant_scale": [1] * 5},
            TypeError,
            "^dequant_scale: give uint64 from trans_quant_param, bfloat16",
        ),
        (
            {"dequant_scale": 2},
            TypeError,
            r"^dequant_scale: give .*float32 with pertoken_scale, not int \(2\)",
        ),
        ({"x3": ["a"]}, TypeError, "x3: <U1"),
        ({"x2": strided}, ValueError, r"x2 has the strides \(10, 2\) with the shape \(4, 5\)"),
        ({"x2": in_nz, "x1": X1[:, :3]}, ValueError, r"x2 has the shape \(4, 5\); .* must be \(3, 5\)"),
        ({"x2": in_nz, "bias": [1] * 4}, ValueError, r"bias has the shape \(4,\); .* must be \(5,\)"),
        ({"x2": in_nz, "x3": [[1] * 5]}, ValueError, r"x3 has the shape \(1, 5\); .* must be \(3, 5\)"),
        (
            {"x2": in_nz, "dequant_scale": SCALE[:2]},
            ValueError,
            r"dequant_scale .*\(1,\) or \(5,\) or \(1, 5\)",
        ),
        ({"x2": in_nz, "pertoken_scale": [1.0]}, ValueError, r"pertoken_scale has the shape \(1,\)"),
        (
            {"x2": in_nz, "out": lambda: ao.empty((3, 4), "float16")},
            ValueError,
            r"out has the shape \(3, 4\)",
        ),
        (
            {"x1": lambda: ao.asarray(X1, format="FRACTAL_NZ")},
            ValueError,
            "x1 is in FRACTAL_NZ; x2 alone may",
        ),
        ({"out": X1}, TypeError, "out: out must be a Tensor"),
        ({"group": None}, TypeError, r"group must be a Communicator or the name of one, not NoneType"),
        ({"group": 3}, TypeError, r"group must be .* not int \(3\); distributed.init"),
        ({"group": "a\0b"}, ValueError, "group is 'a.x00b'"),
    ],
    ids=str,
)
def test_the_message_says_what_is_wrong(
    alone: ao.distributed.Communicator, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    arguments: dict[str, Any] = {"x1": X1, "x2": X2, "dequant_scale": SCALE, "group": alone}
    arguments |= {name: value() if callable(value) else value for name, value in change.items()}
    with pytest.raises(error, match=says):
        ao.ops.quant_matmul_all_reduce_v2(**arguments)


@pytest.mark.parametrize("name", ["x1", "x2", "dequant_scale", "bias", "x3", "pertoken_scale", "out"])
def test_a_tensor_of_another_device_or_without_memory_is_named(pair: Group, name: str) -> None:
    first, second = pair
    with second.device:
        a = tensors({})
    with first.device:
        other = tensors({})[name]
    with pytest.raises(ValueError, match=f"^{name} is on device 0, but group is on device 1"):
        in_python({**a, name: other}, second)
    with second.device, pytest.raises(ValueError, match=f"^{name} is on device 0, but group is on device 1"):
        in_python({**a, name: other}, second.name)
    other.close()
    with pytest.raises(ValueError, match=f"^{name} is a closed Tensor"):
        in_python({**a, name: other}, second)


def test_arrays_go_to_the_groups_device_whichever_is_current(pair: Group) -> None:
    with ao.Device(2):
        results = [
            ao.ops.quant_matmul_all_reduce_v2(X1, X2, [1.0], pertoken_scale=[1.0, 2.0, 3.0], group=comm)
            for comm in pair
        ]
        assert ao.current_device() == ao.Device(2)
    for comm, y in zip(pair, results, strict=True):
        assert y.device == comm.device
        assert y.numpy().tolist() == [[8.0] * 5, [16.0] * 5, [24.0] * 5]


# Groups that are gone, ranks that do not agree


def test_a_closed_group_is_refused_by_object_and_by_name() -> None:
    (comm,) = ao.distributed.init_all(1)
    name = comm.name
    comm.close()
    with pytest.raises(ValueError, match=r"^group: .*closed"):
        in_python(tensors({}), comm)
    with pytest.raises(ao.AclError) as raised:
        in_python(tensors({}), name)
    assert name in str(raised.value)


def test_a_group_of_another_device_is_unknown_here(pair: Group) -> None:
    with ao.Device(2), pytest.raises(ao.AclError) as raised:
        in_python(tensors({}), pair[0].name)
    assert pair[0].name in str(raised.value)


def test_three_ranks_are_refused_on_each() -> None:
    comms = ao.distributed.init_all(3)
    for comm in comms:
        with pytest.raises(ao.AclError, match="3 ranks") as raised:
            ao.ops.quant_matmul_all_reduce_v2(X1, X2, SCALE, group=comm)
        assert raised.value.code == 561002
        comm.close()


def failure(stream: ao.Stream) -> ao.AclError:
    """The error that a wait for the stream ends with; closed, for an open one tells it again at exit."""
    with pytest.raises(ao.AclError) as raised:
        stream.synchronize(timeout=30)
    with contextlib.suppress(ao.AclError):
        stream.close()
    return raised.value


def other_m(rank: int) -> dict[str, Any]:
    return {"x1": X1[: 2 + rank], "x2": X2, "dequant_scale": SCALE}


def other_n(rank: int) -> dict[str, Any]:
    return {"x1": X1, "x2": X2[:, : 4 + rank], "dequant_scale": SCALE[:1]}


def other_type(rank: int) -> dict[str, Any]:
    scale = np.ones(1, ao.dtype("bfloat16" if rank else "float32").host())
    return {"x1": X1, "x2": X2, "dequant_scale": scale, "pertoken_scale": np.ones(3, np.float32)}


@pytest.mark.parametrize("given", [other_m, other_n, other_type])
def test_ranks_that_disagree_get_an_error_each(
    passing_pair: Group, given: Callable[[int], dict[str, Any]]
) -> None:
    def rank(comm: ao.distributed.Communicator) -> ao.AclError:
        with comm.device, ao.Stream() as stream:
            y = ao.ops.quant_matmul_all_reduce_v2(**given(comm.rank), group=comm)
            error = failure(stream)
            del y
            return error

    for error in together(passing_pair, rank):
        assert not isinstance(error, ao.DeviceTimeoutError)
        assert OPERATOR in error.message
        assert "rank 0" in error.message
        assert "rank 1" in error.message


def test_a_rank_that_calls_something_else_is_an_error_on_both(passing_pair: Group) -> None:
    def rank(comm: ao.distributed.Communicator) -> ao.AclError:
        with comm.device, ao.Stream() as stream:
            if comm.rank:
                comm.all_reduce(np.ones(3, np.float16))
            else:
                ao.ops.quant_matmul_all_reduce_v2(X1, X2, SCALE, group=comm)
            return failure(stream)

    for error in together(passing_pair, rank):
        assert not isinstance(error, ao.DeviceTimeoutError)
        assert OPERATOR in error.message
        assert "HcclAllReduce" in error.message


def test_a_rank_that_gives_up_fails_the_others_at_once(passing_pair: Group) -> None:
    with ao.Device(2):
        elsewhere = ao.zeros((3, 4), "int8")

    def rank(comm: ao.distributed.Communicator) -> str:
        with comm.device, ao.Stream() as stream:
            if comm.rank == 0:
                ao.ops.quant_matmul_all_reduce_v2(X1, X2, SCALE, group=comm)
                return failure(stream).message
            with (
                pytest.raises(ValueError, match="x1 is on device 2, but group is on device 1") as raised,
                comm,
            ):
                ao.ops.quant_matmul_all_reduce_v2(elsewhere, X2, SCALE, group=comm)
            return str(raised.value)

    waiting, _ = together(passing_pair, rank)
    assert OPERATOR in waiting
    assert "rank 1" in waiting


def test_different_inner_lengths_are_no_disagreement(pair: Group) -> None:
    def rank(comm: ao.distributed.Communicator) -> ao.Tensor:
        k = 2 + comm.rank  # rank r has its own part of the columns of x1
        return ao.ops.quant_matmul_all_reduce_v2(
            X1[:, :k], X2[:k], [1.0], pertoken_scale=[1.0] * 3, group=comm
        )

    for y in together(pair, rank):
        assert (y.numpy() == 5).all()
