"""What makes the strategies of drawn sweeps, each from parameters that have names: known to the codec by theirs."""

from __future__ import annotations

from engine.features import SMA
from engine.gates import Gate, MaxATRPercent, MinMomentum
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit
from engine.scenarios import Chance
from engine.strategy import Above, CrossesAbove, DeclaredStrategy, Notional, Strategy
from engine.trials import StrategyMaker


def swept_rules(stop: float = 0.25, target: float = 0.5, bars: int = 5, amount: float = 1_000.0) -> DeclaredStrategy:
    """Return a strategy that is in and out often; a stop of 100 % and more raises."""
    rules: tuple[Rule, ...] = (StopLoss(stop), TakeProfit(target), TimeExit(bars))
    return DeclaredStrategy(Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(amount), rules)


def swept_features(fast: int = 1, slow: int = 3, amount: float = 1_000.0) -> DeclaredStrategy:
    """Return a cross of two averages."""
    enter, leave = CrossesAbove(SMA(fast), SMA(slow)), CrossesAbove(SMA(slow), SMA(fast))
    return DeclaredStrategy(enter, leave, Notional(amount))


def swept_gates(momentum: float = 0.0, atr_percent: float = 50.0, length: int = 2) -> DeclaredStrategy:
    """Return a strategy behind two gates, which trials tighten and loosen."""
    gates: tuple[Gate, ...] = (MinMomentum(length, momentum), MaxATRPercent(length, atr_percent))
    rising = Above(SMA(1), SMA(2))
    return DeclaredStrategy(rising, Above(SMA(2), SMA(1)), Notional(1_000.0), gates=gates)


def swept_chance(odds: float = 0.5) -> Strategy:
    """Return a strategy that tosses coins, with the seed that its trial gives."""
    return Chance(odds)


MAKERS: dict[str, StrategyMaker] = {
    one.__name__: one for one in (swept_rules, swept_features, swept_gates, swept_chance)
}
