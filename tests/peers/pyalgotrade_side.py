"""The scenarios in PyAlgoTrade."""

from __future__ import annotations

import sys
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pyalgotrade
from pyalgotrade import bar as bars_of
from pyalgotrade import strategy
from pyalgotrade.barfeed import membf
from pyalgotrade.broker import Order, backtesting
from pyalgotrade.broker.fillstrategy import DefaultStrategy

from peers.market import Market
from peers.scenarios import CASH, Plan, Scenario
from peers.trades import Fill, NotSupportedError, Run, tell, trades_of
from peers.wishes import ENTER, HOLD, LEAVE, PROTECT, Desk, beyond, reversal, tighter


class Feed(membf.BarFeed):
    """Daily bars from memory."""

    def __init__(self, market: Market) -> None:
        super().__init__(bars_of.Frequency.DAY)
        stamps = [datetime.combine(day, time()) for day in market.dates]
        for symbol in market.symbols:
            rows = zip(stamps, *(market.columns[name][symbol] for name in market.columns), strict=True)
            self.addBarsFromSequence(symbol, [bars_of.BasicBar(*row, None, bars_of.Frequency.DAY) for row in rows])

    def barsHaveAdjClose(self) -> bool:  # noqa: N802 - its name in PyAlgoTrade
        """Tell that there are no adjusted closes."""
        return False


class Wishes(strategy.BaseStrategy):
    """Trades each symbol by its plan, with stop and limit orders, of which one cancels the others when it fills."""

    def __init__(self, market: Market, scenario: Scenario, broker: Any, feed: Feed) -> None:
        super().__init__(feed, broker)
        self.market = market
        self.plans = {symbol: scenario.plan(number) for number, symbol in enumerate(market.symbols)}
        self.desks = {symbol: Desk(plan.side) for symbol, plan in self.plans.items()}
        self.exits: dict[str, list[Any]] = {symbol: [] for symbol in market.symbols}
        self.levels: dict[str, dict[str, float]] = {}
        self.entries: dict[str, float] = {}
        self.fills: list[Fill] = []
        self.bar = -1

    def onBars(self, bars: Any) -> None:  # noqa: N802
        """Look at every symbol at the close."""
        self.bar += 1
        for symbol, plan in self.plans.items():
            signal, held = self.market.signals[symbol][self.bar], self.getBroker().getShares(symbol)
            close = bars[symbol].getClose()
            if not plan.side:
                self._submit("Market", symbol, reversal(signal, held, plan.shares))
                continue
            wish = self.desks[symbol].wish(signal, held)
            if wish == ENTER:
                self._submit("Market", symbol, plan.side * plan.shares)
                self.entries[symbol] = close  # of the signal: what the levels of a bracket count from
            elif wish == LEAVE:
                self._cancel(symbol)
                self._submit("Market", symbol, -held)
            elif wish in (PROTECT, HOLD) and plan.exits.count:
                if wish == PROTECT:
                    self._set_levels(symbol, plan)
                self._move(symbol, plan, close)

    def onOrderUpdated(self, order: Any) -> None:  # noqa: N802
        """Keep what has filled; let an exit that has filled cancel the others at once."""
        if order.isFilled():
            done, symbol = order.getExecutionInfo(), order.getInstrument()
            size = done.getQuantity() if order.isBuy() else -done.getQuantity()
            self.fills.append(
                Fill(symbol, self.bar + 1, size, done.getPrice(), done.getCommission())  # the broker is called first
            )
            if order in self.exits[symbol]:
                self._cancel(symbol)
            elif not self.plans[symbol].exits.bracket:
                self.entries[symbol] = done.getPrice()

    def _set_levels(self, symbol: str, plan: Plan) -> None:
        exits, entry = plan.exits, self.entries[symbol]
        self.levels[symbol] = {}
        if exits.stop_loss is not None:
            self.levels[symbol]["stop"] = beyond(entry, exits.stop_loss, plan.side)
        if exits.take_profit is not None:
            self.levels[symbol]["target"] = beyond(entry, -exits.take_profit, plan.side)

    def _move(self, symbol: str, plan: Plan, close: float) -> None:
        """Submit the exits, or submit them anew where they trail: the stop first, then the trail, then the target."""
        levels, trailing = self.levels[symbol], plan.exits.trailing
        if trailing is not None:
            trail = close - plan.side * (close * trailing)
            levels["trail"] = tighter(levels.get("trail", trail), trail, plan.side)
        elif self.exits[symbol]:
            return
        self._cancel(symbol)
        kinds = {"stop": "Stop", "trail": "Stop", "target": "Limit"}
        self.exits[symbol] = [
            self._submit(kinds[name], symbol, -plan.side * plan.shares, levels[name])
            for name in kinds
            if name in levels
        ]

    def _cancel(self, symbol: str) -> None:
        orders, self.exits[symbol] = self.exits[symbol], []
        for order in orders:
            if order.isActive():
                self.getBroker().cancelOrder(order)

    def _submit(self, kind: str, symbol: str, size: float, *price: float) -> Any:
        if not size:
            return None
        action = Order.Action.BUY if size > 0 else Order.Action.SELL
        broker = self.getBroker()
        order = getattr(broker, f"create{kind}Order")(action, symbol, *price, int(abs(size)))
        order.setGoodTillCanceled(True)
        broker.submitOrder(order)
        return order


def run(market: Market, scenario: Scenario) -> Run:
    """Run one scenario."""
    if scenario.commission_per_share:
        raise NotSupportedError("the package has commissions by the trade and by its percentage, none by the share")
    if scenario.slippage or scenario.slippage_fixed:
        raise NotSupportedError("the package has no slippage but that by the share of the volume")
    feed = Feed(market)
    commission = backtesting.TradePercentage(scenario.commission) if scenario.commission else None
    broker = backtesting.Broker(CASH, feed, commission)
    broker.setFillStrategy(DefaultStrategy(volumeLimit=None))
    broker.setAllowNegativeCash(True)
    wishes = Wishes(market, scenario, broker, feed)
    wishes.run()
    return Run(trades_of(wishes.fills), broker.getEquity(), _told(scenario))


def _told(scenario: Scenario) -> str:
    told = [f"`TradePercentage({scenario.commission})`"] if scenario.commission else []
    told.append("market")
    if any(one.stop_loss is not None or one.trailing is not None for one in scenario.exits):
        told.append("stop")
    if any(one.take_profit is not None for one in scenario.exits):
        told.append("limit")
    return ", ".join(told)


if __name__ == "__main__":
    tell("pyalgotrade", pyalgotrade.__version__, run, Path(sys.argv[1]), sys.argv[2:])
