"""Keep positions as arrays, and build a Position only when asked for.

How: Quantities, entry prices and commissions stand in arrays by symbol number (struct of arrays). Marking to
market is one product over what is held, on the matrix row of the closes; a strategy that asks for a position gets
one built on the spot.

Exact: The values of what is held are added one after another in symbol order: `numpy.add.accumulate` is
sequential, where `numpy.sum` would add in pairs. The arithmetic of a fill is that of the reference, in the same
order, on Python floats.

Risk: A strategy that asks for every position on every bar pays for building it each time; that is why it stands
on awaited_bars, which asks for few. Below about ten held positions marking is no faster than the plain loop.
"""

from __future__ import annotations

from bisect import insort
from datetime import date

import numpy as np

from engine.arrays import Floats, Ints, arrays_of, row_of
from engine.catalog import optimization
from engine.model import Order, Position, Settings
from engine.pipeline import BrokerComponent, Feed, Rules
from engine.reference.broker import Broker


class SoaBroker(Broker):
    """The broker with its positions in arrays by symbol number."""

    def __init__(self, feed: Feed, settings: Settings, rules: Rules) -> None:
        super().__init__(feed, settings, rules)
        arrays = arrays_of(feed)
        count = len(arrays.symbols)
        self._index = arrays.index
        self._symbol_names = arrays.symbols
        self._close_matrix = arrays.matrices["close"]
        self._quantities = [0] * count
        self._entry_prices = [0.0] * count
        self._entry_commissions = [0.0] * count
        self._entry_times: list[date | None] = [None] * count
        self._held: list[int] = []
        self._held_arrays: tuple[Ints, Floats] | None = None

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, built now, or None."""
        number = self._index.get(symbol)
        if number is None or not (quantity := self._quantities[number]):
            return None
        entry_time = self._entry_times[number]
        assert entry_time is not None  # noqa: S101 - set by the buy that made the quantity
        return Position(symbol, quantity, self._entry_prices[number], entry_time, self._entry_commissions[number])

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        return [self._symbol_names[number] for number in self._held]

    def evaluate_position_rules(self) -> None:
        """Leave the positions whose rules fire on this bar, in symbol order."""
        for leaves in self.rules.exits(self._opens, self._highs, self._lows):
            quantity = self._quantities[self._index[leaves.symbol]]
            self._execute(self._record_order(leaves.symbol, -quantity, leaves.reason), leaves.price)

    def mark_to_market(self) -> None:
        """Record the equity: cash plus the value of what is held, added in symbol order at the last closes."""
        value = 0.0
        if self._held:
            held, quantities = self._arrays_of_held()
            value = np.add.accumulate(quantities * row_of(self._closes)[held]).item(-1)
            if value != value:  # NaN: something held has no bar here
                value = np.add.accumulate(quantities * self._last_closes(held)).item(-1)
        self._record_equity(value, len(self._held))

    def _arrays_of_held(self) -> tuple[Ints, Floats]:
        if self._held_arrays is None:
            quantities = [float(self._quantities[number]) for number in self._held]
            self._held_arrays = np.array(self._held), np.array(quantities)
        return self._held_arrays

    def _last_closes(self, held: Ints) -> Floats:
        """Return the latest close of each, going back where the present bar is missing."""
        step = len(self.records.equity)  # one row was recorded for each step before this one
        closes: Floats = self._close_matrix[step, held]
        while len(missing := np.flatnonzero(closes != closes)):
            step -= 1
            closes[missing] = self._close_matrix[step, held[missing]]
        return closes

    def _buy(self, order: Order, price: float) -> None:
        notional = price * order.quantity
        commission = notional * self.settings.commission
        cost = notional + commission
        if cost > self.cash:
            self._reject(order, "not enough cash")
            return
        self.cash -= cost
        self._record_fill(order, price, commission)
        number = self._index[order.symbol]
        if before := self._quantities[number]:
            quantity = before + order.quantity
            price = (self._entry_prices[number] * before + notional) / quantity
            commission = self._entry_commissions[number] + commission
        else:
            quantity = order.quantity
            self._entry_times[number] = self._timestamp
            insort(self._held, number)
        self._quantities[number] = quantity
        self._entry_prices[number] = price
        self._entry_commissions[number] = commission
        self._held_arrays = None
        self.rules.watch(order.symbol, price)

    def _sell(self, order: Order, price: float) -> None:
        entry = self.get_position(order.symbol)
        quantity = -order.quantity
        if entry is None or quantity > entry.quantity:
            self._reject(order, "more than is held")
            return
        notional = price * quantity
        commission = notional * self.settings.commission
        self.cash += notional - commission
        self._record_fill(order, price, commission)
        number = self._index[order.symbol]
        self._quantities[number] = entry.quantity - quantity
        if quantity == entry.quantity:
            entry_commission = entry.entry_commission
            self._held.remove(number)
            self.rules.forget(order.symbol)
        else:
            entry_commission = entry.entry_commission * (quantity / entry.quantity)
            self._entry_commissions[number] = entry.entry_commission - entry_commission
        self._held_arrays = None
        self._record_trade(order, entry, price, entry_commission + commission)


@optimization(
    component="broker",
    requires=["vectorization/array_feed", "vectorization/awaited_bars", "vectorization/masked_rules"],
)
def soa_broker(inner: BrokerComponent) -> BrokerComponent:  # noqa: ARG001 - it takes its place
    """Replace the broker of dictionaries."""
    return SoaBroker
