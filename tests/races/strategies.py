"""The strategies of the race that are no scenarios of the engine's: W's on every bar, and with stops from a grid."""

from __future__ import annotations

from engine import SMA, Above, CrossesAbove, DeclaredStrategy, Notional, StopLoss, TakeProfit, TrailingStop
from engine.scenario import RULES, Scenario
from engine.scenarios import SCENARIOS

_FAST, _SLOW, _AMOUNT = SMA(10), SMA(50), Notional(20_000.0)


def level() -> DeclaredStrategy:
    """Return W's strategy with signals that hold as long as one average is above the other."""
    return DeclaredStrategy(Above(_FAST, _SLOW), Above(_SLOW, _FAST), _AMOUNT, RULES)


def cross_with(stop_loss: float, take_profit: float) -> DeclaredStrategy:
    """Return W's strategy with another stop and another target."""
    rules = (StopLoss(stop_loss), TrailingStop(0.08), TakeProfit(take_profit))
    return DeclaredStrategy(CrossesAbove(_FAST, _SLOW), CrossesAbove(_SLOW, _FAST), _AMOUNT, rules)


STOPS = [number / 100 for number in range(1, 11)]
TARGETS = [number / 50 for number in range(1, 11)]
_OURS = (
    Scenario("race_level", "SMA 10 above SMA 50 on every bar: dense signals", level),
    Scenario(
        "race_sweep",
        "the cross with 10 stops and 10 targets",
        cross_with,
        parameters={"stop_loss": STOPS, "take_profit": TARGETS},
    ),
)
_BY_NAME = {**SCENARIOS, **{one.name: one for one in _OURS}}


def find(name: str) -> Scenario:
    """Return a scenario of the engine's or of the race's.

    Raises:
        KeyError: where there is none of this name.
    """
    return _BY_NAME[name]
