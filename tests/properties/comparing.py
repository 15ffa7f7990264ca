"""What laws compare: the outputs of two runs, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from engine import load
from engine.fuzzing.markets import Market
from engine.model import Result, Settings
from engine.strategy import Strategy
from optimizer.parity import digests_of, first_divergence

STAGES = ("features", "gates", "rejections", "cancellations", "fills", "trades", "orders", "equity")
Outputs = Mapping[str, pl.DataFrame]


def run(market: Market, strategy: Strategy, settings: Settings, build: Iterable[str] | None = ()) -> Result:
    """Run a strategy over a market, by the reference if no build is named."""
    return load(market.table(), build=build).run(strategy, settings)


def assert_same(expected: Outputs, obtained: Outputs, why: str = "") -> None:
    """Compare every bit of every output."""
    if digests_of(expected) == digests_of(obtained):  # many times as fast as looking for the first place
        return
    divergence = first_divergence(expected=expected, obtained=obtained, stages=STAGES, case=why)
    assert divergence is None, f"\n{divergence}"


def upto(outputs: Outputs, moment: int) -> dict[str, pl.DataFrame]:
    """Return the rows up to a timestamp, which is given as the number that stands for it in the data."""
    return {name: table.filter(table["timestamp"].to_physical() <= moment) for name, table in outputs.items()}


def moment_of(market: Market, step: int) -> int:
    """Return the number that stands for the timestamp of a step in the data."""
    moment: int = market.table()["timestamp"].to_physical()[[row.step for row in market.rows].index(step)]
    return moment


def changed(outputs: Outputs, names: Iterable[str], by: Callable[[pl.Expr], pl.Expr]) -> dict[str, pl.DataFrame]:
    """Return the outputs with these columns changed, wherever they stand."""
    return {
        name: table.with_columns(by(pl.col(column)).alias(column) for column in names if column in table.columns)
        for name, table in outputs.items()
    }


def without_signed_zeros(outputs: Outputs) -> dict[str, pl.DataFrame]:
    """Return the outputs with 0.0 in place of -0.0: what is mirrored has the other one."""
    column = pl.col(pl.Float64)
    zero = pl.when(column == 0.0).then(0.0).otherwise(column)  # Polars leaves out an addition of 0.0
    return {name: table.with_columns(zero.name.keep()) for name, table in outputs.items()}
