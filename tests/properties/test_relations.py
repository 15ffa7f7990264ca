"""Kinds of orders that come to the same: one is a second opinion on the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.fuzzing.accounts import NO_COSTS, accounts
from engine.fuzzing.actions import Submit
from engine.fuzzing.markets import markets
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import FRACTIONS, Choices, Drawn, scripts
from engine.model import Bars, Order, Result
from engine.strategy import Context
from tests.properties.comparing import Outputs, assert_same, run
from tests.properties.examples import examples


@st.composite
def plain_cases(draw: st.DrawFn, *, rules: bool, **choices: tuple[object, ...]) -> Drawn:
    """Draw a market, a script of market orders alone, and an account."""
    market, scale = draw(markets())
    script = draw(scripts(Choices(market, scale, kinds=("market",), others=False)))
    if not rules:
        actions = tuple(replace(one, terms=()) for one in script.actions if isinstance(one, Submit))
        script = replace(script, actions=actions, rules=())
    return market, script, draw(accounts(**choices))


def apart_from_the_kind(result: Result) -> Outputs:
    """Return what happened to the account, without the numbers, kinds and prices of the orders."""
    return {
        name: table.select(pl.exclude("order_id", "kind", "limit", "stop", "trail"))
        for name, table in result.account().items()
    }


def _with(script: Script, name: str, to_buy: float, to_sell: float) -> Script:
    """Return the script with a price for every order."""

    @dataclass
    class Priced(Script):
        def on_bars(self, context: Context, bars: Bars) -> None:
            submit = context.submit_order

            def priced(symbol: str, quantity: float, **terms: Any) -> Order:
                return submit(symbol, quantity, **terms, **{name: to_buy if quantity > 0 else to_sell})

            context.submit_order = priced
            super().on_bars(context, bars)
            context.submit_order = submit

    return Priced(script.actions, rules=script.rules, by_bar=script.by_bar)


@examples(100)
@given(plain_cases(rules=False, fill_at=("next_open",)))
def test_a_stop_that_every_price_has_passed_is_a_market_order(case: Drawn) -> None:
    """Without position rules, which come between the two in the order of events."""
    market, script, settings = case
    expected = run(market, script, settings)
    obtained = run(market, _with(script, "stop", 1e-6, 1e6), settings)
    assert_same(apart_from_the_kind(expected), apart_from_the_kind(obtained))


@examples(100)
@given(plain_cases(rules=False, fill_at=("next_open",), **NO_COSTS, tick=(0.0,)))
def test_without_costs_a_limit_that_every_price_is_within_is_a_market_order(case: Drawn) -> None:
    """Without position rules, too. A commission would be the same, but slippage is not: a limit order has none."""
    market, script, settings = case
    expected = run(market, script, settings)
    obtained = run(market, _with(script, "limit", 1e6, 1e-6), settings)
    assert_same(apart_from_the_kind(expected), apart_from_the_kind(obtained))


@dataclass
class Trailing(Script):
    """A script, and one order that trails: by itself, or since it is moved at each close."""

    symbol: str = ""
    begins: int = 0
    quantity: float = 0.0
    trail: float = 0.0
    by_hand: bool = False
    mark: float = 0.0
    order_id: int = 0

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Submit it at one timestamp; move it at the others."""
        super().on_bars(context, bars)
        bar, sells = context.bars.get(self.symbol), self.quantity < 0.0
        if bar is not None and self.step == self.begins:
            self.mark = bar.close
            terms = {"stop": self._level()} if self.by_hand else {"trail": self.trail}
            self.order_id = context.submit_order(self.symbol, self.quantity, "trailing", **terms).order_id
        elif bar is not None and self.by_hand and self.order_id:
            self.mark = max(self.mark, bar.high) if sells else min(self.mark, bar.low)
            moved = context.replace_order(self.order_id, stop=self._level())
            self.order_id = 0 if moved is None else moved.order_id

    def _level(self) -> float:
        return self.mark * (1.0 - self.trail if self.quantity < 0.0 else 1.0 + self.trail)


@examples(100)
@given(
    plain_cases(rules=True, volume_limit=(float("inf"),), volume_impact=(0.0,)),
    st.integers(0, 20),
    st.sampled_from((-10.0, 10.0, -100.0)),
    st.sampled_from(FRACTIONS),
)
def test_a_trailing_stop_is_a_stop_that_is_moved_at_each_close(
    case: Drawn, begins: int, quantity: float, trail: float
) -> None:
    """Where all of it fills at once: an order that is replaced has not been triggered."""
    market, script, settings = case
    trailing = Trailing(script.actions, rules=script.rules, symbol="A", begins=begins, quantity=quantity, trail=trail)
    results = [run(market, one, settings) for one in (trailing, replace(trailing, by_hand=True))]
    expected, obtained = (
        {
            name: getattr(one, name).select(pl.exclude("order_id"))
            for name in ("rejections", "fills", "trades", "equity")
        }
        for one in results
    )
    assert_same(expected, obtained)
