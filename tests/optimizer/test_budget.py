"""A budget is shared over what is still to be done."""

from __future__ import annotations

import pytest

from optimizer.budget import Budget


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_each_part_has_the_same_share_of_what_is_left() -> None:
    clock = Clock()
    budget = Budget(60.0, clock)
    assert budget.deadline(3) == 1_020.0
    clock.now = 1_020.0
    assert budget.deadline(2) == 1_040.0


def test_what_one_part_leaves_the_others_share() -> None:
    clock = Clock()
    budget = Budget(60.0, clock)
    clock.now = 1_010.0
    assert budget.deadline(2) == 1_035.0


@pytest.mark.parametrize(("now", "over"), [(1_059.9, False), (1_060.0, True), (1_100.0, True)])
def test_when_it_is_over_nothing_is_left(now: float, over: bool) -> None:
    clock = Clock()
    budget = Budget(60.0, clock)
    clock.now = now
    assert budget.over is over
    if over:
        assert budget.deadline(4) == now


def test_without_a_limit_there_is_no_deadline() -> None:
    budget = Budget()
    assert budget.deadline(1) is None
    assert not budget.over
    assert budget.seconds is None
