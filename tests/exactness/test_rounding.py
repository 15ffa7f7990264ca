"""Elementary functions and rounding: what differs between processors and libraries, and that the engine needs none."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from engine import Settings, generate_market, load
from engine.catalog import build_of
from engine.grid import Grid
from engine.jit import _OPTIONS, numba
from engine.strategies.sma_cross import sma_cross
from optimizer.parity import first_divergence
from optimizer.static_look import Remark

COMPILED = build_of("vectorization/compiled_loop")

NO_AVX2 = "glibc.cpu.hwcaps=-AVX2,-FMA"
NO_AVX512 = "X86_V4 AVX512_ICL AVX512_SPR"
FUNCTIONS = """
import hashlib, math, struct, numpy as np
draws = np.random.default_rng(0).random(20_000) * 10.0
def digest(values): return hashlib.sha256(np.asarray(values).tobytes()).hexdigest()[:12]
of_math = {name: digest([getattr(math, name)(one) for one in draws.tolist()]) for name in ("exp", "log", "sin", "tanh")}
of_numpy = {name: digest(getattr(np, name)(draws)) for name in ("exp", "log", "sin", "tanh")}
powers = digest([one ** 1.7 for one in draws.tolist()])
roots = digest(np.sqrt(draws)), digest([math.sqrt(one) for one in draws.tolist()])
print(*of_math.values(), powers, "|", *of_numpy.values(), "|", *roots)
"""
METRICS = """
from engine.metrics import _cagr
print([_cagr(growth / 7.0, 3.3).hex() for growth in range(1, 400)])
"""


@pytest.fixture(scope="module")
def told(fresh) -> dict[str, list[str]]:
    """The digests of math, of NumPy and of square roots, by the environment."""
    environments = {
        "plain": {},
        "glibc": {"GLIBC_TUNABLES": NO_AVX2},
        "numpy": {"NPY_DISABLE_CPU_FEATURES": NO_AVX512},
    }
    return {name: [part.strip() for part in fresh(FUNCTIONS, **env).split("|")] for name, env in environments.items()}


def test_functions_of_math_and_powers_change_with_the_processor(told, must_move) -> None:
    """math.exp, log, sin, tanh and ** change through glibc's variants."""
    must_move([told["plain"][0], told["glibc"][0]], "C functions", {}, {"GLIBC_TUNABLES": NO_AVX2})


def test_functions_of_numpy_change_with_the_processor(told, must_move) -> None:
    must_move([told["plain"][1], told["numpy"][1]], "numpy functions", {}, {"NPY_DISABLE_CPU_FEATURES": NO_AVX512})


def test_functions_of_numpy_are_not_those_of_math(told) -> None:
    assert told["plain"][0].rpartition(" ")[0] != told["plain"][1]


def test_square_roots_do_not_change(told) -> None:
    """They are exact by IEEE 754: the float nearest to the true root."""
    assert len({told[name][2] for name in told}) == 1
    one, other = told["plain"][2].split()
    assert one == other
    draw = random.Random(3)  # noqa: S311 - a simulation
    for _ in range(500):
        value = draw.random()
        root = math.sqrt(value)
        below, above = math.nextafter(root, 0.0), math.nextafter(root, math.inf)
        apart = abs(Fraction(root) ** 2 - Fraction(value))
        assert apart <= abs(Fraction(below) ** 2 - Fraction(value))
        assert apart <= abs(Fraction(above) ** 2 - Fraction(value))


def test_the_state_path_uses_plus_minus_times_and_over_only(engine_is_free_of: Callable[..., None]) -> None:
    """No elementary function, no power, no rounding of floats stands in the reference or in an optimization."""
    engine_is_free_of("elementary", "power", "rounding", "float32")


def test_metrics_do_not_change_with_the_processor(fresh) -> None:
    """Their one power is of decimal, which is software."""
    plain, other = (fresh(METRICS, **env) for env in ({}, {"GLIBC_TUNABLES": NO_AVX2}))
    assert plain == other


def test_a_square_is_not_a_product(engine_is_free_of: Callable[..., None]) -> None:
    """X ** 2 is not x * x everywhere, since the power is the C library's: the engine has none."""
    engine_is_free_of("power")
    draw = random.Random(0)  # noqa: S311 - a simulation
    values = [draw.random() for _ in range(200_000)]
    if not any(value**2 != value * value for value in values):
        pytest.skip("the C library of this machine rounds these squares correctly")


def test_numbas_whole_powers_are_not_pythons() -> None:
    power = numba.njit(lambda value, exponent: value**exponent)
    values = [one / 997.0 for one in range(1, 5000)]
    assert any(power(value, 7) != value**7 for value in values)


def test_rounding_is_three_different_things() -> None:
    """np.round and Numba's round scale first, and differ from Python's."""
    rounded = numba.njit(lambda value: round(value, 2))
    values = [one / 1000.0 for one in range(1, 5000)]
    assert any(float(np.round(value, 2)) != round(value, 2) for value in values)
    assert any(rounded(value) != round(value, 2) for value in values)


def test_ticks_and_lots_are_rounded_in_whole_numbers() -> None:
    """So that 3 lots of 0.1 are 0.3, as typed, and no sum of them drifts."""
    grid = Grid(0.01, "tick")
    assert [grid.value(grid.nearest(cents / 100.0)) for cents in range(100_000)] == [c / 100.0 for c in range(100_000)]
    tenths = Grid(0.1, "lot")
    assert tenths.value(3) == 0.3 != 3 * 0.1
    assert (type(tenths.nearest(0.3)), tenths.below(0.39), tenths.above(0.31)) == (int, 3, 4)


def test_division_by_zero_is_three_different_things() -> None:
    """Python raises, NumPy gives inf, Numba raises unless error_model="numpy"."""
    with pytest.raises(ZeroDivisionError):
        1.0 / float("0")
    with np.errstate(divide="ignore"):
        assert np.float64(1.0) / np.float64(0.0) == math.inf
    with pytest.raises(ZeroDivisionError):
        numba.njit(lambda one, other: one / other)(1.0, 0.0)
    assert numba.njit(lambda one, other: one / other, error_model="numpy")(1.0, 0.0) == math.inf


def test_what_the_engine_compiles_says_how_it_divides(engine_remarks: tuple[Remark, ...]) -> None:
    """The error model is stated in one place, for all that it compiles."""
    assert _OPTIONS["error_model"] == "numpy"
    assert not [remark for remark in engine_remarks if remark.rule in ("error-model", "code-cache")]


def test_maxima_of_numpy_are_not_pythons_and_those_of_numba_are() -> None:
    """On the order of NaN, and on -0.0."""
    greater = numba.njit(lambda one, other: max(one, other))
    pairs = [(math.nan, 1.0), (1.0, math.nan), (0.0, -0.0), (-0.0, 0.0), (1.0, 2.0)]
    python = [np.float64(max(pair)).tobytes() for pair in pairs]
    assert [np.float64(greater(*pair)).tobytes() for pair in pairs] == python
    of_numpy = [np.float64(np.maximum(*pair)).tobytes() for pair in pairs]
    assert of_numpy[1] != python[1]
    assert python[2] != python[3]
    assert of_numpy != python


def test_the_optimizations_use_no_maxima_of_numpy(engine_remarks: tuple[Remark, ...]) -> None:
    """The metrics, one algorithm for every build, use them on numbers above 0."""
    assert {remark.path for remark in engine_remarks if remark.rule == "max-min"} <= {"engine/metrics.py"}


def test_whole_numbers_of_numba_wrap_and_ranges_are_looked_at_at_the_border() -> None:
    """More shares than a float64 can count one by one are left to the reference, whose integers have no end."""
    assert numba.njit(lambda number: number + 1)(2**63 - 1) == -(2**63)
    market = generate_market(symbols=3, bars=80)
    strategy, rich = sma_cross(fast=3, slow=8, amount=1e21), Settings(cash=1e24)
    reference, compiled = (load(market, build=build).run(strategy, rich) for build in ((), COMPILED))
    assert reference.fills["quantity"].max() > 2.0**60
    assert first_divergence(expected=reference.outputs(), obtained=compiled.outputs(), stages=()) is None
