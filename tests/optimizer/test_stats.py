"""The interval holds what it promises."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from fractions import Fraction

import pytest

from optimizer.benchmark import is_clear, ratio_of
from optimizer.stats import (
    FAMILY_ERROR,
    LEAST_PAIRS,
    MOST_ERROR,
    Ratio,
    coverage,
    missed,
    paired_ratio,
    plan_for,
    skipped,
)


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


def missed_by_enumeration(looks: Sequence[int], skips: Sequence[int]) -> Fraction:
    """Walk all paths of signs, and count those on which any look's interval does not hold the median."""
    paths = list(itertools.product((0, 1), repeat=looks[-1]))
    bad = sum(
        any(not skip < sum(path[:look]) < look - skip for look, skip in zip(looks, skips, strict=True))
        for path in paths
    )
    return Fraction(bad, len(paths))


@pytest.mark.parametrize(
    ("looks", "skips"),
    [((6,), (0,)), ((6, 9, 12), (0, 1, 2)), ((4, 7, 13), (0, 0, 3)), ((5, 6, 7, 8), (0, 1, 1, 2)), ((9, 13), (0, 1))],
)
def test_what_all_looks_together_miss_is_exact(looks: tuple[int, ...], skips: tuple[int, ...]) -> None:
    assert missed(looks, skips) == missed_by_enumeration(looks, skips)


def test_looking_again_and_again_at_plain_intervals_misses_more_often_than_they_say() -> None:
    """Three looks at 95 % intervals, as they are without correction, miss in more than 5 % of all cases."""
    looks = (6, 9, 12)
    assert missed(looks, [skipped(look) for look in looks]) > Fraction(5, 100)


@pytest.mark.parametrize("candidates", [1, 5, 6, 12, 15, 40])
def test_a_plan_keeps_what_it_promises_over_all_looks_and_candidates(candidates: int) -> None:
    plan = plan_for(candidates)
    wrong = missed(plan.looks, plan.skips)
    assert wrong <= MOST_ERROR
    assert wrong * candidates <= FAMILY_ERROR
    assert wrong <= 1 - Fraction(plan.confidence) + Fraction(1, 10**12)
    assert plan.family_confidence >= 0.95 - 1e-12


@pytest.mark.parametrize("candidates", [1, 6, 15])
def test_no_look_of_a_plan_could_skip_more(candidates: int) -> None:
    plan = plan_for(candidates)
    error = min(MOST_ERROR, FAMILY_ERROR / candidates)
    for place in range(len(plan.looks)):
        more = [*plan.skips[:place], plan.skips[place] + 1, *plan.skips[place + 1 :]]
        assert missed(plan.looks, more) > error


def test_the_first_look_comes_as_soon_as_half_of_the_error_suffices_for_the_widest_interval() -> None:
    plan = plan_for(1)
    assert plan.looks[0] == 9
    assert missed((9,), (0,)) <= MOST_ERROR / 2 < missed((8,), (0,))


def test_a_plan_for_no_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        plan_for(0)


@pytest.mark.parametrize(("pairs", "counted"), [(8, None), (9, 9), (12, 9), (13, 13), (24, 24), (30, 24)])
def test_the_last_look_that_was_reached_counts(pairs: int, counted: int | None) -> None:
    before = [float(number) for number in range(1, pairs + 1)]
    found = plan_for(1).bounds(before, [1.0] * (pairs + 1))
    assert (found.pairs if found else None) == counted
    if found and counted:
        skip = plan_for(1).skips[plan_for(1).looks.index(counted)]
        assert (found.low, found.high) == (1.0 + skip, counted - skip)
        assert found.level == 0.99


def test_a_comparison_that_stops_when_it_likes_misses_no_more_often_than_its_plan_says() -> None:
    """Each simulated A/A comparison stops at the first look at which its interval misses, the worst way to stop."""
    draw, plan, trials = random.Random(7), plan_for(1), 20_000  # noqa: S311 - a simulation
    calls = 0
    for _ in range(trials):
        ratios = [math.exp(draw.gauss(0.0, draw.choice((0.01, 0.3)))) for _ in range(plan.looks[-1])]
        found = [plan.bounds(ratios[:look], [1.0] * look) for look in plan.looks]
        calls += any(one is not None and not one.low <= 1.0 <= one.high for one in found)
    expected = float(missed(plan.looks, plan.skips)) * trials
    assert abs(calls - expected) < 4 * math.sqrt(expected)


@pytest.mark.parametrize(
    ("low", "high", "clear"),
    [(1.03, 2.0, True), (0.5, 0.97, True), (0.99, 1.01, True), (0.99, 1.5, False), (0.9, 1.01, False)],
)
def test_an_interval_is_clear_where_it_says_one_thing(low: float, high: float, clear: bool) -> None:
    assert is_clear(Ratio((low + high) / 2, low, high, 9)) is clear


def test_too_few_pairs_are_not_clear() -> None:
    assert not is_clear(None)


def test_a_ratio_says_how_sure_its_interval_is() -> None:
    assert str(Ratio(1.5, 1.4, 1.6, 9)) == "1.5x (95 %: 1.4 to 1.6)"
    assert str(Ratio(1.5, 1.4, 1.6, 9, plan_for(6).confidence)) == "1.5x (99.2 %: 1.4 to 1.6)"
