"""The interval holds what it promises."""

from __future__ import annotations

import math
import random

import pytest

from optimizer.benchmark import is_clear, ratio_of
from optimizer.stats import LEAST_PAIRS, Ratio, coverage, paired_ratio, skipped


def test_the_least_pairs_give_at_least_95_percent_and_one_fewer_does_not() -> None:
    assert coverage(LEAST_PAIRS, 0) >= 0.95
    assert coverage(LEAST_PAIRS - 1, 0) < 0.95


def test_too_few_pairs_give_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        paired_ratio([1.0] * 5, [1.0] * 5)
    assert ratio_of([1.0] * 5, [1.0] * 9) is None


@pytest.mark.parametrize(("pairs", "skip"), [(6, 0), (8, 0), (9, 1), (12, 2)])
def test_outliers_are_left_out_as_far_as_the_level_allows(pairs: int, skip: int) -> None:
    assert skipped(pairs) == skip


def test_the_ratio_is_before_over_after() -> None:
    ratio = paired_ratio([2.0] * 6, [1.0] * 6)
    assert (ratio.median, ratio.low, ratio.high) == (pytest.approx(2.0), 2.0, 2.0)


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    draw = random.Random(1)  # noqa: S311 - a simulation
    held = 0
    for _ in range(2_000):
        before = [math.exp(draw.gauss(0.0, 0.1)) * 1.3 for _ in range(6)]
        after = [math.exp(draw.gauss(0.0, 0.1)) for _ in range(6)]
        ratio = paired_ratio(before, after)
        held += ratio.low <= 1.3 <= ratio.high
    assert 0.955 < held / 2_000 < 0.985


@pytest.mark.parametrize(
    ("low", "high", "clear"),
    [(1.03, 2.0, True), (0.5, 0.97, True), (0.99, 1.01, True), (0.99, 1.5, False), (0.9, 1.01, False)],
)
def test_a_ratio_is_clear_where_more_pairs_would_not_change_its_verdict(low: float, high: float, clear: bool) -> None:
    assert is_clear(Ratio((low + high) / 2, low, high, 6)) is clear
