"""Scripted markets: a few bars, and what is to be done at the close of each. What the tests of the engine share.

`play` runs the reference, and holds the array builds to the same bits, so that every scripted case is theirs as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from engine import Bars, Context, Result, Settings, Strategy, load
from engine.digest import result_digest
from engine.gates import Gate
from engine.generate import weekdays
from engine.rules import Rule

Row = tuple[float, ...] | None
Doing = Callable[[Context], object]
Plan = Mapping[int, Doing | Sequence[Doing]]

FLAT: Row = (100.0, 100.0, 100.0, 100.0)
ARRAYS = (
    "vectorization/array_feed",
    "vectorization/column_features",
    "early-exit/passing_bars",
    "vectorization/awaited_bars",
    "vectorization/masked_rules",
    "vectorization/soa_broker",
    "early-exit/ruined_account",
)
COMPILED = (
    "vectorization/array_feed",
    "vectorization/column_features",
    "vectorization/lazy_context",
    "vectorization/time_slices",
    "vectorization/awaited_calls",
    "vectorization/compiled_rules",
    "vectorization/compiled_broker",
)


def flat(price: float, volume: float = 1_000.0) -> Row:
    """Return a bar that stands still."""
    return (price, price, price, price, volume)


def market(times: Sequence[date] | None = None, **symbols: Sequence[Row]) -> pl.DataFrame:
    """Return bars of (open, high, low, close, volume or 1000) by symbol; None is a missing bar.

    The times are weekdays from Monday, 2010-01-04, unless given.
    """
    times = times or weekdays(max(map(len, symbols.values())))
    rows = [
        (time, symbol, *bar[:4], *(bar[4:] or (1_000.0,)))
        for symbol, series in symbols.items()
        for time, bar in zip(times, series, strict=False)
        if bar is not None
    ]
    columns = ["timestamp", "symbol", "open", "high", "low", "close", "volume"]
    return pl.DataFrame(rows, schema=columns, orient="row").sort("timestamp", "symbol")


class Script(Strategy):
    """Does what is planned for a timestamp, by its number from 0."""

    def __init__(self, plan: Plan, rules: Sequence[Rule] = (), gates: Sequence[Gate] = ()) -> None:
        self.plan = plan
        self.rules = tuple(rules)
        self.gates = tuple(gates)
        self.step = -1

    def on_bars(self, context: Context, bars: Bars) -> None:  # noqa: ARG002 - the plan knows them
        self.step += 1
        doings = self.plan.get(self.step, ())
        for do in [doings] if callable(doings) else doings:
            do(context)


def order(quantity: float, symbol: str = "A", **terms: Any) -> Doing:
    """Return what submits an order."""
    return lambda context: context.submit_order(symbol, quantity, **terms)


def cancel(order_id: int) -> Doing:
    """Return what cancels an order."""
    return lambda context: context.cancel_order(order_id)


def change(order_id: int, **terms: Any) -> Doing:
    """Return what replaces an order."""
    return lambda context: context.replace_order(order_id, **terms)


def rebalance(**weights: float) -> Doing:
    """Return what brings the account to these weights."""
    return lambda context: context.target_weights(weights)


def note(seen: list[Any], look: Callable[[Context], Any]) -> Doing:
    """Return what writes down how something looks; `play` reads the reference's notes alone."""
    return lambda context: seen.append(look(context))


def play(
    bars: pl.DataFrame | Sequence[Row],
    plan: Plan,
    settings: Settings | None = None,
    *,
    rules: Sequence[Rule] = (),
    gates: Sequence[Gate] = (),
    seen: list[Any] | None = None,
) -> Result:
    """Run a plan over a market, or over the bars of one symbol, A. What is noted in `seen` is the reference's."""
    table = bars if isinstance(bars, pl.DataFrame) else market(A=bars)
    settings = settings or Settings(cash=10_000.0)
    result = load(table, build=()).run(Script(plan, rules, gates), settings)
    noted = list(seen or ())
    for build in (ARRAYS, COMPILED):
        by_arrays = load(table, build=build).run(Script(plan, rules, gates), settings)
        assert result_digest(by_arrays) == result_digest(result), f"the array builds do otherwise: {build[-1]}"
    if seen is not None:
        assert seen == noted * 3, "the array builds show otherwise"
        del seen[len(noted) :]
    return result


def _rows(result: Result, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of a table, after the number of the timestamp."""
    numbers = {time: number for number, time in enumerate(result.equity["timestamp"])}
    rows = getattr(result, table).select("timestamp", *columns).rows()
    return [(numbers[time], *rest) for time, *rest in rows]


def fills(result: Result) -> list[tuple[Any, ...]]:
    """Return (step, quantity, price) of each fill."""
    return _rows(result, "fills", "quantity", "price")


def rejected(result: Result) -> list[tuple[Any, ...]]:
    """Return (step, order, reason) of each rejection."""
    return _rows(result, "rejections", "order_id", "reason")


def cancelled(result: Result) -> list[tuple[Any, ...]]:
    """Return (step, order, quantity, reason) of each cancellation."""
    return _rows(result, "cancellations", "order_id", "quantity", "reason")


def trades(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """Return (step, columns) of each trade: quantity, exit price and reason, if none are named."""
    return _rows(result, "trades", *(columns or ("quantity", "exit_price", "reason")))


def last(result: Result) -> dict[str, Any]:
    """Return the last row of equity."""
    return result.equity.row(-1, named=True)
