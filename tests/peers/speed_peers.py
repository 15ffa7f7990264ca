"""The timed run in the peers: the moving-average cross with a stop-loss, as each of them would have it written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

from peers.market import Market
from peers.speed_clock import AMOUNT, CASH, FAST, SLOW, STOP, clock


def backtrader() -> tuple[Callable[[Market], Any], Callable[[Any], int]]:
    """Return how backtrader prepares and runs: its indicators, market orders, a stop order after the entry."""
    import backtrader as bt
    import pandas as pd

    class Cross(bt.Strategy):
        def __init__(self) -> None:
            self.crosses = [
                bt.indicators.CrossOver(bt.indicators.SMA(data, period=FAST), bt.indicators.SMA(data, period=SLOW))
                for data in self.datas
            ]
            self.stops: dict[Any, Any] = {}
            self.trades = 0

        def next(self) -> None:
            for data, cross in zip(self.datas, self.crosses, strict=True):
                position = self.getposition(data)
                stop = self.stops.get(data)
                if not position.size:
                    self.stops.pop(data, None)
                    if cross[0] > 0:
                        self.buy(data=data, size=int(AMOUNT / data.close[0]))
                elif cross[0] < 0:
                    if stop is not None:
                        self.cancel(stop)
                    self.close(data=data)
                elif stop is None:
                    price = position.price * (1.0 - STOP)
                    self.stops[data] = self.sell(data=data, size=position.size, exectype=bt.Order.Stop, price=price)

        def notify_trade(self, trade: Any) -> None:
            self.trades += trade.isclosed

    def prepare(market: Market) -> dict[str, Any]:
        index = pd.DatetimeIndex([datetime.combine(day, time()) for day in market.dates])
        return {
            symbol: pd.DataFrame({name: values[symbol] for name, values in market.columns.items()}, index=index)
            for symbol in market.symbols
        }

    def run(frames: dict[str, Any]) -> int:
        cerebro = bt.Cerebro(stdstats=False)
        for symbol, frame in frames.items():
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
        cerebro.broker.setcash(CASH)
        cerebro.addstrategy(Cross)
        (strategy,) = cerebro.run()
        return int(strategy.trades)

    return prepare, run


def pyalgotrade() -> tuple[Callable[[Market], Any], Callable[[Any], int]]:
    """Return how PyAlgoTrade prepares and runs: its indicators, market orders, a stop order after the entry."""
    from pyalgotrade import strategy
    from pyalgotrade.broker import backtesting
    from pyalgotrade.technical import cross, ma

    from peers.pyalgotrade_side import Feed

    class Cross(strategy.BacktestingStrategy):
        def __init__(self, feed: Any) -> None:
            super().__init__(feed, backtesting.Broker(CASH, feed))
            self.symbols = feed.getRegisteredInstruments()
            closes = {symbol: feed[symbol].getPriceDataSeries() for symbol in self.symbols}
            self.fast = {symbol: ma.SMA(series, FAST) for symbol, series in closes.items()}
            self.slow = {symbol: ma.SMA(series, SLOW) for symbol, series in closes.items()}
            self.stops: dict[str, Any] = {}
            self.trades = 0

        def onBars(self, bars: Any) -> None:  # noqa: N802 - its name in PyAlgoTrade
            for symbol in self.symbols:
                held = self.getBroker().getShares(symbol)
                if not held and cross.cross_above(self.fast[symbol], self.slow[symbol]) > 0:
                    self.marketOrder(symbol, int(AMOUNT / bars[symbol].getClose()))
                elif held and cross.cross_below(self.fast[symbol], self.slow[symbol]) > 0:
                    self.getBroker().cancelOrder(self.stops[symbol])
                    self.marketOrder(symbol, -held)

        def onOrderUpdated(self, order: Any) -> None:  # noqa: N802
            if not order.isFilled():
                return
            if order.isSell():
                self.trades += 1
            else:
                done, symbol = order.getExecutionInfo(), order.getInstrument()
                price = done.getPrice() * (1.0 - STOP)
                self.stops[symbol] = self.stopOrder(symbol, price, -done.getQuantity(), goodTillCanceled=True)

    def run(market: Market) -> int:
        crosses = Cross(Feed(market))
        crosses.run()
        return int(crosses.trades)

    return lambda market: market, run


def vectorbt() -> tuple[Callable[[Market], Any], Callable[[Any], int]]:
    """Return how vectorbt prepares and runs: its averages, signals a bar later at the open, its stop."""
    import pandas as pd
    import vectorbt as vbt

    def prepare(market: Market) -> dict[str, Any]:
        index = pd.DatetimeIndex(market.dates)
        return {name: pd.DataFrame(values, index=index) for name, values in market.columns.items()}

    def run(frames: dict[str, Any]) -> int:
        close = frames["close"]
        fast, slow = vbt.MA.run(close, FAST), vbt.MA.run(close, SLOW)
        entries, exits = (
            flags.set_axis(close.columns, axis=1).vbt.signals.fshift(1)
            for flags in (fast.ma_crossed_above(slow), fast.ma_crossed_below(slow))
        )
        portfolio = vbt.Portfolio.from_signals(
            close,
            entries,
            exits,
            price=frames["open"],
            size=(AMOUNT / close.shift(1)).fillna(0.0).astype(int),
            open=frames["open"],
            high=frames["high"],
            low=frames["low"],
            sl_stop=STOP,
            stop_entry_price="FillPrice",
            stop_exit_price="StopMarket",
            init_cash=CASH,
            cash_sharing=True,
            group_by=True,
        )
        return int(portfolio.trades.closed.count())

    return prepare, run


ENGINES: Mapping[str, Callable[[], tuple[Callable[[Market], Any], Callable[[Any], int]]]] = {
    "backtrader": backtrader,
    "pyalgotrade": pyalgotrade,
    "vectorbt": vectorbt,
}


if __name__ == "__main__":
    clock(Path(sys.argv[1]), *ENGINES[sys.argv[2]]())
