"""The scenarios in vectorbt, all of them by `Portfolio.from_signals`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio.enums import StopEntryPrice, StopExitPrice, TradeDirection, TradeStatus

from peers.market import Market
from peers.scenarios import CASH, Scenario
from peers.trades import Run, Trade, tell

Array = npt.NDArray[Any]


@njit
def tighter_stop(context: Any, stop_loss: Array, trailing: Array) -> tuple[float, bool]:
    """Return the trailing stop, or the stop-loss where that is the nearer of the two, as a fraction of the mark."""
    fixed, trail = stop_loss[context.col], trailing[context.col]
    if np.isnan(fixed) or np.isnan(trail):
        return context.curr_stop, context.curr_trail
    if context.position_now > 0:
        level = max(context.init_price * (1.0 - fixed), context.curr_price * (1.0 - trail))
        return 1.0 - level / context.curr_price, True
    level = min(context.init_price * (1.0 + fixed), context.curr_price * (1.0 + trail))
    return level / context.curr_price - 1.0, True


def run(market: Market, scenario: Scenario) -> Run:
    """Run one scenario.

    Without stops, orders fill at the next open: signals are shifted by a bar and the price is the open. With stops,
    they fill at the close of the signal, since vectorbt lets a stop of the same bar go before a signal.
    """
    plans = [scenario.plan(number) for number in range(len(market.symbols))]
    frames = {name: pd.DataFrame(values, index=market.dates) for name, values in market.columns.items()}
    long, short = _signals(market, [plan.side for plan in plans], shift=0 if scenario.has_exits else 1)
    size = np.array([float(plan.shares) for plan in plans])
    costs, told = _costs(scenario, frames["open"].to_numpy())
    terms, told_terms = _stops(plans, frames) if scenario.has_exits else ({"price": frames["open"]}, "")
    portfolio = vbt.Portfolio.from_signals(
        frames["close"],
        entries=long["entry"],
        exits=long["exit"],
        short_entries=short["entry"],
        short_exits=short["exit"],
        size=size,
        upon_opposite_entry="Reverse",
        init_cash=CASH,
        cash_sharing=True,
        group_by=True,
        val_price=terms["price"],
        **costs,
        **terms,
    )
    price = "price=close" if scenario.has_exits else "signals one bar later, price=open"
    return Run(_trades(portfolio, market), float(portfolio.final_value()), f"`{price}{told}{told_terms}`")


def _signals(market: Market, sides: list[int], shift: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return entries and exits, long and short: flags, a row a date and a column a symbol."""
    table = np.array([market.signals[symbol] for symbol in market.symbols]).T
    if shift:
        table = np.vstack([np.zeros((shift, table.shape[1]), table.dtype), table[:-shift]])
    up, down = table > 0, table < 0
    side = np.array(sides)
    long = {"entry": up & (side >= 0), "exit": down & (side > 0)}
    short = {"entry": down & (side <= 0), "exit": up & (side < 0)}
    return long, short


def _costs(scenario: Scenario, opens: Array) -> tuple[dict[str, Any], str]:
    """Return the costs; what vectorbt knows by the order or by the fraction only is given as an array."""
    if scenario.commission:
        return {"fees": scenario.commission}, f", fees={scenario.commission}"
    if scenario.commission_per_share:
        return {"fees": scenario.commission_per_share / opens}, f", fees={scenario.commission_per_share} / open"
    if scenario.slippage:
        return {"slippage": scenario.slippage}, f", slippage={scenario.slippage}"
    if scenario.slippage_fixed:
        return {"slippage": scenario.slippage_fixed / opens}, f", slippage={scenario.slippage_fixed} / open"
    return {}, ""


def _stops(plans: list[Any], frames: dict[str, pd.DataFrame]) -> tuple[dict[str, Any], str]:
    """Return the stops, a value a symbol: NaN where there is none."""
    nan = float("nan")
    stop_loss = np.array([nan if one.exits.stop_loss is None else one.exits.stop_loss for one in plans])
    trailing = np.array([nan if one.exits.trailing is None else one.exits.trailing for one in plans])
    target = np.array([nan if one.exits.take_profit is None else one.exits.take_profit for one in plans])
    is_trail = ~np.isnan(trailing)
    terms: dict[str, Any] = {
        "price": frames["close"],
        "open": frames["open"],
        "high": frames["high"],
        "low": frames["low"],
        "sl_stop": np.where(is_trail, trailing, stop_loss),
        "sl_trail": is_trail,
        "tp_stop": target,
        "stop_entry_price": StopEntryPrice.FillPrice,
        "stop_exit_price": StopExitPrice.StopMarket,
    }
    told = []
    if not np.isnan(terms["sl_stop"]).all():
        told.append("sl_stop")
    if is_trail.any():
        told.append("sl_trail=True")
    if not np.isnan(target).all():
        told.append("tp_stop")
    if (is_trail & ~np.isnan(stop_loss)).any():
        terms |= {"adjust_sl_func_nb": tighter_stop, "adjust_sl_args": (stop_loss, trailing)}
        told.append("adjust_sl_func_nb")
    return terms, "".join(f", {one}" for one in told)


def _trades(portfolio: Any, market: Market) -> list[Trade]:
    records = portfolio.trades.values
    closed = records[records["status"] == TradeStatus.Closed]
    trades = [
        Trade(
            market.symbols[one["col"]],
            int(one["entry_idx"]),
            int(one["exit_idx"]),
            float(one["size"] if one["direction"] == TradeDirection.Long else -one["size"]),
            float(one["entry_price"]),
            float(one["exit_price"]),
            float(one["entry_fees"] + one["exit_fees"]),
            float(one["pnl"]),
        )
        for one in closed
    ]
    return sorted(trades, key=lambda trade: (trade.symbol, trade.entry_bar))


if __name__ == "__main__":
    tell("vectorbt", vbt.__version__, run, Path(sys.argv[1]), sys.argv[2:])
