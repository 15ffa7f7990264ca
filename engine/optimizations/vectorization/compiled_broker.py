"""Keep the account of a plain strategy in arrays, and take it through a timestamp in one compiled call.

How: What is held and queued stands in arrays by symbol number. What the strategy orders is put on a list; at the end of
its turn one compiled call queues all of it, closes the timestamp, and opens the next one: fills, position rules, water
marks and equity. A position becomes an object when it is asked for, and the records become tables in the end. What
these kernels do not know (orders with a price, day orders, brackets, rules of a position's own, cancelling) makes the
broker go on as the reference, from that very order on, with all that has happened.

Exact: The kernels do the reference's additions and products in its order; they are those of the compiled account. The
next timestamp is opened before the loop comes to it: nothing looks at the account in between. Numbers of lots are added
up beforehand, and where they could grow beyond what is counted exactly the reference goes on.

Risk: The meaning of the broker stands a second time in the compiled account. A strategy whose first order is one of
those that are not known pays for compiled code and gains nothing. After orders for 2**49 lots in all, added up as they
come, the reference goes on: with lots of 1e-8 that is 5 million shares. It shows little while the bars of a timestamp
are objects; that is why it stands on time_slices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from numbers import Real
from typing import Any, cast

import numpy as np
import polars as pl

from engine.arrays import arrays_of
from engine.catalog import optimization
from engine.compiled_account.log import OUTSIDE_GATES, STEP
from engine.compiled_account.records import order_of, position_of, records_of
from engine.compiled_account.running import TAKEN, Running, can_run
from engine.compiled_account.state import BARS, BORROWED, FEES, FILLED, FILLED_STEP, HIGHEST, LOWEST, MARK
from engine.model import Bars, FeatureTable, Floats, Order, PassTable, Position, Result, Settings
from engine.pipeline import Brokerage, BrokerComponent, Feed, Records, Rules
from engine.reference.broker import Broker
from engine.reference.orders import MARKET, Working
from engine.rules import Rule
from engine.strategy import OUTSIDE_ITS_GATES, Shares, Whole, orders_of


class ArrayRecords(Records):
    """What an account in arrays has recorded: tables, without an object a row."""

    def __init__(self, running: Running) -> None:
        super().__init__()
        self._running = running

    def result(self, bars: pl.DataFrame, features: FeatureTable, passes: PassTable, settings: Settings) -> Result:
        """Return the records as tables."""
        tables = self._running.tables()
        return Result(
            orders=tables.orders(),
            rejections=tables.rejections(),
            cancellations=tables.cancellations(),
            fills=tables.fills(),
            trades=tables.trades(),
            equity=tables.equity(),
            bars=bars,
            feature_table=features,
            pass_table=passes,
            lot=settings.lot,
        )


class CompiledBroker(Broker):
    """The broker, with its account in arrays for as long as it can be; then it is the reference's, in all it has.

    `_positions` are those that have been asked for; `_stale` names the symbols of which something has filled since.
    """

    def __init__(self, feed: Feed, settings: Settings, rules: Rules, declared: Sequence[Rule]) -> None:
        super().__init__(feed, settings, rules)
        self._arrays = arrays_of(feed)
        self._declared = declared
        self._lot_is_one = settings.lot == 1.0
        self._in_arrays = True
        self._stale: set[str] = set()
        self._seen_fills = 0
        self._running: Running

    # The steps of a timestamp.

    def _update_time(self, bars: Bars) -> None:
        """Move to the next timestamp, which is open already, but for the first."""
        if not self._in_arrays:
            super()._update_time(bars)
            return
        if self._step < 0:
            self._running = Running(self._arrays, self.settings, self._declared)
            self.records = ArrayRecords(self._running)
            self._running.advance()
        self._bars = bars
        self._step += 1
        self.cash = self._running.cash

    def fill_queued_orders(self) -> None:
        """Step 1 of a timestamp."""
        if not self._in_arrays:
            super().fill_queued_orders()

    def evaluate_position_rules(self) -> None:
        """Step 2 of a timestamp."""
        if not self._in_arrays:
            super().evaluate_position_rules()

    def fill_resting_orders(self) -> None:
        """Step 3 of a timestamp."""
        if not self._in_arrays:
            super().fill_resting_orders()

    def move_water_marks(self) -> None:
        """Step 5 of a timestamp."""
        if not self._in_arrays:
            super().move_water_marks()

    def fill_at_close(self) -> None:
        """Step 6 of a timestamp."""
        if not self._in_arrays:
            super().fill_at_close()

    def mark_to_market(self) -> None:
        """Step 7 of a timestamp; in arrays all from step 5 on, and up to step 2 of the next one."""
        if self._in_arrays:
            self.ruined = not self._running.advance()
        else:
            super().mark_to_market()

    def stand_still(self, timestamp: date) -> None:
        """All that a ruined account does at a timestamp; in arrays it is done when it is ruined."""
        if not self._in_arrays:
            super().stand_still(timestamp)

    # What the strategy may see.

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, or None."""
        if self._seen_fills != self._running.fills:
            self._note_fills()
        if symbol in self._stale:
            self._renew(symbol)
        return self._positions.get(symbol)

    def renewed_positions(self) -> Callable[[str], Position | None]:
        """Bring all positions up to date, for this step; return what looks them up."""
        self._note_fills()
        for symbol in sorted(self._stale):
            self._renew(symbol)
        return self._positions.get

    def _note_fills(self) -> None:
        """Note which symbols something has filled of since this was last asked."""
        symbols = self._arrays.symbols
        self._stale.update([symbols[number] for number in self._running.symbols_of_fills(self._seen_fills)])
        self._seen_fills = self._running.fills

    def _renew(self, symbol: str) -> None:
        self._stale.remove(symbol)
        position = position_of(self._running.state, self._arrays, self._arrays.index[symbol])
        if position is None:
            self._positions.pop(symbol, None)
        else:
            self._positions[symbol] = position

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        if not self._in_arrays:
            return super().held()
        symbols = self._arrays.symbols
        return [symbols[number] for number in self._running.held()]

    def quantities(self) -> Floats | None:
        """Return the shares held of all symbols, by number, as a new array; None where they are not in arrays."""
        return self._running.quantities() if self._in_arrays else None

    def _value(self) -> float:
        return self._running.value() if self._in_arrays else super()._value()

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that are not done, with what is left of their quantity, in order of submission."""
        if not self._in_arrays:
            return super().open_orders(symbol)
        waiting = [(order_of(self._running, order), lots) for order, lots in self._running.queue()]
        return [
            order if order.quantity == (left := self._lots.value(lots)) else replace(order, quantity=left)
            for order, lots in waiting
            if symbol is None or order.symbol == symbol
        ]

    # What the strategy may do.

    def submit_order(self, symbol: str, quantity: float, reason: str = "signal", **terms: Any) -> Order:
        """Submit an order, as the reference's; one with terms makes the broker go on as that."""
        if self._in_arrays:
            if not terms and (order := self._ordered(symbol, quantity, reason)) is not None:
                return order
            self._hand_over()
        return super().submit_order(symbol, quantity, reason, **terms)

    def submit_many(self, numbers: Whole, quantities: Shares, reason: str) -> range | None:
        """Submit market orders one after another; None, and nothing is done, where one of them asks for more."""
        if not self._in_arrays or type(reason) is not str:
            return None
        whole, shares = orders_of(numbers, quantities, len(self._arrays.symbols))
        if not whole:
            return range(0)
        if not all(shares) or not math.isfinite(max(map(abs, shares))) or not all(one == one for one in shares):
            return None
        first = self._running.order_all(whole, shares, reason)
        return range(first, first + len(whole)) if first else None

    def refuse_order(self, why: str, symbol: str, quantity: float, reason: str = "signal", **terms: Any) -> Order:
        """Record an order that is rejected at once; takes what `submit_order` does, and raises as it does."""
        if self._in_arrays:
            if not terms and why == OUTSIDE_ITS_GATES:
                order = self._ordered(symbol, quantity, reason, OUTSIDE_GATES)
                if order is not None:
                    return order
            self._hand_over()
        return super().refuse_order(why, symbol, quantity, reason, **terms)

    def _ordered(self, symbol: str, quantity: Any, reason: str, why: int = TAKEN) -> Order | None:
        """Put a market order on the list; None where the reference has to see to it, or to raise."""
        number = self._arrays.index.get(symbol)
        if number is None or type(reason) is not str:
            return None
        if type(quantity) not in (float, int) and not isinstance(quantity, Real):
            return None
        if not math.isfinite(quantity) or quantity == 0:
            return None
        shares = float(quantity)
        order = self._running.order(number, shares, reason, why)
        if not order:
            return None
        if not (self._lot_is_one and shares.is_integer()) and (units := self._lots.toward_zero(shares)):
            shares = self._lots.value(units)
        return Order(order, self._bars.timestamp, symbol, shares, reason=reason)

    def cancel_order(self, order_id: int) -> bool:
        """Take back what is left of an order; return whether there was anything left."""
        self._hand_over()
        return super().cancel_order(order_id)

    def replace_order(self, order_id: int, **changes: Any) -> Order | None:
        """Cancel what is left of an order and submit it anew, changed in what is given; None where nothing is left."""
        self._hand_over()
        return super().replace_order(order_id, **changes)

    # Going on as the reference.

    def _hand_over(self) -> None:
        """Become the reference's broker, in the middle of a step: while the strategy is called."""
        if not self._in_arrays:
            return
        running, symbols = self._running, self._arrays.symbols
        waiting = list(running.queue())
        self.renewed_positions()
        self.records = records_of(running)
        self._next_look = self._step + 1
        for order_id, units in waiting:
            order = self.records.orders[order_id - 1]
            since = running.log.order.item(STEP, order_id - 1) + 1
            working = Working(order, MARKET, units, since, self._bars.last_close(order.symbol))
            self._queue.append(working)
            self._working.setdefault(order.symbol, {})[order_id] = working
        state = running.state
        self._borrowed, self._borrow_fees = state.cash.item(BORROWED), state.cash.item(FEES)
        for number in running.held():
            self._watch(symbols[number], state.position[number].tolist(), state.numbers.item(number, BARS))
        traded = np.flatnonzero(state.numbers[:, FILLED_STEP] == self._step)
        self._traded = {symbols[number]: state.numbers.item(number, FILLED) for number in traded.tolist()}
        self._in_arrays = False

    def _watch(self, symbol: str, values: Sequence[float], bars: int) -> None:
        """Let the rules watch a position with the water marks that it has."""
        position = self._positions[symbol]
        self._marks[symbol] = values[MARK]
        for price in (values[LOWEST], values[HIGHEST], position.entry_price):  # marks only ever move apart
            self.rules.watch(symbol, price, long=position.quantity > 0.0, rules=None, bars=bars)


@optimization(
    component="broker",
    requires=["vectorization/array_feed", "vectorization/time_slices"],
    after=["vectorization/masked_rules", "vectorization/soa_broker"],
    workload="slices",
)
def compiled_broker(inner: BrokerComponent) -> BrokerComponent:
    """Keep accounts in arrays; those with rules of other kinds are left to the inner broker."""

    def make(feed: Feed, settings: Settings, rules: Rules) -> Brokerage:
        declared = getattr(rules, "_rules", None)  # as the reference's rules keep them, and those that replace them
        if type(declared) is tuple and can_run(arrays_of(feed), settings, declared):
            return cast(Brokerage, CompiledBroker(feed, settings, rules, declared))
        return inner(feed, settings, rules)

    return make
