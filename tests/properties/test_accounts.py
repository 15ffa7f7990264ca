"""Laws that hold on any market, drawn by Hypothesis."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import load
from engine.generate import generate_market
from engine.model import Result
from engine.scenarios import SCENARIOS
from optimizer.parity import first_divergence

NAMES = ["sma_cross", "level", "restless", "tight_cash"]
STAGES = ("features", "rejections", "fills", "trades", "orders", "equity")
MARKETS = st.builds(
    generate_market,
    symbols=st.integers(1, 6),
    bars=st.integers(1, 120),
    seed=st.integers(0, 1_000),
    late=st.floats(0.0, 1.0),
)


def run(bars: pl.DataFrame, scenario: str, build: tuple[str, ...] = ()) -> Result:
    chosen = SCENARIOS[scenario]
    return load(bars, build=build).run(chosen.make(), chosen.settings)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(MARKETS, st.sampled_from(NAMES))
def test_equity_is_cash_plus_value_to_the_last_bit_at_every_bar(bars: pl.DataFrame, scenario: str) -> None:
    equity = run(bars, scenario).equity
    assert (equity["cash"] + equity["value"]).equals(equity["equity"].rename("cash"))
    assert (equity["cash"] >= 0.0).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(MARKETS, st.sampled_from(NAMES), st.integers(1, 119))
def test_a_prefix_of_the_data_gives_a_prefix_of_the_outputs(bars: pl.DataFrame, scenario: str, count: int) -> None:
    days = bars["timestamp"].unique().sort().head(count)
    some, all_ = run(bars.filter(bars["timestamp"] <= days.max()), scenario), run(bars, scenario)
    for name, prefix in some.outputs().items():
        whole = all_.outputs()[name].head(len(prefix))
        assert first_divergence(expected={name: whole}, obtained={name: prefix}, stages=STAGES) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(bars=MARKETS, scenario=st.sampled_from(NAMES))
def test_the_whole_build_gives_the_references_bits(
    whole_build: tuple[str, ...], bars: pl.DataFrame, scenario: str
) -> None:
    expected, obtained = run(bars, scenario).outputs(), run(bars, scenario, whole_build).outputs()
    assert first_divergence(expected=expected, obtained=obtained, stages=STAGES) is None
