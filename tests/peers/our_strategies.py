"""Our strategies: the wishes of the scenarios in our orders, timed as each family of peers times its own.

All that happens to an order is the engine's: these only submit, replace and cancel.
"""

from __future__ import annotations

from collections.abc import Callable

from engine import Bar, Context, Order, StopLoss, Strategy, TakeProfit, TrailingStop
from peers.market import Market
from peers.scenarios import Exits, Plan, Scenario
from peers.wishes import ENTER, HOLD, LEAVE, PROTECT, Desk, beyond, reversal, tighter

LOW, HIGH = 1e-4, 1e9  # prices that every open has passed, or none


def exact(level: float) -> float:
    """Return a level as it is."""
    return level


def to_cent(level: float) -> float:
    """Return the level on the nearest cent, by the product that Zipline rounds with."""
    return 0.01 * round(level / 0.01)


class Wishes(Strategy):
    """What all have in common: signals, plans, and market orders for entries and exits by signal."""

    def __init__(self, market: Market, scenario: Scenario) -> None:
        self.signals = market.signals
        self.plans = {symbol: scenario.plan(number) for number, symbol in enumerate(market.symbols)}
        self.desks = {symbol: Desk(plan.side) for symbol, plan in self.plans.items()}
        self.bar_of = {day: number for number, day in enumerate(market.dates)}

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Do what is wished in one symbol."""
        signal, plan = self.signals[bar.symbol][self.bar_of[bar.timestamp]], self.plans[bar.symbol]
        position, orders = context.get_position(bar.symbol), context.open_orders(bar.symbol)
        held = position.quantity if position else 0.0
        for order in orders:
            if order.kind == "market":  # it fills at this close: the strategy is called just before
                held += order.quantity
        if not plan.side:
            if change := reversal(signal, held, plan.shares):
                context.submit_order(bar.symbol, change)
            return
        wish = self.desks[bar.symbol].wish(signal, held)
        if wish == ENTER:
            self.enter(context, bar, plan)
        elif wish == LEAVE:
            for order in orders:
                if order.kind != "market":
                    context.cancel_order(order.order_id)
            context.submit_order(bar.symbol, -held)
        elif wish == PROTECT and position:
            self.protect(context, bar, plan, position.entry_price)
        elif wish == HOLD and plan.exits.count:
            self.follow(context, bar, plan)

    def enter(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Open the position."""
        context.submit_order(bar.symbol, plan.side * plan.shares)

    def protect(self, context: Context, bar: Bar, plan: Plan, entry_price: float) -> None:
        """Submit what is to end the position, seen for the first time."""

    def follow(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Move what trails."""


class FromTheNextBar(Wishes):
    """Exits look at bars from the one after the entry's on, as where a strategy submits them once it sees its entry.

    One exit is one order. Several are a bracket, whose legs are given their levels when the entry is seen: the entry is
    then a stop that every open has passed, which fills at the open like a market order but lets its bracket begin with
    the next bar. A stop-loss beside a trailing stop is a position rule, or, with `one_stop`, one stop at the nearer of
    the two. A trail follows the closes: its stop is replaced on every bar.
    """

    def __init__(
        self, market: Market, scenario: Scenario, *, one_stop: bool = False, rounded: Callable[[float], float] = exact
    ) -> None:
        super().__init__(market, scenario)
        self.one_stop = one_stop
        self.rounded = rounded
        self.fixed: dict[str, float] = {}  # the level of a stop-loss that shares one stop with a trail

    def enter(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Open the position."""
        exits, quantity = plan.exits, plan.side * plan.shares
        if exits.count < 2:
            context.submit_order(bar.symbol, quantity)
            return
        far_stop, far_target = (LOW, HIGH) if plan.side > 0 else (HIGH, LOW)
        if exits.bracket:
            far_stop = self.rounded(beyond(bar.close, exits.stop_loss or 0.0, plan.side))
            far_target = self.rounded(beyond(bar.close, -(exits.take_profit or 0.0), plan.side))
        context.submit_order(
            bar.symbol,
            quantity,
            stop=LOW if plan.side > 0 else HIGH,
            stop_loss=far_stop,
            take_profit=far_target if exits.take_profit else None,
            rules=(StopLoss(exits.stop_loss or 0.0),) if self._has_rule(exits) else (),
        )

    def protect(self, context: Context, bar: Bar, plan: Plan, entry_price: float) -> None:
        """Submit the exit, or give the legs of the bracket their levels."""
        exits, side = plan.exits, plan.side
        if exits.bracket or not exits.count:
            return
        stop, target = self._stop(bar, exits, side, entry_price), None
        if exits.take_profit is not None:
            target = self.rounded(beyond(entry_price, -exits.take_profit, side))
        if exits.count == 1:
            context.submit_order(bar.symbol, -side * plan.shares, "exit", stop=stop, limit=target)
            return
        for order in context.open_orders(bar.symbol):
            if order.kind == "stop":
                context.replace_order(order.order_id, stop=stop)
            else:
                context.replace_order(order.order_id, limit=target)

    def follow(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Move the trail after the close."""
        if plan.exits.trailing is not None:
            stop = stop_of(context, bar.symbol)
            level = self.rounded(_from_close(bar.close, plan.exits.trailing, plan.side))
            if tighter(level, stop.stop, plan.side) != stop.stop:
                context.replace_order(stop.order_id, stop=level)

    def _has_rule(self, exits: Exits) -> bool:
        return exits.stop_loss is not None and exits.trailing is not None and not self.one_stop

    def _stop(self, bar: Bar, exits: Exits, side: int, entry_price: float) -> float | None:
        """Return the level of the stop order at first; None where there is none."""
        levels = []
        if exits.stop_loss is not None and not self._has_rule(exits):
            levels.append(self.rounded(beyond(entry_price, exits.stop_loss, side)))
        if exits.trailing is not None:
            levels.append(self.rounded(_from_close(bar.close, exits.trailing, side)))
        return (max(levels) if side > 0 else min(levels)) if levels else None


class FromTheClose(Wishes):
    """Exits look at bars after the entry's close, and count from that close; trails follow highs and lows.

    One or two exits are position rules; a bracket is a bracket; a short with nothing but a trail has a trailing stop
    order beside it. Where stop-loss and trail go together they are one stop, at the nearer of the two, replaced on
    every bar.
    """

    def __init__(self, market: Market, scenario: Scenario) -> None:
        super().__init__(market, scenario)
        self.marks: dict[str, float] = {}
        self.entries: dict[str, float] = {}

    def enter(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Open the position at this close, with all that is to end it."""
        exits, side, quantity = plan.exits, plan.side, plan.side * plan.shares
        self.marks[bar.symbol] = self.entries[bar.symbol] = bar.close
        if exits.bracket or (exits.stop_loss is not None and exits.trailing is not None):
            context.submit_order(
                bar.symbol,
                quantity,
                stop_loss=self._stop(bar.symbol, exits, side),
                take_profit=beyond(bar.close, -exits.take_profit, side) if exits.take_profit else None,
            )
        elif side < 0 and exits.trailing is not None and exits.count == 1:
            context.submit_order(bar.symbol, quantity)
            context.submit_order(bar.symbol, -quantity, "exit", trail=exits.trailing)
        else:
            context.submit_order(bar.symbol, quantity, rules=_rules(exits))

    def protect(self, context: Context, bar: Bar, plan: Plan, entry_price: float) -> None:
        """Move the mark of the first bar."""
        del entry_price
        self.follow(context, bar, plan)

    def follow(self, context: Context, bar: Bar, plan: Plan) -> None:
        """Move the one stop of a stop-loss and a trail."""
        if plan.exits.stop_loss is not None and plan.exits.trailing is not None:
            best = max if plan.side > 0 else min
            self.marks[bar.symbol] = best(self.marks[bar.symbol], bar.high if plan.side > 0 else bar.low)
            stop, level = stop_of(context, bar.symbol), self._stop(bar.symbol, plan.exits, plan.side)
            if level != stop.stop:
                context.replace_order(stop.order_id, stop=level)

    def _stop(self, symbol: str, exits: Exits, side: int) -> float:
        fixed = beyond(self.entries[symbol], exits.stop_loss or 0.0, side)
        if exits.trailing is None:
            return fixed
        return tighter(fixed, beyond(self.marks[symbol], exits.trailing, side), side)


def stop_of(context: Context, symbol: str) -> Order:
    """Return the stop order that is open in a symbol."""
    (stop,) = (order for order in context.open_orders(symbol) if order.kind == "stop")
    return stop


def _rules(exits: Exits) -> tuple[StopLoss | TrailingStop | TakeProfit, ...]:
    """Return the exits as position rules, the stop first."""
    stops = [StopLoss(exits.stop_loss)] if exits.stop_loss is not None else []
    trails = [TrailingStop(exits.trailing)] if exits.trailing is not None else []
    targets = [TakeProfit(exits.take_profit)] if exits.take_profit is not None else []
    return (*stops, *trails, *targets)


def _from_close(close: float, fraction: float, side: int) -> float:
    """Return the level of a trail at a close; by the difference, not the product, as backtrader has it."""
    return close - side * (close * fraction)
