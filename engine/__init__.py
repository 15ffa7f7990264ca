"""A backtest engine: a readable reference, and optimized builds that give the same bits.

>>> from engine import SMA, CrossesAbove, DeclaredStrategy, Notional, generate_market, run
>>> fast, slow = SMA(10), SMA(50)
>>> strategy = DeclaredStrategy(
...     entry=CrossesAbove(fast, slow), exit=CrossesAbove(slow, fast), size=Notional(20_000)
... )
>>> result = run(strategy, generate_market(symbols=5, bars=200))
>>> result.equity.columns
['timestamp', 'cash', 'value', 'equity', 'positions', 'borrow_fees']
"""

import gc

_collects = gc.isenabled()
gc.disable()  # what is imported is no garbage, and looking for some takes a tenth of the time of `import engine`
try:
    from engine.api import Market, load, run, sweep
    from engine.catalog import FOCUSES, Optimization, accepted_build, catalog, compose, optimization
    from engine.errors import InputError
    from engine.features import (
        ATR,
        EMA,
        RSI,
        SMA,
        DataColumn,
        Feature,
        Highest,
        Lowest,
        Momentum,
        Volatility,
    )
    from engine.gates import MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
    from engine.generate import generate_market
    from engine.metrics import Metrics, metrics_of
    from engine.model import Bar, Bars, Order, Position, Result, Settings
    from engine.ranking import DeclaredRanking
    from engine.rules import StopLoss, TakeProfit, TimeExit, TrailingStop
    from engine.strategy import Above, Context, CrossesAbove, DeclaredStrategy, Notional, Strategy
    from engine.trials import SweepInterrupted
finally:
    if _collects:
        gc.enable()

__all__ = [
    "ATR",
    "EMA",
    "FOCUSES",
    "RSI",
    "SMA",
    "Above",
    "Bar",
    "Bars",
    "Context",
    "CrossesAbove",
    "DataColumn",
    "DeclaredRanking",
    "DeclaredStrategy",
    "Feature",
    "Highest",
    "InputError",
    "Lowest",
    "Market",
    "MaxATRPercent",
    "Metrics",
    "MinDollarVolume",
    "MinMomentum",
    "MinPrice",
    "Momentum",
    "Notional",
    "Optimization",
    "Order",
    "Position",
    "Result",
    "Settings",
    "StopLoss",
    "Strategy",
    "SweepInterrupted",
    "TakeProfit",
    "TimeExit",
    "TrailingStop",
    "Volatility",
    "accepted_build",
    "catalog",
    "compose",
    "generate_market",
    "load",
    "metrics_of",
    "optimization",
    "run",
    "sweep",
]
