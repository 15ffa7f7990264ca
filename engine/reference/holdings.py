"""Cash and positions: what a fill does to them, and what they are worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from engine.model import Bars, Equity, Fill, Order, Position, Settings, Trade
from engine.pipeline import Records, Rules

SECONDS_OF_A_DAY, SECONDS_OF_A_YEAR = 86_400.0, 31_536_000.0  # 365 days


class Execution(NamedTuple):
    """What is bought (above 0) or sold, in lots and in shares, at which price and for what money."""

    units: int
    quantity: float
    price: float
    commission: float
    slippage: float


class Holdings:
    """Keeps cash and positions, records fills, trades and equity, and tells the rules what to watch."""

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self.settings = settings
        self.rules = rules
        self.cash = settings.cash
        self.records = Records()
        self.ruined = False
        self._lots = settings.lots
        self._positions: dict[str, Position] = {}
        self._on_margin = settings.short or settings.leverage > 1.0
        self._marks: dict[str, float] = {}  # the last closes before this bar, or the price of a fill on it
        self._borrowed = 0.0
        self._borrow_fees = 0.0
        self._bars: Bars
        self._bar_is_complete = False  # while orders fill at the close

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, or None."""
        return self._positions.get(symbol)

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        return sorted(self._positions)

    def equity(self) -> float:
        """Return cash plus the value of what is held, at the latest closes."""
        return self.cash + self._value()

    def mark_to_market(self) -> None:
        """Record the equity: cash plus the value of what is held."""
        self._record_equity(self._value(), len(self._positions))

    def _record_equity(self, value: float, positions: int) -> None:
        equity = self.cash + value
        self.records.equity.append(Equity(self._bars.timestamp, self.cash, value, equity, positions, self._borrow_fees))
        self.ruined = equity < self.settings.ruin
        if self._on_margin:
            self._marks = {symbol: self._bars.last_close(symbol) for symbol in self.held()}
        if self.settings.borrow_rate:
            self._borrowed = self._short_worth()

    def stand_still(self, timestamp: date) -> None:
        """Record the equity of a ruined account: it stays what it was."""
        self.records.equity.append(replace(self.records.equity[-1], timestamp=timestamp))

    def _value(self) -> float:
        """Return the worth of what is held at the latest closes, added in symbol order."""
        value = 0.0
        for symbol in sorted(self._positions):
            value += self._positions[symbol].quantity * self._bars.last_close(symbol)
        return value

    def _short_worth(self) -> float:
        """Return the worth of what is sold short at the latest closes, added in symbol order; above 0."""
        worth = 0.0
        for symbol in self.held():
            position = self.get_position(symbol)
            if position is not None and position.quantity < 0.0:
                worth -= position.quantity * self._bars.last_close(symbol)
        return worth

    def _pay_borrow_fee(self, until: date) -> None:
        """Pay for what has been short since the timestamp before, by its worth at the closes of then."""
        years = _seconds_between(self._bars.timestamp, until) / SECONDS_OF_A_YEAR
        fee = self._borrowed * (self.settings.borrow_rate * years)
        self.cash -= fee
        self._borrow_fees += fee

    def _refusal(self, symbol: str, done: Execution) -> str | None:
        """Return why the account can't take this; None where it can."""
        before, after = self._before_and_after(symbol, done.units)
        if after < 0.0 and done.units < 0 and not self.settings.short:
            return "more than is held"
        if abs(after) <= abs(before) and before * after >= 0.0:
            return None  # it only closes
        if not done.price > 0.0:
            return "worth nothing after its costs"
        if abs(done.quantity) * done.price < self.settings.minimum_notional:
            return "below the minimum notional"
        cost = done.price * done.quantity + done.commission
        if not self._on_margin:
            return "not enough cash" if cost > self.cash else None
        return None if self._covers(symbol, after, done.price, self.cash - cost) else "not enough margin"

    def _covers(self, symbol: str, after: float, price: float, cash: float) -> bool:
        """Whether the exposure after a fill is at most the leverage times the equity after it."""
        value, exposure = after * price, abs(after * price)
        for other in sorted(self._positions):
            if other != symbol:
                worth = self._positions[other].quantity * self._mark(other)
                value += worth
                exposure += abs(worth)
        return exposure <= self.settings.leverage * (cash + value)

    def _mark(self, symbol: str) -> float:
        """Return the price of what is held as an order fills: this bar's close may be still to come."""
        return self._bars.last_close(symbol) if self._bar_is_complete else self._marks[symbol]

    def _before_and_after(self, symbol: str, units: int) -> tuple[float, float]:
        """Return the shares held now and after so many lots more; counted in lots, so that nothing drifts."""
        held = self._positions.get(symbol)
        if held is None:
            return 0.0, self._lots.value(units)
        return held.quantity, self._lots.value(self._lots.nearest(held.quantity) + units)

    def _book(self, order: Order, done: Execution) -> None:
        """Record a fill and all that it changes. What goes through zero closes one position and opens another."""
        self.cash -= done.price * done.quantity + done.commission
        self._marks[order.symbol] = done.price
        self.records.fills.append(
            Fill(
                order.order_id,
                self._bars.timestamp,
                order.symbol,
                done.quantity,
                done.price,
                done.commission,
                done.slippage,
            )
        )
        before, after = self._before_and_after(order.symbol, done.units)
        held = self._positions.get(order.symbol)
        if held is None:
            self._hold(self._opened(order.symbol, after, done, 1.0))
        elif before * done.quantity > 0.0:
            self._hold(_added(held, after, done))
        elif before * after >= 0.0:
            part = -done.quantity / before
            self.records.trades.append(self._trade(order, held, done, -done.quantity, part, 1.0))
            self._let_go(order.symbol) if after == 0.0 else self._hold(_left(held, after, part))
        else:
            part = -before / done.quantity
            self.records.trades.append(self._trade(order, held, done, before, 1.0, part))
            self._let_go(order.symbol)
            self._hold(self._opened(order.symbol, after, done, 1.0 - part))

    def _hold(self, position: Position) -> None:
        """Make this the position in its symbol."""
        self._positions[position.symbol] = position

    def _let_go(self, symbol: str) -> None:
        """Close the position in a symbol."""
        del self._positions[symbol]
        self.rules.forget(symbol)

    def _opened(self, symbol: str, quantity: float, done: Execution, part: float) -> Position:
        timestamp = self._bars.timestamp
        return Position(symbol, quantity, done.price, timestamp, done.commission * part, done.slippage * part)

    def _trade(
        self, order: Order, entry: Position, done: Execution, closed: float, of_entry: float, of_exit: float
    ) -> Trade:
        """Return the trade that closes so many shares: with which part of the entry's costs, and of the exit's."""
        seen = self.rules.excursion(order.symbol)
        up = max(seen.highest, done.price) / entry.entry_price - 1.0
        down = min(seen.lowest, done.price) / entry.entry_price - 1.0
        commission = entry.entry_commission * of_entry + done.commission * of_exit
        return Trade(
            self._bars.timestamp,
            order.symbol,
            entry.entry_timestamp,
            closed,
            entry.entry_price,
            done.price,
            commission,
            entry.entry_slippage * of_entry + done.slippage * of_exit,
            (done.price - entry.entry_price) * closed - commission,
            up if closed > 0.0 else 0.0 - down,
            down if closed > 0.0 else 0.0 - up,
            seen.bars - 1 if self._bar_is_complete else seen.bars,
            order.reason,
        )


def _added(held: Position, after: float, done: Execution) -> Position:
    """Return a position with more in it; its entry price is the average."""
    notional = held.entry_price * abs(held.quantity) + done.price * abs(done.quantity)
    return replace(
        held,
        quantity=after,
        entry_price=notional / abs(after),
        entry_commission=held.entry_commission + done.commission,
        entry_slippage=held.entry_slippage + done.slippage,
    )


def _left(held: Position, after: float, part: float) -> Position:
    """Return what is left of a position when a part has gone, and with it that part of the entry's costs."""
    return replace(
        held,
        quantity=after,
        entry_commission=held.entry_commission - held.entry_commission * part,
        entry_slippage=held.entry_slippage - held.entry_slippage * part,
    )


def _seconds_between(earlier: date, later: date) -> float:
    """Return the time that has passed; clocks that are put back do not count."""
    if isinstance(earlier, datetime) and isinstance(later, datetime):
        if earlier.tzinfo is None:
            return (later - earlier).total_seconds()
        return later.timestamp() - earlier.timestamp()
    return (later - earlier).days * SECONDS_OF_A_DAY
