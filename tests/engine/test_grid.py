"""Lots and ticks: what counts as a whole multiple, and that no sum of them drifts."""

from __future__ import annotations

import pytest

from engine import InputError
from engine.grid import Grid


@pytest.mark.parametrize("step", [1.0, 100.0, 0.5, 0.25, 0.1, 0.01, 0.001, 1e-8, 1.0 / 3.0, 1.0 / 32.0])
def test_a_step_is_whole_or_one_over_a_whole_number(step: float) -> None:
    assert Grid(step, "lot").value(1) == step


@pytest.mark.parametrize("step", [0.0, -1.0, 1.5, 0.3, 0.7, 2.0000001, float("nan")])
def test_another_step_is_refused_by_its_name(step: float) -> None:
    with pytest.raises(InputError, match=f"a lot of {step}"):
        Grid(step, "lot")


@pytest.mark.parametrize("step", [1e-310, float("inf")])
def test_a_step_that_can_not_be_counted_is_refused(step: float) -> None:
    with pytest.raises(InputError):
        Grid(step, "tick")


def test_the_value_of_a_count_is_the_number_as_it_is_typed() -> None:
    tenths, cents = Grid(0.1, "lot"), Grid(0.01, "tick")
    assert [tenths.value(count) for count in (3, 7, -3)] == [0.3, 0.7, -0.3]
    assert 3 * 0.1 != 0.3
    assert [cents.value(count) for count in (29, 57, -29)] == [0.29, 0.57, -0.29]
    assert 57 * 0.01 != 0.57
    assert Grid(100.0, "lot").value(-3) == -300.0


def test_lots_that_are_added_make_the_sum_that_they_would_on_paper() -> None:
    tenths = Grid(0.1, "lot")
    assert 0.1 + 0.2 != 0.3
    assert tenths.value(tenths.nearest(0.1) + tenths.nearest(0.2)) == 0.3
    assert tenths.value(tenths.nearest(0.3) - tenths.nearest(0.1)) == 0.2
    assert tenths.toward_zero(0.1 + 0.2) == 3


@pytest.mark.parametrize("number", [0.29, -0.29, 0.57, -0.57, 1.1, -1.1, 4.35, -4.35])
def test_a_product_that_misses_its_whole_number_by_rounding_is_not_cut_off(number: float) -> None:
    cents, count = Grid(0.01, "lot"), round(number * 100)
    assert number * 100 != count
    assert cents.below(number) == cents.above(number) == cents.nearest(number) == cents.toward_zero(number) == count
    assert cents.value(count) == number


def test_what_is_between_two_multiples_goes_to_the_side_that_is_asked_for() -> None:
    tenths = Grid(0.1, "lot")
    assert (tenths.below(0.27), tenths.above(0.27), tenths.nearest(0.27), tenths.toward_zero(0.27)) == (2, 3, 3, 2)
    assert (tenths.below(-0.27), tenths.above(-0.27), tenths.nearest(-0.27)) == (-3, -2, -3)
    assert tenths.toward_zero(-0.27) == -2
    hundreds = Grid(100.0, "lot")
    assert (hundreds.below(299.0), hundreds.above(201.0), hundreds.toward_zero(-299.0)) == (2, 3, -2)


def test_halfway_goes_to_the_even_count() -> None:
    whole = Grid(1.0, "tick")
    assert [whole.nearest(number) for number in (0.5, 1.5, 2.5, -0.5, -1.5)] == [0, 2, 2, 0, -2]


def test_within_a_billionth_of_a_step_is_the_multiple_and_farther_is_not() -> None:
    whole = Grid(1.0, "lot")
    assert (whole.below(2.9999999995), whole.above(3.0000000005)) == (3, 3)
    assert (whole.below(2.999999998), whole.above(3.000000002)) == (2, 4)


def test_large_counts_may_be_off_by_their_rounding() -> None:
    """Of 1e15 steps of a cent the quotient can miss a whole number by more than a billionth."""
    cents = Grid(0.01, "lot")
    assert cents.below(12_345_678_901_234.56) == 1_234_567_890_123_456
    assert cents.below(0.0) == cents.above(0.0) == cents.nearest(0.0) == 0
