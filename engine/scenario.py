"""What a scenario and a workload are, and the rules and costs that most scenarios share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import Settings
from engine.rules import Rule, StopLoss, TakeProfit, TrailingStop
from engine.strategy import Strategy
from engine.trials import Parameters

RULES: tuple[Rule, ...] = (StopLoss(0.05), TrailingStop(0.08), TakeProfit(0.10))
COSTS = Settings(cash=1_000_000.0, commission=0.001, slippage=0.0005)


@dataclass(frozen=True)
class Scenario:
    """One strategy with its settings; `make` gives a new strategy.

    With `parameters` it is a sweep: its outputs are then the table of the trials. A sweep multiplies the work, so it
    may be bound to the market's first symbols.
    """

    name: str
    about: str
    make: Callable[..., Strategy]
    settings: Settings = COSTS
    parameters: Parameters | None = None
    symbols: int | None = None


@dataclass(frozen=True)
class Workload:
    """What an optimization is judged on: a figure of a scenario.

    `figure` is "run" (a run, when one has gone before), "cold" (the first run, with empty caches), "kept" (the first
    run of a process that finds what others have kept) or "load". `form` is the file that the data is given in, if
    not as it comes.
    """

    name: str
    scenario: str
    figure: str = "run"
    form: str | None = None
