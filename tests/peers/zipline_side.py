"""The scenarios in Zipline (zipline-reloaded), on daily bars from memory."""

from __future__ import annotations

import sys
import warnings
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import zipline
from exchange_calendars import ExchangeCalendar
from sqlalchemy import create_engine
from zipline.algorithm import TradingAlgorithm
from zipline.assets import AssetDBWriter, AssetFinder
from zipline.data.bar_reader import NoDataOnDate
from zipline.data.data_portal import DataPortal
from zipline.data.session_bars import SessionBarReader
from zipline.finance import commission, slippage
from zipline.finance.execution import LimitOrder, StopOrder
from zipline.finance.trading import SimulationParameters

from peers.market import Market
from peers.scenarios import CASH, Plan, Scenario
from peers.trades import Fill, Run, tell, trades_of
from peers.wishes import ENTER, HOLD, LEAVE, PROTECT, Desk, beyond, reversal, tighter


def to_cent(level: float) -> float:
    """Return the level on the nearest cent: Zipline rounds the prices of orders to cents, its own way."""
    return 0.01 * round(level / 0.01)


class Weekdays(ExchangeCalendar):
    """Every weekday is a session."""

    name = "WEEKDAYS"
    tz = ZoneInfo("UTC")
    open_times = ((None, time(9, 30)),)
    close_times = ((None, time(16)),)


class Bars(SessionBarReader):
    """The market as Zipline reads it. Its own files keep three decimals; the prices here have four."""

    data_frequency = "session"

    def __init__(self, market: Market, calendar: Any) -> None:
        self._calendar = calendar
        self.sessions = pd.DatetimeIndex(market.dates)
        self._row = {stamp: row for row, stamp in enumerate(self.sessions)}
        self._values = {
            name: np.array([values[symbol] for symbol in market.symbols]).T for name, values in market.columns.items()
        }

    sessions = None

    @property
    def trading_calendar(self) -> Any:
        """Return the calendar."""
        return self._calendar

    @property
    def first_trading_day(self) -> pd.Timestamp:
        """Return the first session."""
        return self.sessions[0]

    @property
    def last_available_dt(self) -> pd.Timestamp:
        """Return the last session."""
        return self.sessions[-1]

    def get_value(self, sid: Any, dt: pd.Timestamp, field: str) -> float:
        """Return one value."""
        row = self._row.get(dt.tz_localize(None).normalize())
        if row is None:
            raise NoDataOnDate(dt)
        return self._values[field][row, int(sid)]

    def get_last_traded_dt(self, asset: Any, dt: pd.Timestamp) -> pd.Timestamp:
        """Return the session itself: every symbol trades on every one."""
        del asset
        return dt

    def load_raw_arrays(self, columns: Any, start_date: Any, end_date: Any, assets: Any) -> list[Any]:
        """Return the values between two sessions."""
        rows = self.sessions.slice_indexer(start_date, end_date)
        return [self._values[name][rows][:, [int(one) for one in assets]] for name in columns]


class Wishes:
    """Trades each symbol by its plan. It has one stop and one target at most, which its own code moves and cancels."""

    def __init__(self, market: Market, scenario: Scenario) -> None:
        self.market, self.scenario = market, scenario
        self.plans = {symbol: scenario.plan(number) for number, symbol in enumerate(market.symbols)}
        self.desks = {symbol: Desk(plan.side) for symbol, plan in self.plans.items()}
        self.entries: dict[str, float] = {}
        self.stops: dict[str, tuple[str, float]] = {}  # the order and its level
        self.targets: dict[str, str] = {}
        self.bar = -1

    def initialize(self, algorithm: Any) -> None:
        """Set the costs."""
        one = self.scenario
        costs: Any = slippage.NoSlippage()
        if one.slippage:
            costs = slippage.FixedBasisPointsSlippage(basis_points=one.slippage * 1e4, volume_limit=1.0)
        if one.slippage_fixed:
            costs = slippage.FixedSlippage(spread=2.0 * one.slippage_fixed)
        algorithm.set_slippage(us_equities=costs)
        charge: Any = commission.PerDollar(cost=one.commission)
        if one.commission_per_share:
            charge = commission.PerShare(cost=one.commission_per_share, min_trade_cost=0.0)
        algorithm.set_commission(us_equities=charge)
        self.assets = {symbol: algorithm.sid(number) for number, symbol in enumerate(self.market.symbols)}

    def handle_data(self, algorithm: Any, data: Any) -> None:
        """Look at every symbol at the close."""
        self.bar += 1
        for symbol, asset in self.assets.items():
            signal, plan = self.market.signals[symbol][self.bar], self.plans[symbol]
            position = algorithm.portfolio.positions[asset]
            held, close = position.amount, data.current(asset, "close")
            if not plan.side:
                algorithm.order(asset, reversal(signal, held, plan.shares))
                continue
            wish = self.desks[symbol].wish(signal, held)
            if not held or wish == LEAVE:
                self._cancel(algorithm, symbol)
            if wish == ENTER:
                algorithm.order(asset, plan.side * plan.shares)
                self.entries[symbol] = close  # of the signal: what the levels of a bracket count from
            elif wish == LEAVE:
                algorithm.order(asset, -held)
            elif wish in (PROTECT, HOLD) and plan.exits.count:
                if wish == PROTECT:
                    if not plan.exits.bracket:  # its cost basis has the commission in it, where there is one
                        self.entries[symbol] = close if self.scenario.commission else position.cost_basis
                    self._aim(algorithm, symbol, plan)
                self._stop(algorithm, symbol, plan, close, is_first=wish == PROTECT)

    def _aim(self, algorithm: Any, symbol: str, plan: Plan) -> None:
        if plan.exits.take_profit is not None:
            level = to_cent(beyond(self.entries[symbol], -plan.exits.take_profit, plan.side))
            self.targets[symbol] = algorithm.order(
                self.assets[symbol], -plan.side * plan.shares, style=LimitOrder(level)
            )

    def _stop(self, algorithm: Any, symbol: str, plan: Plan, close: float, *, is_first: bool) -> None:
        exits, levels = plan.exits, []
        if symbol in self.stops:
            levels.append(self.stops[symbol][1])
        if exits.stop_loss is not None and is_first:
            levels.append(to_cent(beyond(self.entries[symbol], exits.stop_loss, plan.side)))
        if exits.trailing is not None:
            levels.append(to_cent(close - plan.side * (close * exits.trailing)))
        if not levels:
            return
        level = levels[0]
        for one in levels[1:]:
            level = tighter(level, one, plan.side)
        if symbol in self.stops:
            order, before = self.stops[symbol]
            if level == before:
                return
            algorithm.cancel_order(order)
        order = algorithm.order(self.assets[symbol], -plan.side * plan.shares, style=StopOrder(level))
        self.stops[symbol] = (order, level)

    def _cancel(self, algorithm: Any, symbol: str) -> None:
        if symbol in self.stops:
            algorithm.cancel_order(self.stops.pop(symbol)[0])
        if symbol in self.targets:
            algorithm.cancel_order(self.targets.pop(symbol))


def run(market: Market, scenario: Scenario) -> Run:
    """Run one scenario."""
    first, last = pd.Timestamp(market.dates[0]), pd.Timestamp(market.dates[-1])
    month = pd.Timedelta(days=30)
    calendar = Weekdays(first - month, last + month, side="right")  # the minute of the close belongs to the session
    bars = Bars(market, calendar)
    portal = DataPortal(_finder(market, first, last), calendar, first, equity_daily_reader=bars)
    wishes = Wishes(market, scenario)
    algorithm = TradingAlgorithm(
        sim_params=SimulationParameters(first, last, calendar, capital_base=CASH),
        data_portal=portal,
        trading_calendar=calendar,
        initialize=wishes.initialize,
        handle_data=wishes.handle_data,
        benchmark_returns=pd.Series(0.0, index=bars.sessions),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statistics of flat returns divide by zero
        days = algorithm.run()
    return Run(trades_of(_fills(days, algorithm)), float(days["portfolio_value"].iloc[-1]), _told(scenario))


def _finder(market: Market, first: pd.Timestamp, last: pd.Timestamp) -> AssetFinder:
    """Return the assets, numbered in symbol order."""
    engine = create_engine("sqlite://")
    equities = pd.DataFrame(
        {
            "symbol": market.symbols,
            "asset_name": market.symbols,
            "start_date": first,
            "end_date": last + pd.Timedelta(days=20),
            "exchange": "PEERS",
        },
        index=range(len(market.symbols)),
    )
    exchanges = pd.DataFrame([{"exchange": "PEERS", "canonical_name": "PEERS", "country_code": "US"}])
    AssetDBWriter(engine).write(equities=equities, exchanges=exchanges)
    return AssetFinder(engine)


def _fills(days: pd.DataFrame, algorithm: Any) -> list[Fill]:
    """Return the transactions of all days, each with the commission of its order, which fills in one piece."""
    orders = algorithm.blotter.orders
    return [
        Fill(
            one["sid"].symbol,
            bar,
            float(one["amount"]),
            float(one["price"]),
            float(orders[one["order_id"]].commission),
        )
        for bar, transactions in enumerate(days["transactions"])
        for one in transactions
    ]


def _told(scenario: Scenario) -> str:
    told = []
    if scenario.slippage:
        told.append(f"`FixedBasisPointsSlippage({scenario.slippage * 1e4:g}, volume_limit=1.0)`")
    if scenario.slippage_fixed:
        told.append(f"`FixedSlippage(spread={2.0 * scenario.slippage_fixed})`")
    if scenario.commission:
        told.append(f"`PerDollar({scenario.commission})`")
    if scenario.commission_per_share:
        told.append(f"`PerShare({scenario.commission_per_share}, min_trade_cost=0.0)`")
    if any(one.stop_loss is not None or one.trailing is not None for one in scenario.exits):
        told.append("`StopOrder`")
    if any(one.take_profit is not None for one in scenario.exits):
        told.append("`LimitOrder`")
    return ", ".join(told)


if __name__ == "__main__":
    tell("zipline", zipline.__version__, run, Path(sys.argv[1]), sys.argv[2:])
