"""Elementary and special functions of one number, and their in-place forms. What the library takes beyond its
documents (BF16 and complex numbers in some of them) is taken here, too. Integers and bool give float32."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from kernels.arrays import COMPLEXES, FLOATS, INTEGERS, REALS, Array, assert_close, covers
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao

WHOLE = f"{INTEGERS} bool"
NUMBERS = f"{REALS} {WHOLE}"
ALL = f"{NUMBERS} {COMPLEXES}"


def real(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of Python's math, NaN where it is not defined."""

    def apply(x: float) -> float:
        try:
            return function(float(x))
        except (ValueError, OverflowError):
            return math.nan

    return np.vectorize(apply, otypes=[float])


def complex_too(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A NumPy function of floats and complex numbers, which integers become by way of float32."""
    return lambda x: function(x if x.dtype.kind in "fc" else x.astype(np.float32).astype(float))


def erfinv(x: float) -> float:
    """By bisection: erf rises."""
    if not abs(x) < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    low, high = 0.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        # Differences of erfc do not lose what erf near 1 does.
        below = math.erfc(middle) > 1 - abs(x) if abs(x) > 0.5 else math.erf(middle) < abs(x)
        low, high = (middle, high) if below else (low, middle)
    return math.copysign(low, x)


def digamma(x: float) -> float:
    """The sum over 1/(k+1) - 1/(k+x), its tail by Euler and Maclaurin."""
    if x == 0:
        return -math.copysign(math.inf, x)
    if math.isinf(x):
        return x if x > 0 else math.nan
    if x < 0 and x == math.floor(x):
        return math.nan
    n, m = 60, 60 + x
    tail = math.log(m) - 1 / (2 * m) - 1 / (12 * m**2) + 1 / (120 * m**4) - 1 / (252 * m**6)
    return tail - math.fsum(1 / (k + x) for k in range(n))


def lgamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def sinc(x: Array) -> Array:
    return np.sinc(np.where(np.isinf(x), np.nan, x))


def both(name: str, reference: Callable[..., Any], dtypes: str, **options: Any) -> Iterator[MapCase]:
    """The operator, and its in-place form for what can hold the result."""
    own = " ".join(dtype for dtype in dtypes.split() if dtype not in WHOLE.split())
    yield MapCase(f"aclnn{name}", reference, dtypes, to_float=True, **options)
    yield MapCase(f"aclnnInplace{name}", reference, own, inplace=True, **options)


CASES = [
    *both("Exp", complex_too(np.exp), f"{REALS} {COMPLEXES} int64 bool"),
    *both("Exp2", complex_too(np.exp2), NUMBERS),
    *both("Expm1", complex_too(np.expm1), f"{FLOATS} int64 bool"),
    *both("Log", complex_too(np.log), ALL),
    *both("Log2", complex_too(lambda x: np.log(x) / math.log(2) if x.dtype.kind == "c" else np.log2(x)), ALL),
    *both("Log10", complex_too(np.log10), ALL),
    *both("Log1p", complex_too(np.log1p), NUMBERS),
    *both("Sqrt", complex_too(np.sqrt), ALL),
    *both("Rsqrt", complex_too(lambda x: 1 / np.sqrt(x)), ALL),
    *both("Reciprocal", complex_too(lambda x: 1 / x), ALL),
    *both("Sin", complex_too(np.sin), ALL),
    *both("Cos", complex_too(np.cos), ALL),
    *both("Tan", complex_too(np.tan), ALL, ulps=2),
    *both("Sinc", complex_too(sinc), NUMBERS, absolute=1e-15),
    *both("Asin", complex_too(np.arcsin), NUMBERS, low=-1.2, high=1.2),
    *both("Acos", complex_too(np.arccos), NUMBERS, low=-1.2, high=1.2),
    *both("Atan", complex_too(np.arctan), NUMBERS),
    *both("Sinh", complex_too(np.sinh), ALL),
    *both("Cosh", complex_too(np.cosh), ALL),
    *both("Tanh", complex_too(np.tanh), f"{FLOATS} {WHOLE}"),
    *both("Asinh", complex_too(np.arcsinh), ALL),
    *both("Acosh", complex_too(np.arccosh), ALL, low=0),
    *both("Atanh", complex_too(np.arctanh), ALL, low=-1.2, high=1.2, ulps=2),
    *both("Erf", real(math.erf), f"{REALS} int64 bool"),
    *both("Erfc", real(math.erfc), f"{REALS} int64 bool"),
    *both("Erfinv", real(erfinv), f"{FLOATS} {WHOLE}", low=-1, high=1),
    MapCase("aclnnCoshV2", np.cosh, FLOATS),
    MapCase("aclnnSquare", np.square, f"{FLOATS} int32 int64"),
    MapCase("aclnnDigamma", real(digamma), "float32 float16 float64", ulps=4, absolute=1e-13),
    MapCase("aclnnLgamma", real(lgamma), "float32 float16 float64", ulps=2, absolute=1e-14),
    MapCase("aclnnLogit", lambda x, eps: np.log(x / (1 - x)), FLOATS, values=(-1.0,), low=0, high=1),
]


@parametrize(CASES)
def test_functions_of_one_number(case: MapCase) -> None:
    check(case, examples=2)


@covers("aclnnLogit", "float32")
def test_logit_bounds_its_argument_by_eps() -> None:
    x = np.array([-1, 0, 0.001, 0.5, 0.999, 1, 2, np.nan], np.float32)
    eps = 0.25
    z = np.clip(x.astype(float), eps, 1 - eps)
    assert_close(ao.ops.logit(ao.asarray(x), eps), np.log(z / (1 - z)), "float32")


WIDE = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": real(math.erf),
    "erfc": real(math.erfc),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: np.where(x < 0, np.exp(x), 1) / (1 + np.exp(-np.abs(x))),
}
"""References over the whole range of float32."""


@pytest.mark.parametrize("name", WIDE)
def test_float32_over_its_whole_range(name: str) -> None:
    """Every exponent, subnormal numbers, arguments too large for a reduction in one step, and the edges."""
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**32, 4000, dtype=np.uint32)
    edges = np.array(
        [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e-45, -1e-45, 88.7, -87.4, -103.9], np.float32
    )
    x = np.concatenate([bits.view(np.float32), edges, rng.uniform(-20, 20, 3000).astype(np.float32)])
    with np.errstate(all="ignore"):
        expected = np.asarray(WIDE[name](x.astype(float)))
    got = getattr(ao.ops, name)(ao.asarray(x)).numpy()
    assert_close(got, expected, "float32", ulps=2.5)
    zeros = (x == 0) & (expected == 0)
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(expected[zeros]))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ao.ops.expm1(ao.asarray(np.zeros(2)), out=ao.empty(2, dtype="float64")), "self"),
        (lambda: ao.ops.sin(ao.asarray(np.zeros(2)), out=ao.empty(3, dtype="float64")), "out"),
        (lambda: ao.ops.log(ao.asarray(np.zeros(2, np.float32)), out=ao.empty(2, dtype="int32")), "out"),
        (lambda: ao.ops.inplace_exp2(ao.asarray(np.zeros(2, np.int32))), "selfRef"),
        (lambda: ao.ops.lgamma(ao.asarray(np.zeros(2, np.int32))), "self"),
    ],
    ids=["type", "shape", "result", "in place", "integers"],
)
def test_refuses(call: Callable[[], Any], argument: str) -> None:
    with pytest.raises(ao.AscendError, match=argument) as caught:
        call()
    assert caught.value.code == 161002
