"""The broker in arrays: it hands over to the reference's in the middle of a run, and nobody can tell."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine import Bars, Context, Settings, StopLoss, Strategy, TakeProfit, TimeExit, TrailingStop, load
from engine.catalog import find
from engine.digest import result_digest
from engine.generate import generate_market
from engine.markets import blemished_market
from engine.optimizations.vectorization.compiled_broker import CompiledBroker
from engine.pipeline import Pipeline
from engine.reference.rules import PositionRules
from engine.rules import Rule
from tests.engine.scripted import COMPILED

pytestmark = pytest.mark.many_runs

RULES: tuple[Rule, ...] = (StopLoss(0.03), TrailingStop(0.05), TakeProfit(0.06), TimeExit(9))
ACCOUNTS = {
    "cash": Settings(50_000.0, 0.001, 0.0005),
    "margin": Settings(50_000.0, 0.001, short=True, leverage=2.0, borrow_rate=0.5),
    "volume": Settings(50_000.0, volume_limit=0.00002, volume_impact=5.0, short=True, lot=0.5, tick=0.05),
    "this close": Settings(50_000.0, 0.001, fill_at="this_close", short=True, volume_limit=0.00002),
    "next close": Settings(50_000.0, 0.001, fill_at="next_close", minimum_notional=500.0),
    "ruin": Settings(50_000.0, 0.01, ruin=48_000.0),
}


class Trader(Strategy):
    """Buys and sells all the time, looks at all there is, and at one timestamp does what the arrays do not know."""

    def __init__(self, odd: int, what: str, rules: tuple[Rule, ...] = RULES) -> None:
        self.odd, self.what, self.rules = odd, what, rules
        self.step = -1
        self.seen: Any = Seen()

    def on_bars(self, context: Context, bars: Bars) -> None:
        self.step += 1
        here = [bar.symbol for bar in bars]
        for number, symbol in enumerate(here):
            if (self.step * 7 + number * 3) % 11 == 0:
                context.submit_order(symbol, (self.step % 5 - 1.5) * 10.0, "buy" if self.step % 5 > 1 else "sell")
            if (self.step + number) % 13 == 0 and (position := context.get_position(symbol)) is not None:
                context.submit_order(symbol, -position.quantity / 2.0, "half")
        if self.step == self.odd:
            self._do(context, here[0])
        held = [context.get_position(symbol) for symbol in context.held()]
        self.seen.append(repr((context.cash, context.equity, held, context.open_orders(), context.quantities())))

    def _do(self, context: Context, symbol: str) -> None:
        close = context.close(symbol)
        match self.what:
            case "limit":
                context.submit_order(symbol, 20.0, limit=close * 0.99, take_profit=close * 1.05, stop_loss=close * 0.9)
            case "cancel":
                for order in context.open_orders()[::2]:
                    assert context.cancel_order(order.order_id)
            case "replace":
                for order in context.open_orders()[:2]:
                    context.replace_order(order.order_id, quantity=order.quantity * 2.0)
            case "day":
                context.submit_order(symbol, 5.0, day=True)
            case "rules":
                context.submit_order(symbol, 25.0, rules=(StopLoss(0.01),))
            case "huge":
                context.submit_order(symbol, 1e17)
            case "trail":
                context.submit_order(symbol, -5.0, trail=0.02)
            case "weights":
                context.target_weights({symbol: 0.3})


class Seen(list[str]):
    """What was seen; a run's copy of the strategy writes here too."""

    def __deepcopy__(self, memo: object) -> Seen:
        return self


TABLE = blemished_market()
DOINGS = ("limit", "cancel", "replace", "day", "rules", "huge", "trail", "weights", "nothing")


@pytest.mark.parametrize("settings", ACCOUNTS.values(), ids=ACCOUNTS)
@pytest.mark.parametrize("what", DOINGS)
def test_it_hands_over_at_any_timestamp_without_a_trace(what: str, settings: Settings) -> None:
    reference, compiled = load(TABLE, build=()), load(TABLE, build=COMPILED)
    for odd in (0, 23):
        trader = Trader(odd, what)
        other = copy.copy(trader)
        other.seen = Seen()
        assert result_digest(reference.run(trader, settings)) == result_digest(compiled.run(other, settings)), odd
        assert trader.seen == other.seen, odd


def brokers_of(build: tuple[str, ...], strategy: Strategy, settings: Settings | None = None) -> list[Any]:
    """Return the brokers of a run."""
    market, made = load(TABLE, build=build), []

    def make(*arguments: Any) -> Any:
        made.append(market.pipeline.broker(*arguments))
        return made[-1]

    from dataclasses import replace

    pipeline: Pipeline = replace(market.pipeline, broker=make)
    pipeline.run(market.feed, strategy, settings or ACCOUNTS["cash"])
    return made


def test_it_stays_in_arrays_for_market_orders_and_leaves_them_for_others() -> None:
    (whole,) = brokers_of(COMPILED, Trader(10, "weights"))
    assert isinstance(whole, CompiledBroker)
    assert whole._in_arrays
    (odd,) = brokers_of(COMPILED, Trader(10, "limit"))
    assert isinstance(odd, CompiledBroker)
    assert not odd._in_arrays


class Tight(StopLoss):
    """A rule with a level of its own."""

    def level(self, state: Any) -> float:
        return state.entry_price * 0.999


def test_a_rule_with_a_level_of_its_own_is_left_to_the_reference() -> None:
    (broker,) = brokers_of(COMPILED, Trader(10, "nothing", (Tight(0.5),)))
    assert not isinstance(broker, CompiledBroker)
    digests = [load(TABLE, build=build).run(Trader(10, "limit", (Tight(0.5),))) for build in ((), COMPILED)]
    assert result_digest(digests[0]) == result_digest(digests[1])


def test_a_tick_finer_than_prices_can_be_counted_in_is_left_to_the_reference() -> None:
    (broker,) = brokers_of(COMPILED, Trader(10, "nothing"), Settings(tick=1e-11))
    assert isinstance(broker, CompiledBroker)
    table = generate_market(symbols=2, bars=30)
    dear = table.with_columns(table.select("open", "high", "low", "close") * 1e6)
    made = find("vectorization/compiled_broker").apply(lambda *_: "inner")
    feed = load(dear, build=COMPILED).feed
    assert made(feed, Settings(tick=1e-11), PositionRules(feed, ())) == "inner"
    assert made(feed, Settings(), PositionRules(feed, ())) != "inner"
