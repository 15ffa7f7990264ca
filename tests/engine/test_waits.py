"""What a plain strategy waits for: it is called there and nowhere else, under every build."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine import (
    SMA,
    Above,
    Bar,
    Bars,
    Context,
    CrossesAbove,
    DataColumn,
    Held,
    InputError,
    MinPrice,
    Strategy,
    generate_market,
    load,
)
from engine.catalog import build_of
from engine.digest import result_digest
from engine.ladder.slices import SLICED
from engine.scenarios import SCENARIOS
from tests.engine.scripted import COMPILED, flat, market, order

pytestmark = pytest.mark.many_runs

BUILDS = {"reference": (), "awaited": build_of("vectorization/awaited_calls"), "compiled": COMPILED}
UP_AND_DOWN = [flat(price) for price in (12.0, 10.0, 11.0, 12.0, 11.0, 10.0, 11.0)]


class Calls(list[Any]):
    """Takes down calls; a run's copy of the strategy writes here too."""

    def __deepcopy__(self, memo: object) -> Calls:
        return self


class Waiting(Strategy):
    """Takes down the bars that it is called on, and buys on the second timestamp."""

    features = (SMA(1), SMA(2))

    def __init__(self, waits: Any, calls: Calls, gates: Any = ()) -> None:
        self.waits, self.calls, self.gates = waits, calls, gates

    def on_bar(self, context: Context, bar: Bar) -> None:
        self.calls.append((bar.close, bar.symbol, context.feature("sma_1", bar.symbol, 1)))
        if bar.close == 11.0 and context.get_position(bar.symbol) is None:
            order(1.0, bar.symbol)(context)


def calls(waits: Any, table: Any = None, gates: Any = ()) -> list[tuple[float, str, float]]:
    """Return what a strategy was called on: close, symbol, close before; the same under every build."""
    table = market(A=UP_AND_DOWN) if table is None else table
    found = []
    for build in BUILDS.values():
        seen = Calls()
        load(table, build=build).run(Waiting(waits, seen, gates))
        found.append(seen)
    assert [repr(one) for one in found] == [repr(found[0])] * len(BUILDS)
    return found[0]


def test_a_strategy_is_called_where_one_of_its_conditions_holds() -> None:
    assert [close for close, *_ in calls((CrossesAbove(SMA(1), SMA(2)),))] == [11.0, 11.0]
    assert [close for close, *_ in calls((Above(SMA(1), SMA(2)),))] == [11.0, 12.0, 11.0]
    assert [close for close, *_ in calls((Above(SMA(1), 11.5), Above(10.5, SMA(1))))] == [12.0, 10.0, 12.0, 10.0]


def test_it_is_called_on_what_it_holds_where_it_waits_for_that() -> None:
    crosses = CrossesAbove(SMA(1), SMA(2))
    assert [close for close, *_ in calls((Held(), crosses))] == [11.0, 12.0, 11.0, 10.0, 11.0]
    assert calls((Held(),)) == calls(()) == []


def test_without_waits_it_is_called_on_every_bar() -> None:
    assert len(calls(None)) == 7


def test_gates_hold_back_what_is_not_held() -> None:
    waits = CrossesAbove(SMA(1), SMA(2)), Held()
    assert calls(waits, gates=(MinPrice(10.9),)) == calls(waits)  # on the bar at 10 it is held
    assert calls(waits, gates=(MinPrice(11.5),)) == []


def test_a_column_of_the_data_can_be_waited_for() -> None:
    class OnSignal(Waiting):
        features = (SMA(1), DataColumn("signal"))

    table = market(A=UP_AND_DOWN).with_columns(signal=pl.Series([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]))
    for build in BUILDS.values():
        seen = Calls()
        load(table, build=build).run(OnSignal((Above(DataColumn("signal"), 0.0),), seen))
        assert [close for close, *_ in seen] == [12.0, 11.0]


class Own(Strategy):
    """Takes all bars at once."""

    waits = (Held(),)

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Let them pass."""


class Undeclared(Strategy):
    """Waits for what it does not declare."""

    waits = (Above(SMA(3), 1.0),)


class NotATuple(Strategy):
    """Waits for a list."""

    waits = [Held()]  # type: ignore[assignment]  # noqa: RUF012 - that is what is wrong with it


@pytest.mark.parametrize(
    ("strategy", "says"), [(Own(), "an on_bars of its own"), (Undeclared(), "sma_3"), (NotATuple(), "A tuple of")]
)
@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_waits_that_make_no_sense_are_refused(build: tuple[str, ...], strategy: Strategy, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(generate_market(symbols=2, bars=5), build=build).run(strategy)


class Never(Above):
    """A condition with a meaning of its own."""

    def holds(self, context: Any, symbol: str) -> bool:  # noqa: ARG002
        return symbol == "A"


def test_a_condition_with_a_meaning_of_its_own_keeps_it() -> None:
    found = calls((Never(SMA(1), SMA(2)),), market(A=UP_AND_DOWN, B=UP_AND_DOWN))
    assert {symbol for _, symbol, _ in found} == {"A"}
    assert len(found) == 7


def test_the_three_styles_of_the_cross_do_the_same() -> None:
    loaded = load(generate_market(symbols=12, bars=400, late=0.3), build=())
    names = ("sma_cross", "waits_cross", "slices_cross")
    digests = {result_digest(loaded.run(SCENARIOS[name].make(), SCENARIOS[name].settings)) for name in names}
    assert len(digests) == 1
    assert {one.name for one in SLICED} >= set(names[1:])
