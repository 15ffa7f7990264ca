"""The broker: one cash account, long only, market orders at the next open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from engine.errors import InputError
from engine.model import Equity, Fill, Order, Position, Rejection, Settings, Trade
from engine.pipeline import Feed, Records, Rules


class Broker:
    """Keeps cash, positions and the queue of orders, and records all that happens to them."""

    def __init__(self, feed: Feed, settings: Settings, rules: Rules) -> None:
        self.settings = settings
        self.rules = rules
        self.cash = settings.cash
        self.records = Records()
        self._symbols = frozenset(feed.symbols)
        self._queue: list[Order] = []
        self._positions: dict[str, Position] = {}
        self._marks: dict[str, float] = {}
        self.ruined = False

    def _update_time(
        self,
        timestamp: date,
        opens: Mapping[str, float],
        highs: Mapping[str, float],
        lows: Mapping[str, float],
        closes: Mapping[str, float],
    ) -> None:
        """Move to the next timestamp: its bars become the present ones."""
        self._timestamp = timestamp
        self._opens = opens
        self._highs = highs
        self._lows = lows
        self._closes = closes

    def submit_order(self, symbol: str, quantity: int, reason: str = "signal") -> Order:
        """Queue a market order for the symbol's next open: above 0 buys, below 0 sells, in whole shares.

        Raises:
            InputError: where the symbol is not in the data or the quantity is not a whole number other than 0.
        """
        order = self._checked_order(symbol, quantity, reason)
        self._queue.append(order)
        return order

    def refuse_order(self, symbol: str, quantity: int, reason: str, why: str) -> Order:
        """Record an order that is rejected at once; raises as `submit_order` does."""
        order = self._checked_order(symbol, quantity, reason)
        self._reject(order, why)
        return order

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, or None."""
        return self._positions.get(symbol)

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        return sorted(self._positions)

    def fill_queued_orders(self) -> None:
        """Fill what was queued earlier at this bar's open, in order of submission; no bar, no fill."""
        waiting = []
        for order in self._queue:
            if order.symbol in self._opens:
                self._execute(order, self._opens[order.symbol])
            else:
                waiting.append(order)
        self._queue = waiting

    def evaluate_position_rules(self) -> None:
        """Leave the positions whose rules fire on this bar, in symbol order."""
        for leaves in self.rules.exits(self._opens, self._highs, self._lows):
            order = self._record_order(leaves.symbol, -self._positions[leaves.symbol].quantity, leaves.reason)
            self._execute(order, leaves.price)

    def move_water_marks(self) -> None:
        """Let the rules see the highs of this bar."""
        self.rules.move_water_marks(self._highs)

    def mark_to_market(self) -> None:
        """Record the equity: cash plus the value of what is held, added in symbol order at the last closes."""
        value = 0.0
        for symbol in sorted(self._positions):
            close = self._closes.get(symbol)
            if close is not None:
                self._marks[symbol] = close
            value += self._positions[symbol].quantity * self._marks[symbol]
        self._record_equity(value, len(self._positions))

    def stand_still(self, timestamp: date) -> None:
        """Record the equity of a ruined account: it stays what it was."""
        self.records.equity.append(replace(self.records.equity[-1], timestamp=timestamp))

    def _record_equity(self, value: float, positions: int) -> None:
        equity = self.cash + value
        self.records.equity.append(Equity(self._timestamp, self.cash, value, equity, positions))
        self.ruined = equity < self.settings.ruin

    def _checked_order(self, symbol: str, quantity: int, reason: str) -> Order:
        if symbol not in self._symbols:
            raise InputError(f"an order for {symbol!r}, which is not in the data")
        if not isinstance(quantity, int) or quantity == 0:
            raise InputError(f"an order for {quantity!r} shares of {symbol}", hint="Whole shares, and not 0")
        return self._record_order(symbol, quantity, reason)

    def _record_order(self, symbol: str, quantity: int, reason: str) -> Order:
        order = Order(len(self.records.orders) + 1, self._timestamp, symbol, quantity, reason)
        self.records.orders.append(order)
        return order

    def _execute(self, order: Order, base_price: float) -> None:
        if order.quantity > 0:
            self._buy(order, base_price * (1.0 + self.settings.slippage))
        else:
            self._sell(order, base_price * (1.0 - self.settings.slippage))

    def _buy(self, order: Order, price: float) -> None:
        notional = price * order.quantity
        commission = notional * self.settings.commission
        cost = notional + commission
        if cost > self.cash:
            self._reject(order, "not enough cash")
            return
        self.cash -= cost
        self._record_fill(order, price, commission)
        held = self._positions.get(order.symbol)
        if held is None:
            position = Position(order.symbol, order.quantity, price, self._timestamp, commission)
        else:
            quantity = held.quantity + order.quantity
            average = (held.entry_price * held.quantity + notional) / quantity
            position = replace(
                held, quantity=quantity, entry_price=average, entry_commission=held.entry_commission + commission
            )
        self._positions[order.symbol] = position
        self.rules.watch(order.symbol, position.entry_price)

    def _sell(self, order: Order, price: float) -> None:
        held = self._positions.get(order.symbol)
        quantity = -order.quantity
        if held is None or quantity > held.quantity:
            self._reject(order, "more than is held")
            return
        notional = price * quantity
        commission = notional * self.settings.commission
        self.cash += notional - commission
        self._record_fill(order, price, commission)
        if quantity == held.quantity:
            entry_commission = held.entry_commission
            del self._positions[order.symbol]
            self.rules.forget(order.symbol)
        else:
            entry_commission = held.entry_commission * (quantity / held.quantity)
            self._positions[order.symbol] = replace(
                held,
                quantity=held.quantity - quantity,
                entry_commission=held.entry_commission - entry_commission,
            )
        self._record_trade(order, held, price, entry_commission + commission)

    def _record_fill(self, order: Order, price: float, commission: float) -> None:
        self.records.fills.append(
            Fill(order.order_id, self._timestamp, order.symbol, order.quantity, price, commission)
        )

    def _record_trade(self, order: Order, entry: Position, price: float, commission: float) -> None:
        quantity = -order.quantity
        pnl = (price - entry.entry_price) * quantity - commission
        self.records.trades.append(
            Trade(
                self._timestamp,
                order.symbol,
                entry.entry_timestamp,
                quantity,
                entry.entry_price,
                price,
                commission,
                pnl,
                order.reason,
            )
        )

    def _reject(self, order: Order, reason: str) -> None:
        self.records.rejections.append(Rejection(order.order_id, self._timestamp, order.symbol, order.quantity, reason))
