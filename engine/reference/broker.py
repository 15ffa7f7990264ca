"""The broker: takes orders, fills them as the bars allow, and watches positions by their rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from numbers import Real
from typing import Any

from engine.errors import InputError
from engine.grid import Grid
from engine.model import Bar, Bars, Cancellation, Order, Rejection, Settings
from engine.pipeline import Feed, Rules
from engine.reference.costs import Costs
from engine.reference.holdings import Execution, Holdings
from engine.reference.orders import MARKET, Terms, Working, terms_of
from engine.rules import Rule


class Broker(Holdings):
    """One account, with its orders."""

    def __init__(self, feed: Feed, settings: Settings, rules: Rules) -> None:
        super().__init__(settings, rules)
        self._symbols = frozenset(feed.symbols)
        self._costs = Costs(settings)
        self._ticks = settings.ticks
        self._step = -1
        self._next_look = 0  # the step from which an order that is submitted now looks at bars
        self._queue: list[Working] = []  # market orders
        self._resting: list[Working] = []  # all others
        self._working: dict[str, dict[int, Working]] = {}  # both, by symbol and number: what is not done
        self._days: list[Working] = []  # those of both that are day orders
        self._traded: dict[str, int] = {}  # lots on this bar
        self._has_volume_limit = settings.volume_limit < math.inf or settings.volume_impact > 0.0

    # What the strategy may do.

    def submit_order(
        self,
        symbol: str,
        quantity: float,
        reason: str = "signal",
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        day: bool = False,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        rules: Sequence[Rule] | None = None,
    ) -> Order:
        """Submit an order for the symbol's next bars: above 0 buys, below 0 sells, cut to whole lots.

        Without a price it is a market order. `limit`, `stop` and both make a limit, stop and stop-limit order; `trail`
        makes a trailing stop, a fraction below the highest high (above the lowest low, where it buys) since now. A
        `day` order ends with the first day that the symbol trades. `take_profit` and `stop_loss` are the prices of a
        bracket: two orders that follow the fill, and of which one cancels the other. `rules` are the position rules
        of the position that the order opens, in place of the strategy's.

        Raises:
            InputError: where the symbol is not in the data, the quantity is 0 or not finite, or a price makes no sense.
        """
        terms = terms_of(
            limit=limit, stop=stop, trail=trail, day=day, take_profit=take_profit, stop_loss=stop_loss, rules=rules
        )
        working = self._checked(symbol, quantity, reason, terms)
        self._take(working)
        return working.order

    def refuse_order(self, why: str, symbol: str, quantity: float, reason: str = "signal", **terms: Any) -> Order:
        """Record an order that is rejected at once; takes what `submit_order` does, and raises as it does."""
        working = self._checked(symbol, quantity, reason, terms_of(**terms))
        self._reject(working, why)
        return working.order

    def cancel_order(self, order_id: int) -> bool:
        """Take back what is left of an order; return whether there was anything left."""
        working = self._open(order_id)
        if working is not None:
            self._cancel(working, "cancelled")
        return working is not None

    def replace_order(
        self,
        order_id: int,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
    ) -> Order | None:
        """Cancel what is left of an order and submit it anew, changed in what is given; None where nothing is left.

        One that would be for less than a lot is rejected, and leaves the old one as it is.

        Raises:
            InputError: where the new order would be on the other side, or a price makes no sense.
        """
        old = self._open(order_id)
        if old is None:
            return None
        terms = old.terms.changed(limit, stop, trail)
        left = self._lots.value(old.units) if quantity is None else quantity
        if left * old.units < 0:
            raise InputError(
                f"order {order_id} replaced by one on the other side", hint="Cancel it, and submit another"
            )
        new = self._checked(old.order.symbol, left, old.order.reason, terms, parent=old.order.parent)
        if new.units:
            new.follow(old)
            self._cancel(old, "replaced")
        self._take(new)
        return new.order

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that are not done, with what is left of their quantity, in order of submission."""
        symbols = self._working if symbol is None else [symbol]
        orders = [self._left(working) for one in symbols for working in self._working.get(one, {}).values()]
        return sorted(orders, key=lambda order: order.order_id)

    # The steps of a timestamp.

    def _update_time(self, bars: Bars) -> None:
        """Move to the next timestamp: its bars become the present ones."""
        if self._borrowed:
            self._pay_borrow_fee(bars.timestamp)
        self._bars = bars
        self._step += 1
        self._next_look = self._step
        self._traded.clear()
        if isinstance(bars.timestamp, datetime):
            self._expire(lambda last: last < _day_of(bars.timestamp))

    def fill_queued_orders(self) -> None:
        """Fill what was queued earlier at this bar's open, in order of submission; no bar, no fill."""
        if self.settings.fill_at == "next_open":
            self._fill_queue(lambda bar: bar.open)

    def evaluate_position_rules(self) -> None:
        """Leave the positions whose rules fire on this bar, in symbol order."""
        for leaves in self.rules.exits(self._bars):
            bar, position = self._bars.get(leaves.symbol), self.get_position(leaves.symbol)
            assert bar is not None  # noqa: S101 - rules look at bars of what is held
            assert position is not None  # noqa: S101
            working = self._new(leaves.symbol, -position.quantity, leaves.reason, MARKET)
            self._execute(working, bar, leaves.price)
            if working.units:
                self._cancel(working, "the bar's volume is used up")  # the rules look again at the next bar

    def fill_resting_orders(self) -> None:
        """Fill what this bar reaches: at the open, then stops, then limits; within each in order of submission."""
        self._next_look = self._step + 1
        if self._resting:
            ticks = self._ticks
            looking = [working for working in self._resting if working.since <= self._step]
            self._fill_where(looking, lambda working, bar: working.at_open(bar, ticks))
            limits = [working for working in looking if working.is_limit()]
            self._fill_where(looking, lambda working, bar: working.at_stop(bar, ticks))
            self._fill_where(limits, lambda working, bar: working.at_limit(bar))
            self._resting = [working for working in self._resting if working.units]
        self._end_day(at_close=False)

    def move_water_marks(self) -> None:
        """Let the rules and the trailing stops see this bar."""
        self.rules.move_water_marks(self._bars)
        for working in self._resting:
            if working.order.kind == "trailing_stop" and working.since <= self._step:
                bar = self._bars.get(working.order.symbol)
                if bar is not None:
                    working.move_mark(bar)

    def fill_at_close(self) -> None:
        """Fill market orders at this close, where the account does that."""
        if self.settings.fill_at != "next_open":
            self._bar_is_complete = True
            self._fill_queue(lambda bar: bar.close)
            self._bar_is_complete = False
            self._end_day(at_close=True)

    # Orders: made, filled, ended.

    def _checked(self, symbol: str, quantity: Any, reason: str, terms: Terms, parent: int = 0) -> Working:
        if symbol not in self._symbols:
            raise InputError(f"an order for {symbol!r}, which is not in the data")
        if not isinstance(quantity, Real) or not math.isfinite(quantity) or quantity == 0:
            raise InputError(f"an order for {quantity!r} shares of {symbol}", hint="A finite number, and not 0")
        return self._new(symbol, float(quantity), reason, terms, parent)

    def _new(self, symbol: str, quantity: float, reason: str, terms: Terms, parent: int = 0) -> Working:
        """Record an order; what is not a whole number of lots is cut off."""
        units = self._lots.toward_zero(quantity)
        order = Order(
            len(self.records.orders) + 1,
            self._bars.timestamp,
            symbol,
            self._lots.value(units) if units else float(quantity),
            terms.kind,
            on_tick(terms.limit, self._ticks, "below" if quantity > 0 else "above"),
            on_tick(terms.stop, self._ticks, "nearest"),
            terms.trail,
            terms.day,
            parent,
            reason,
        )
        self.records.orders.append(order)
        return Working(order, terms, units, self._next_look, self._bars.last_close(symbol))

    def _take(self, working: Working) -> None:
        if not working.units:
            self._reject(working, "less than a lot")
            return
        (self._queue if working.order.kind == "market" else self._resting).append(working)
        self._working.setdefault(working.order.symbol, {})[working.order.order_id] = working
        if working.order.day:
            self._days.append(working)

    def _open(self, order_id: int) -> Working | None:
        if not 1 <= order_id <= len(self.records.orders):
            return None
        return self._working.get(self.records.orders[order_id - 1].symbol, {}).get(order_id)

    def _left(self, working: Working) -> Order:
        """Return an order with what is left of it: itself where nothing has filled."""
        left = self._lots.value(working.units)
        return working.order if working.order.quantity == left else replace(working.order, quantity=left)

    def _legs(self, symbol: str) -> list[Working]:
        return [working for working in self._working.get(symbol, {}).values() if working.group]

    def _take_off(self, working: Working, units: int) -> None:
        """Take so many lots off an order; where none is left it is done."""
        working.units -= units
        if not working.units:
            self._working.get(working.order.symbol, {}).pop(working.order.order_id, None)

    def _fill_queue(self, price_of: Callable[[Bar], float]) -> None:
        at_once = self.settings.fill_at == "this_close"
        for working in self._queue:
            bar = self._bars.get(working.order.symbol)
            if working.units and bar is not None and (at_once or working.since <= self._step):
                self._execute(working, bar, price_of(bar))
        self._queue = [working for working in self._queue if working.units]

    def _fill_where(self, looking: Sequence[Working], reached: Callable[[Working, Bar], float | None]) -> None:
        for working in looking:
            bar = self._bars.get(working.order.symbol)
            if working.units and bar is not None:
                price = reached(working, bar)
                if price is not None:
                    self._execute(working, bar, price)

    def _execute(self, working: Working, bar: Bar, base_price: float) -> None:
        """Fill as much of an order as the bar's volume and the position allow, or reject it."""
        order, units = working.order, self._fillable(working, bar)
        if not units:
            return
        quantity = self._lots.value(units)
        if math.isnan(order.limit):
            price = self._costs.price(base_price, quantity, bar.volume)
        else:
            price = self._costs.on_tick(base_price, quantity)  # a limit is kept: no slippage
        commission = self._costs.commission(price * abs(quantity), abs(quantity))
        done = Execution(units, quantity, price, commission, abs(price - base_price) * abs(quantity))
        why = self._refusal(order.symbol, done)
        if why is None:
            self._take_off(working, units)
            self._traded[order.symbol] = self._traded.get(order.symbol, 0) + abs(units)
            self._book(order, done)
            self._follow_up(working, done)
        else:
            self._reject(working, why)

    def _fillable(self, working: Working, bar: Bar) -> int:
        """Return how many lots of an order can fill on this bar."""
        symbol, units = working.order.symbol, working.units
        if working.group:
            units = self._closing(symbol, units)
        if self._has_volume_limit:
            allowed = self.settings.volume_limit * bar.volume if bar.volume > 0.0 else 0.0  # infinity times 0 is NaN
            room = abs(units) if allowed == math.inf else self._lots.below(allowed) - self._traded.get(symbol, 0)
            filled = min(abs(units), max(room, 0))
            return filled if units > 0 else -filled
        return units

    def _closing(self, symbol: str, units: int) -> int:
        """Return how many of these lots would only close what is held."""
        position = self._positions.get(symbol)
        held = self._lots.nearest(position.quantity) if position else 0
        return max(min(units, 0), -held) if held > 0 else min(max(units, 0), -held)

    def _follow_up(self, working: Working, done: Execution) -> None:
        """Do what follows from a fill: watch the position, end the orders that it makes void, submit a bracket."""
        symbol = working.order.symbol
        position = self._positions.get(symbol)
        if working.group:
            self._shorten_other_legs(working, done.units)
        if position is None or position.quantity * done.quantity > 0.0:
            self._end_legs(symbol, keep=0 if position is None else done.units)
        if position is not None and position.quantity * done.quantity > 0.0:
            self.rules.watch(
                symbol,
                position.entry_price,
                long=done.units > 0,
                rules=working.terms.rules,
                bars=int(self._bar_is_complete),
            )
            opened = min(abs(done.quantity), abs(position.quantity))  # the rest of it closed another position
            self._submit_legs(working, -math.copysign(opened, done.quantity))

    def _submit_legs(self, parent: Working, quantity: float) -> None:
        """Submit the bracket of an order for what has filled of it."""
        group = len(self.records.orders) + 1
        for name, price in {"take_profit": parent.terms.take_profit, "stop_loss": parent.terms.stop_loss}.items():
            if not math.isnan(price):
                terms = Terms(limit=price) if name == "take_profit" else Terms(stop=price)
                leg = self._new(parent.order.symbol, quantity, name, terms, parent.order.order_id)
                leg.group = group
                self._take(leg)

    def _shorten_other_legs(self, filled: Working, units: int) -> None:
        for leg in self._legs(filled.order.symbol):
            if leg.group == filled.group and leg is not filled:
                self._cancel(leg, "other leg filled", units if filled.units else leg.units)

    def _end_legs(self, symbol: str, keep: int) -> None:
        """Cancel the legs that have nothing to close: all, or those that would add to a position of this sign."""
        for leg in self._legs(symbol):
            if leg.units * keep >= 0:
                self._cancel(leg, "position closed")

    def _end_day(self, *, at_close: bool) -> None:
        """Let day orders see that their symbol has traded; where a bar is a day, they end with it."""
        today = _day_of(self._bars.timestamp)
        fill_at_close = self.settings.fill_at != "next_open"
        for working in self._days:
            looks_now = (fill_at_close and working.order.kind == "market") is at_close
            if looks_now and working.since <= self._step and self._bars.get(working.order.symbol) is not None:
                working.last_day = today
        if not isinstance(self._bars.timestamp, datetime):
            self._expire(lambda last: last == today)

    def _expire(self, is_over: Callable[[date], bool]) -> None:
        for working in self._days:
            if working.units and working.last_day is not None and is_over(working.last_day):
                self._cancel(working, "expired")
        self._days = [working for working in self._days if working.units]

    def _cancel(self, working: Working, why: str, units: int | None = None) -> None:
        """Take back what is left of an order, or so many lots of it."""
        back = working.units if units is None or abs(units) > abs(working.units) else units
        order = working.order
        self.records.cancellations.append(
            Cancellation(order.order_id, self._bars.timestamp, order.symbol, self._lots.value(back), why)
        )
        self._take_off(working, back)

    def _reject(self, working: Working, why: str) -> None:
        """End what is left of an order that can't be filled, or one that is for less than a lot."""
        order = working.order
        left = self._lots.value(working.units) if working.units else order.quantity
        self.records.rejections.append(Rejection(order.order_id, self._bars.timestamp, order.symbol, left, why))
        self._take_off(working, working.units)


def on_tick(price: float, ticks: Grid | None, side: str) -> float:
    """Return a price on the ticks: the one below, above or nearest; NaN stays NaN."""
    if ticks is None or math.isnan(price):
        return price
    return ticks.value({"below": ticks.below, "above": ticks.above, "nearest": ticks.nearest}[side](price))


def _day_of(timestamp: date) -> date:
    return timestamp.date() if isinstance(timestamp, datetime) else timestamp
