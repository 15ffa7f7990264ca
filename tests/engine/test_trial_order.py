"""Trials are handed to workers in any order that is asked for: it must not matter, and so can be turned."""

from __future__ import annotations

import pytest

from engine import counting
from engine.errors import InputError
from engine.worker_pool import in_order


def test_trials_come_as_they_are_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXACT_CHANGE_TRIAL_ORDER", raising=False)
    assert in_order([3, 1, 2]) == [3, 1, 2]


def test_a_shuffle_is_another_order_of_the_same_trials_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACT_CHANGE_TRIAL_ORDER", "shuffled")
    counting.taken()
    shuffled = in_order(list(range(20)))
    assert shuffled != list(range(20))
    assert sorted(shuffled) == list(range(20))
    assert counting.taken() == {"trials handed out of order": 20}


def test_an_unknown_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACT_CHANGE_TRIAL_ORDER", "backwards")
    with pytest.raises(InputError, match="EXACT_CHANGE_TRIAL_ORDER is 'backwards'"):
        in_order([1])
