"""The scenarios in backtrader."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import backtrader as bt
import pandas as pd

from peers.market import Market
from peers.scenarios import CASH, Exits, Plan, Scenario
from peers.trades import Fill, Run, tell, trades_of
from peers.wishes import ENTER, LEAVE, PROTECT, Desk, beyond, reversal


class Wishes(bt.Strategy):
    """Trades each symbol by its plan, with backtrader's own stop, limit, trailing and bracket orders."""

    params = (("market", None), ("scenario", None))

    def __init__(self) -> None:
        self.plans = [self.p.scenario.plan(number) for number in range(len(self.datas))]
        self.desks = [Desk(plan.side) for plan in self.plans]
        self.exits: list[list[Any]] = [[] for _ in self.datas]
        self.fills: list[Fill] = []
        self.told: dict[str, list[tuple[float, float]]] = {data._name: [] for data in self.datas}

    def next(self) -> None:
        """Look at every symbol at the close."""
        bar = len(self) - 1
        for number, data in enumerate(self.datas):
            signal, plan = self.p.market.signals[data._name][bar], self.plans[number]
            position = self.getposition(data)
            if not plan.side:
                self._order(data, reversal(signal, position.size, plan.shares))
                continue
            wish = self.desks[number].wish(signal, position.size)
            if wish == ENTER:
                self._enter(number, data, plan)
            elif wish == PROTECT and not plan.exits.bracket:
                self.exits[number] = self._protect(data, position, plan.exits)
            elif wish == LEAVE:
                for order in self.exits[number]:
                    self.cancel(order)
                self._order(data, -position.size)

    def notify_order(self, order: Any) -> None:
        """Keep what has filled."""
        if order.status == order.Completed:
            done = order.executed
            self.fills.append(Fill(order.data._name, len(self) - 1, done.size, done.price, done.comm))

    def notify_trade(self, trade: Any) -> None:
        """Keep what backtrader tells of a closed trade."""
        if trade.isclosed:
            self.told[trade.data._name].append((trade.commission, trade.pnlcomm))

    def _order(self, data: Any, size: float, **terms: Any) -> Any:
        if size:
            return (self.buy if size > 0 else self.sell)(data=data, size=abs(size), **terms)
        return None

    def _enter(self, number: int, data: Any, plan: Plan) -> None:
        if not plan.exits.bracket:
            self._order(data, plan.side * plan.shares)
            return
        close = data.close[0]
        bracket = self.buy_bracket if plan.side > 0 else self.sell_bracket
        _, *self.exits[number] = bracket(
            data=data,
            size=plan.shares,
            exectype=bt.Order.Market,
            stopprice=beyond(close, plan.exits.stop_loss, plan.side),
            limitprice=beyond(close, -plan.exits.take_profit, plan.side),
        )

    def _protect(self, data: Any, position: Any, exits: Exits) -> list[Any]:
        """Submit the exits, of which one cancels the others: the stop first, then the trail, then the target."""
        side = 1 if position.size > 0 else -1
        terms: list[dict[str, Any]] = []
        if exits.stop_loss is not None:
            terms.append({"exectype": bt.Order.Stop, "price": beyond(position.price, exits.stop_loss, side)})
        if exits.trailing is not None:
            terms.append({"exectype": bt.Order.StopTrail, "trailpercent": exits.trailing})
        if exits.take_profit is not None:
            terms.append({"exectype": bt.Order.Limit, "price": beyond(position.price, -exits.take_profit, side)})
        orders: list[Any] = []
        for one in terms:
            orders.append(self._order(data, -position.size, oco=orders[0] if orders else None, **one))
        return orders


def run(market: Market, scenario: Scenario) -> Run:
    """Run one scenario."""
    cerebro = bt.Cerebro(stdstats=False)
    index = pd.DatetimeIndex([datetime.combine(day, time()) for day in market.dates])
    for symbol in market.symbols:
        frame = pd.DataFrame({name: values[symbol] for name, values in market.columns.items()}, index=index)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.broker.setcash(CASH)
    settings = _set_costs(cerebro.broker, scenario)
    cerebro.addstrategy(Wishes, market=market, scenario=scenario)
    (strategy,) = cerebro.run()
    return Run(_trades(strategy), cerebro.broker.getvalue(), f"{settings}{_orders(scenario)}")


def _set_costs(broker: Any, scenario: Scenario) -> str:
    if scenario.commission:
        broker.setcommission(commission=scenario.commission)
        return f"`setcommission(commission={scenario.commission})`; "
    if scenario.commission_per_share:
        broker.setcommission(
            commission=scenario.commission_per_share, commtype=bt.CommInfoBase.COMM_FIXED, stocklike=True
        )
        return f"`setcommission(commission={scenario.commission_per_share}, commtype=COMM_FIXED, stocklike=True)`; "
    if scenario.slippage:
        broker.set_slippage_perc(scenario.slippage, slip_open=True, slip_out=True)
        return f"`set_slippage_perc({scenario.slippage}, slip_open=True, slip_out=True)`; "
    if scenario.slippage_fixed:
        broker.set_slippage_fixed(scenario.slippage_fixed, slip_open=True, slip_out=True)
        return f"`set_slippage_fixed({scenario.slippage_fixed}, slip_open=True, slip_out=True)`; "
    return ""


def _orders(scenario: Scenario) -> str:
    """Tell which orders are given."""
    exits = [one for one in scenario.exits if not one.bracket]
    kinds = {
        "`Market`": True,
        "`Stop`": any(one.stop_loss is not None for one in exits),
        "`StopTrail`": any(one.trailing is not None for one in exits),
        "`Limit`": any(one.take_profit is not None for one in exits),
        "`buy_bracket`, `sell_bracket`": len(exits) < len(scenario.exits),
    }
    return ", ".join(kind for kind, is_used in kinds.items() if is_used)


def _trades(strategy: Wishes) -> list[Any]:
    """Return the trades of the fills, each with the money that backtrader tells of it."""
    trades = []
    told = {symbol: iter(money) for symbol, money in strategy.told.items()}
    for trade in trades_of(strategy.fills):
        commission, pnl = next(told[trade.symbol])
        trades.append(replace(trade, commission=commission, pnl=pnl))
    return trades


if __name__ == "__main__":
    tell("backtrader", bt.__version__, run, Path(sys.argv[1]), sys.argv[2:])
