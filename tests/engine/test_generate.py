"""Generated markets are the same bits everywhere, and good bars."""

from __future__ import annotations

import pytest

from engine import InputError, generate_market
from engine.reference.loader import load_bars
from engine.scenarios import blemished_market, one_bar, ties_market
from optimizer.parity import table_digest


def test_the_same_seed_gives_the_same_bits_on_every_machine() -> None:
    digest = table_digest(generate_market(symbols=3, bars=50, seed=5, late=0.34))
    assert digest == "1dc7870a17e194cf452607d8937ccf85bf03aa99d96e8970b6599b670edeaaf4"


@pytest.mark.parametrize("make", [blemished_market, ties_market, one_bar, lambda: generate_market(symbols=4, bars=90)])
def test_every_generated_bar_is_a_good_one(make) -> None:
    table = make()
    assert load_bars(table).bars.equals(table)


def test_the_blemishes_are_there() -> None:
    table = blemished_market()
    counts = table.group_by("symbol").len()
    assert counts["len"].min() == 1
    assert counts["len"].n_unique() > 5
    assert table.filter(table["volume"] == 0.0).height == 5


@pytest.mark.parametrize("wrong", [{"symbols": 0}, {"bars": 0}, {"late": 1.5}])
def test_an_impossible_market_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        generate_market(**wrong)
