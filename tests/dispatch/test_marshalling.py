"""What Python sends is what C receives: every operator of the catalogue, every argument with its own value.

Each operator is launched through its generated entry points with a kernel that writes down its arguments
(recorder.c). Expected texts are made from the catalogue's C types and the values sent, not from the headers
that Python read.
"""

from __future__ import annotations

import ctypes
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native.building import compiler, flags, run

import ascend_ops as ao
from ascend_ops import dispatch

HERE = Path(__file__).parent
CATALOGUE = HERE.parents[1] / "native_stubs" / "catalogue" / "operators.json"
DTYPES = [
    ao.float32,
    ao.float16,
    ao.int8,
    ao.int32,
    ao.uint8,
    ao.int16,
    ao.int64,
    ao.float64,
    ao.bool_,
    ao.bfloat16,
]
POOL = 160  # tensors; three for each argument of the longest operator
LETTERS = {
    "aclTensor *": "T",
    "aclTensorList *": "t",
    "aclScalar *": "S",
    "aclScalarList *": "s",
    "aclIntArray *": "i",
    "aclFloatArray *": "f",
    "aclBoolArray *": "b",
    "float": "R",
    "double": "R",
    "bool": "F",
    "char *": "C",
}
BITS = {"int8_t": 8, "int": 32, "int32_t": 32, "int64_t": 64, "uint64_t": 64}

pytestmark = pytest.mark.stand_in(reason="registers kernels")


class Recorder:
    """The kernel of recorder.c."""

    def __init__(self, library: Path) -> None:
        self._c = ctypes.CDLL(str(library))
        self._c.recorder_text.restype = ctypes.c_char_p

    @property
    def runs(self) -> int:
        return int(self._c.recorder_runs())

    def received(self, name: str, args: list[Any]) -> list[str]:
        """What the operator's kernel saw: a heading and a line for each argument."""
        assert self._c.recorder_start(name.encode()) == 0
        try:
            dispatch.launch(name, args)
        finally:
            assert self._c.recorder_stop(name.encode()) == 0
        return str(self._c.recorder_text().decode()).splitlines()


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    source, library = HERE / "recorder.c", tmp_path_factory.mktemp("recorder") / "librecorder.so"
    run([*compiler(source), "-Werror", "-fPIC", "-shared", str(source), "-o", str(library), *flags()])
    ao.current_device()  # loads the libraries that this one needs
    return Recorder(library)


def operators() -> Iterator[tuple[str, list[list[str]]]]:
    for name, entry in json.loads(CATALOGUE.read_text(encoding="utf-8")).items():
        if not entry.get("experimental"):
            yield name, entry["params"]


# Values: the argument's position makes each of them different from all others of its call.


def pool() -> list[ao.Tensor]:
    """Tensors that differ in shape, strides, offset, element type, format and address."""
    return [tensor(k, DTYPES[k % len(DTYPES)]) for k in range(POOL)]


def tensor(k: int, dtype: ao.DType) -> ao.Tensor:
    if k % 7 == 6:
        return ao.empty((16 * k, 32), ao.float16, format="FRACTAL_NZ")
    base = ao.empty((3, k + 2, 5), dtype)
    return (base, base.T, base[1:, 1 : k + 1], base[2, ::2, 1:], base[:, 0, 0], base.reshape(-1))[k % 6]


def dtype_of(i: int) -> ao.DType:
    return DTYPES[i % len(DTYPES)]


def integer(ctype: str, i: int) -> int:
    """Close to the ends of what the type holds."""
    bits = BITS[ctype]
    if ctype.startswith("u"):
        return int(2**bits - 1 - i)
    return int(2 ** (bits - 1) - 1 - i if i % 2 else -(2 ** (bits - 1)) + i)


def scalar(i: int) -> Any:
    kinds: list[Callable[[int], Any]] = [
        int,
        float,
        complex,
        np.float16,
        np.int8,
        np.uint64,
        np.float32,
        np.bool_,
    ]
    return kinds[i % len(kinds)](i + 1)


def value(ctype: str, i: int, marked: bool, tensors: list[ao.Tensor]) -> Any:
    """The value of argument number i. `marked` is the bit by which flags differ, and whether to leave out."""
    letter = LETTERS.get(ctype.removeprefix("const "))
    if letter == "F":
        return marked
    if letter == "R":
        return -1 / (i + 3)  # no float and no short decimal
    if ctype == "aclDataType":
        return dtype_of(i)
    if letter is None:
        return integer(ctype, i)
    return None if marked else pointed_to(letter, i, tensors)


def pointed_to(letter: str, i: int, tensors: list[ao.Tensor]) -> Any:
    count = 1 + i % 3
    return {
        "T": lambda: tensors[3 * i],
        "t": lambda: tensors[3 * i : 3 * i + count],
        "S": lambda: scalar(i),
        "s": lambda: [scalar(3 * i + k) for k in range(count)],
        "i": lambda: [(-1) ** k * (2**62 + 10 * i + k) for k in range((i + 3) % 7)],
        "f": lambda: [1 / (10 * i + k + 3) for k in range((i + 3) % 7)],
        "b": lambda: [bool(i >> k & 1) for k in range(6)],
        "C": lambda: f"argument {i} ä" if i else "",
    }[letter]()


# The recorder's text for a value, by the C type that receives it.


def line(param: list[str], sent: Any) -> str:
    ctype = param[0].removeprefix("const ")
    letter = LETTERS.get(ctype, "I")
    return f"{param[1]} {letter}{' NULL' if sent is None else text(letter, ctype, sent)}"


def text(letter: str, ctype: str, sent: Any) -> str:
    if letter in "tsifb":
        return f" {len(sent)}:" + "".join(ITEMS[letter](each) for each in sent)
    if letter == "R":
        return f" {struct.pack('=d', np.float32(sent) if ctype == 'float' else sent).hex()}"
    if ctype == "aclDataType":
        return f" {int(sent.code)}"
    return ITEMS[letter](sent)


def tensor_text(x: ao.Tensor) -> str:
    told = x._descriptor()
    assert told.address + told.offset * x.dtype.bits // 8 == x.address + x.offset * x.dtype.bits // 8
    return (
        f" dtype={int(x.dtype.code)} format={int(x.format)}{listed('shape', x.shape)}"
        f"{listed('strides', x.strides)}{listed('storage', told.storage_shape)}"
        f" offset={told.offset} address={told.address};"
    )


def listed(name: str, values: Iterable[int]) -> str:
    return f" {name}={','.join(map(str, values))}"


def scalar_text(x: Any) -> str:
    array = np.asarray(x)
    return (
        f" dtype={int(ao.dtypes.dtype(array.dtype).code)} bytes={array.tobytes().ljust(16, bytes(1)).hex()};"
    )


ITEMS: dict[str, Callable[[Any], str]] = {
    "T": tensor_text,
    "t": tensor_text,
    "S": scalar_text,
    "s": scalar_text,
    "i": lambda x: f" {x}",
    "f": lambda x: f" {struct.pack('=f', x).hex()}",
    "b": lambda x: f" {int(x)}",
    "I": lambda x: f" {x - 2**64 if x >= 2**63 else x}",
    "F": lambda x: f" {int(x)}",
    "C": lambda x: f" {x.encode().hex()}",
}


def rounds(count: int) -> Iterator[list[bool]]:
    """For each call of an operator, which arguments are marked: none in the first, then by the bits of their
    positions, so that any two arguments differ in this in one call at least."""
    yield [False] * count
    for bit in range((count - 1).bit_length()):
        yield [bool(i >> bit & 1) for i in range(count)]


def test_no_two_arguments_of_a_call_are_alike_but_for_flags() -> None:
    tensors = pool()
    for name, params in operators():
        typed = [(i, p[0].removeprefix("const ")) for i, p in enumerate(params) if p[0] != "bool"]
        texts = [text(LETTERS.get(c, "I"), c, value(c, i, False, tensors)) for i, c in typed]
        assert len(set(texts)) == len(texts), name


@pytest.mark.mistakes("uninitialised")
def test_every_argument_of_every_operator_arrives_as_it_was_sent(recorder: Recorder) -> None:
    tensors, before, sent = pool(), recorder.runs, 0
    wrong = {}
    for name, params in operators():
        for marks in rounds(len(params)):
            args = [value(p[0], i, marks[i], tensors) for i, p in enumerate(params)]
            expected = [name, *(line(p, arg) for p, arg in zip(params, args, strict=True))]
            received = recorder.received(name, args)
            sent += 1
            if received != expected:
                wrong[name] = [pair for pair in zip(received, expected, strict=False) if pair[0] != pair[1]]
    assert wrong == {}
    ao.current_stream().synchronize()
    assert recorder.runs - before == sent
