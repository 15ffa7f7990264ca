"""The order of addition: what adds in another order than the reference, and that the engine uses none of it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from engine.reference.features import ema, mean, sma

VALUES = np.random.default_rng(11).random(100_003) * 100.0
POLARS_SUMS = """
import hashlib, numpy as np, polars as pl
draw = np.random.default_rng(0)
table = pl.DataFrame({"key": draw.integers(0, 20, 200_000), "value": draw.random(200_000)})
def digest(frame): return hashlib.sha256(frame["value"].to_numpy().tobytes()).hexdigest()[:12]
ordered = table.group_by("key", maintain_order=True).agg(pl.col("value").sum()).sort("key")
plain = table.group_by("key").agg(pl.col("value").sum()).sort("key")
steps = table.select((pl.col("value") * 1.1 - 0.3).cum_sum())
print(digest(ordered), digest(plain), digest(steps))
"""
PRODUCTS = """
import hashlib, numpy as np
x = np.random.default_rng(0).random(40_000)
square = x.reshape(200, 200)
for value in (np.dot(x, x), square @ square, np.corrcoef(square)):
    print(hashlib.sha256(np.asarray(value).tobytes()).hexdigest()[:12])
"""


def one_after_another(values: np.ndarray) -> float:
    total = 0.0
    for value in values.tolist():
        total += value
    return total


def test_the_reference_adds_left_to_right() -> None:
    """By explicit +=, from the oldest on: another order of the same values gives other bits."""
    values = VALUES[:1000].tolist()
    assert mean(values) == one_after_another(VALUES[:1000]) / 1000
    assert mean(sorted(values)) != mean(values)


def test_built_in_sum_is_another_addition_on_newer_pythons() -> None:
    """Sequential on 3.11, compensated from 3.12 on."""
    sequential = sum(VALUES.tolist()) == one_after_another(VALUES)
    assert sequential is (sys.version_info < (3, 12))


def test_no_sum_of_floats_but_by_hand_stands_in_the_engine(engine_is_free_of: Callable[..., None]) -> None:
    """Neither built-in sum, nor np.sum and its kind, nor a sum, mean, ewm or rolling of Polars."""
    engine_is_free_of("sum", "parallel-sum")


def test_numpy_adds_in_pairs_from_8_values_on() -> None:
    """np.sum is pairwise: it differs from a loop for 8 values or more."""
    draw = np.random.default_rng(0)
    differing = [n for n in range(2, 20) if any(np.sum(x) != one_after_another(x) for x in draw.random((300, n)))]
    assert min(differing) == 8


def test_accumulations_are_sequential_and_exact() -> None:
    """np.cumsum(x)[-1] and np.add.accumulate(x)[-1] are the loop."""
    assert np.cumsum(VALUES)[-1] == np.add.accumulate(VALUES)[-1] == one_after_another(VALUES) != np.sum(VALUES)


def test_a_sum_along_an_axis_depends_on_the_layout() -> None:
    matrix = VALUES[:99_999].reshape(-1, 3)
    assert (matrix.sum(axis=0) != np.asfortranarray(matrix).sum(axis=0)).any()


def test_polars_group_sums_change_with_the_threads(fresh, must_move) -> None:
    """Even with maintain_order=True; cum_sum and element-wise expressions do not."""
    told = [fresh(POLARS_SUMS, POLARS_MAX_THREADS=threads).split() for threads in ("1", "2", "4")]
    assert len({steps for *_, steps in told}) == 1
    environments = [{"POLARS_MAX_THREADS": threads} for threads in ("1", "4")]
    must_move([ordered + plain for ordered, plain, _ in told], "polars sum", *environments)


def test_polars_sums_means_and_windows_are_not_the_loop() -> None:
    series, length = pl.Series(VALUES), 20
    assert series.sum() != one_after_another(VALUES)
    assert series.mean() != one_after_another(VALUES) / len(VALUES)
    assert series.cum_sum()[-1] == one_after_another(VALUES)
    closes = VALUES[:5000].tolist()
    rolling = pl.Series(closes).rolling_mean(length).to_list()[length:]
    assert rolling != sma(closes, length)[length:]
    assert pl.Series(closes).ewm_mean(span=length, adjust=False).to_list() != ema(closes, length)
    middle = mean(closes)
    total = 0.0
    for close in closes:
        total += (close - middle) * (close - middle)
    assert pl.Series(closes).std() != (total / (len(closes) - 1)) ** 0.5


def test_element_wise_expressions_of_polars_are_exact() -> None:
    """+ - * / of columns are the loop's; so Polars is for such work, for reading, joining, filtering, sorting."""
    one, other = VALUES[:5000], VALUES[5000:10_000]
    table = pl.DataFrame({"one": one, "other": other})
    done = table.select((pl.col("one") * pl.col("other") - pl.col("one")) / pl.col("other"))["one"]
    assert done.to_list() == [(a * b - a) / b for a, b in zip(one.tolist(), other.tolist(), strict=True)]


def test_polars_divides_by_one_number_as_a_product(engine_is_free_of: Callable[..., None]) -> None:
    """Of its reciprocal (polars#23741), so that the engine divides elsewhere."""
    assert (pl.Series([3.0]) / 10.0).to_list() != [3.0 / 10.0]
    engine_is_free_of("reciprocal")


def test_a_running_sum_drifts_from_the_sum_of_the_window() -> None:
    """Adding the newest and subtracting the oldest is another feature than adding each window anew."""
    closes, length = VALUES[:20_000].tolist(), 20
    total, differing = one_after_another(VALUES[:length]), 0
    for bar in range(length, len(closes)):
        total += closes[bar] - closes[bar - length]
        differing += total / length != mean(closes[bar - length + 1 : bar + 1])
    assert differing > 0.9 * len(closes)


@pytest.mark.parametrize("start", [1, 7, 500])
def test_a_sum_over_the_window_can_start_again_at_any_bar(start: int) -> None:
    """With the same bits; a running average can't, without its state."""
    closes, length = VALUES[:1000].tolist(), 20
    assert sma(closes[start:], length)[length:] == sma(closes, length)[start + length :]
    assert (
        ema(closes[start:], length)[length : length + 50] != ema(closes, length)[start + length : start + length + 50]
    )


def test_blas_changes_with_its_kernel_and_threads(fresh, must_move) -> None:
    kernels = [fresh(PRODUCTS, OPENBLAS_CORETYPE=kernel) for kernel in ("Nehalem", "Haswell", "SkylakeX")]
    threads = [fresh(PRODUCTS, OPENBLAS_NUM_THREADS=count) for count in ("1", "2")]
    environments = [{"OPENBLAS_CORETYPE": kernel} for kernel in ("Nehalem", "Haswell")]
    must_move(kernels + threads, "matrix product", *environments, {"OPENBLAS_NUM_THREADS": "1"}, {})


def test_the_engine_uses_no_blas(engine_is_free_of: Callable[..., None]) -> None:
    engine_is_free_of("blas")
