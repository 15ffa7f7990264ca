"""A declared ranking: which symbols it holds, and how much of each."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from engine import DataColumn, DeclaredRanking, InputError, Market, MinPrice, Momentum, Settings, load
from engine.catalog import build_of
from engine.generate import generate_market
from engine.generate import scored as falls
from engine.ranking import is_declared_ranking
from optimizer.parity import digests_of
from tests.engine.scripted import FLAT, flat, market

pytestmark = pytest.mark.many_runs

SCORE = DataColumn("score")
FREE = Settings(10_000.0, short=True, leverage=4.0)
BUILD = build_of("vectorization/compiled_ranking")


def scored(scores: dict[str, list[float | None]], **prices: list[Any]) -> pl.DataFrame:
    """Return bars that stand still, unless given, with these scores; None is no bar, NaN no score."""
    rows = {
        symbol: prices.get(symbol) or [None if one is None else FLAT for one in column]
        for symbol, column in scores.items()
    }
    values = {
        symbol: [one for one, bar in zip(column, rows[symbol], strict=True) if bar is not None]
        for symbol, column in scores.items()
    }
    bars = market(**rows)
    nth = pl.int_range(pl.len()).over("symbol")
    flat_values = pl.DataFrame(
        [(symbol, place, score) for symbol, column in values.items() for place, score in enumerate(column)],
        schema={"symbol": pl.String, "nth": pl.Int64, "score": pl.Float64},
        orient="row",
    )
    joined = bars.with_columns(nth=nth).join(flat_values, on=["symbol", "nth"], how="left", maintain_order="left")
    return joined.drop("nth")


def holdings(bars: pl.DataFrame, strategy: DeclaredRanking, settings: Settings = FREE) -> list[dict[str, float]]:
    """Return what is held after each timestamp, by the reference, which the compiled loop agrees with."""
    loaded: list[Market] = [load(bars, build=build) for build in ((), BUILD)]
    results = [one.run(strategy, settings) for one in loaded]
    assert digests_of(results[1].outputs()) == digests_of(results[0].outputs())
    held: list[dict[str, float]] = []
    for time in bars["timestamp"].unique(maintain_order=True):
        rows = results[0].positions.filter(pl.col("timestamp") == time)
        held.append(dict(zip(rows["symbol"], rows["quantity"], strict=True)))
    return held


def test_the_best_are_held_and_the_worst_sold_short_for_equal_parts_of_the_exposure() -> None:
    bars = scored({"A": [1.0] * 3, "B": [3.0] * 3, "C": [2.0] * 3, "D": [-5.0] * 3})
    held = holdings(bars, DeclaredRanking(SCORE, long=2, short=1, exposure=1.5))
    assert held == [{}, *[{"B": 50.0, "C": 50.0, "D": -50.0}] * 2]


def test_of_equal_scores_the_later_symbol_ranks_higher() -> None:
    bars = scored({symbol: [0.0, -0.0] for symbol in "ABCDE"})
    assert holdings(bars, DeclaredRanking(SCORE, long=2, short=2))[1] == {"A": -25.0, "B": -25.0, "D": 25.0, "E": 25.0}


def test_what_has_no_bar_or_no_score_is_not_ranked_and_is_sold() -> None:
    bars = scored({"A": [9.0, math.nan, 9.0, 9.0], "B": [1.0, 1.0, 1.0, 1.0], "C": [5.0, 5.0, None, 5.0]})
    held = holdings(bars, DeclaredRanking(SCORE, long=1))
    assert held == [{}, {"A": 100.0}, {}, {"A": 100.0}], "the order for C waits, and is then taken back by another"


def test_where_too_few_can_be_ranked_nothing_is_ordered() -> None:
    bars = scored({"A": [1.0, 1.0, 9.0, 1.0], "B": [2.0, math.nan, 2.0, 2.0]})
    held = holdings(bars, DeclaredRanking(SCORE, long=1, short=1))
    assert held[1] == held[2] == {"A": -50.0, "B": 50.0}
    assert held[3] == {"A": 50.0, "B": -50.0}


def test_it_ranks_on_the_first_timestamp_and_every_so_many_after_it() -> None:
    bars = scored({"A": [1.0, 9.0, 9.0, 9.0, 9.0], "B": [2.0] * 5})
    strategy = DeclaredRanking(SCORE, long=1, every=3)
    assert [list(one) for one in holdings(bars, strategy)] == [[], ["B"], ["B"], ["B"], ["A"]]
    assert strategy == DeclaredRanking(SCORE, long=1, every=3)
    assert strategy._timestamps == 0, "a run goes with a copy"


def test_only_what_passes_the_gates_is_ranked() -> None:
    prices = {"A": [FLAT] * 4, "B": [flat(200.0), flat(200.0), flat(50.0), flat(50.0)]}
    bars = scored({"A": [1.0] * 4, "B": [2.0] * 4}, **prices)
    held = holdings(bars, DeclaredRanking(SCORE, long=1, gates=(MinPrice(60.0),)))
    assert [list(one) for one in held] == [[], ["B"], ["B"], ["A"]]


@pytest.mark.parametrize(
    "wrong",
    [{"long": -1}, {"long": 0}, {"long": 1.5}, {"short": -2}, {"every": 0}, {"exposure": 0.0}, {"exposure": math.inf}],
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        DeclaredRanking(SCORE, **({"long": 1} | wrong))


def test_generated_scores_are_falls_over_bars_of_the_symbol() -> None:
    bars = falls(generate_market(symbols=3, bars=9), length=4).filter(pl.col("symbol") == "S0001")
    closes = bars["close"].to_list()
    falling = [1.0 - now / before for before, now in zip(closes, closes[4:], strict=False)]
    assert bars["score"].to_list() == [*[None] * 4, *falling]


class Lucky(DeclaredRanking):
    """A ranking with a meaning of its own."""

    def on_bars(self, context, bars) -> None:
        """Do nothing."""


def test_a_subclass_keeps_its_own_meaning() -> None:
    bars = generate_market(symbols=5, bars=20)
    assert not is_declared_ranking(Lucky(Momentum(1), 1))
    assert len(load(bars, build=BUILD).run(Lucky(Momentum(1), 1)).orders) == 0


def test_weights_beyond_all_counting_raise_what_the_reference_raises() -> None:
    bars = generate_market(symbols=5, bars=20)
    strategy = DeclaredRanking(Momentum(1), 2, exposure=1e308)
    for build in ((), BUILD):
        with pytest.raises(OverflowError):
            load(bars, build=build).run(strategy, replace(FREE, cash=1e9))
