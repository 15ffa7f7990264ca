"""Declared strategies on every kind of account, and those that rank."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from engine.features import SMA, DataColumn, Feature, Momentum
from engine.gates import Gate, MaxATRPercent, MinMomentum, MinPrice
from engine.ranking import DeclaredRanking
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.scenario import COSTS, RULES, Scenario, Workload
from engine.strategy import Above, CrossesAbove, DeclaredStrategy, Notional, Strategy

_TIMED: tuple[Rule, ...] = (TimeExit(7), StopLoss(0.04), TakeProfit(0.06), TrailingStop(0.05))
_GATES: tuple[Gate, ...] = (MinPrice(60.0), MaxATRPercent(14, 4.0), MinMomentum(20, -0.05))
_MARGIN = replace(COSTS, cash=60_000.0, short=True, leverage=2.0, borrow_rate=0.05)
_THIN = replace(COSTS, cash=300_000.0, volume_limit=5e-5, volume_impact=1e5, short=True)
_GRIDS = replace(COSTS, cash=80_000.0, lot=0.1, tick=0.05, minimum_notional=5_950.0, leverage=1.5)
_THIS_CLOSE = replace(COSTS, cash=100_000.0, fill_at="this_close", short=True, leverage=2.0, borrow_rate=0.3)
_NEXT_CLOSE = replace(COSTS, cash=100_000.0, fill_at="next_close", short=True, leverage=2.0, volume_limit=1e-3)
_RUIN = replace(COSTS, cash=60_000.0, short=True, leverage=4.0, borrow_rate=1.0, ruin=50_000.0)
_DAILY = replace(COSTS, cash=1_000_000.0, short=True, leverage=2.0)


def crossing(
    amount: float = 20_000.0, side: str = "long", rules: tuple[Rule, ...] = RULES, gates: tuple[Gate, ...] = ()
) -> Strategy:
    """Return the moving-average cross."""
    fast, slow = SMA(10), SMA(50)
    return DeclaredStrategy(
        CrossesAbove(fast, slow), CrossesAbove(slow, fast), Notional(amount), rules, gates, side=side
    )


def above(
    amount: float = 15_000.0, side: str = "long", rules: tuple[Rule, ...] = RULES, gates: tuple[Gate, ...] = ()
) -> Strategy:
    """Return one that holds while the fast average is above the slow one: dense signals."""
    fast, slow = SMA(5), SMA(20)
    return DeclaredStrategy(Above(fast, slow), Above(slow, fast), Notional(amount), rules, gates, side=side)


def ranking(
    score: Feature,
    count: int = 3,
    exposure: float = 1.0,
    every: int = 1,
    rules: tuple[Rule, ...] = (),
    gates: tuple[Gate, ...] = (),
) -> Strategy:
    """Return one that is long the best and short the worst, as many of each."""
    return DeclaredRanking(score, long=count, short=count, exposure=exposure, every=every, rules=rules, gates=gates)


_SCORE, _GAIN = DataColumn("score"), Momentum(1)
DECLARED: tuple[Scenario, ...] = (
    Scenario("margin_cross", "the cross, short, on margin, with borrow fees", partial(crossing, side="short"), _MARGIN),
    Scenario("margin_level", "dense signals, long, for more than the margin allows", above, _MARGIN),
    Scenario("margin_level_short", "dense signals, short", partial(above, side="short"), _MARGIN),
    Scenario("margin_ruin", "short until the account is ruined", partial(above, side="short"), _RUIN),
    Scenario("thin_volume", "a volume limit and impact: partial fills, exits cut short", above, _THIN),
    Scenario("thin_volume_short", "the same, short", partial(above, side="short"), _THIN),
    Scenario("on_grids", "tenths of shares, ticks and a minimum notional", partial(above, amount=6_000.0), _GRIDS),
    Scenario("at_this_close", "filled at this close", above, _THIS_CLOSE),
    Scenario("at_next_close", "filled at the next close, as far as the volume goes", above, _NEXT_CLOSE),
    Scenario(
        "timed", "a time exit beside stops and targets, short", partial(above, side="short", rules=_TIMED), _MARGIN
    ),
    Scenario("timed_close", "a time exit, filled at this close", partial(above, rules=_TIMED), _THIS_CLOSE),
    Scenario("gated_margin", "behind gates, on margin", partial(above, gates=_GATES), _MARGIN),
    Scenario("ranked", "long the best three, short the worst three", partial(ranking, _SCORE), _DAILY),
    Scenario(
        "ranked_often_full",
        "a ranking for all that the margin allows, with stops, filled at this close",
        partial(ranking, _SCORE, 4, 2.0, rules=RULES),
        _THIS_CLOSE,
    ),
    Scenario(
        "ranked_thin", "a ranking every third day, as far as the volume goes", partial(ranking, _GAIN, 2, 1.5, 3), _THIN
    ),
    Scenario("ranked_gated", "a ranking behind gates", partial(ranking, _GAIN, 2, gates=_GATES), _NEXT_CLOSE),
    Scenario(
        "turnover", "long the 25 highest scores, short the 25 lowest, daily", partial(ranking, _SCORE, 25), _DAILY
    ),
    Scenario(
        "turnover_gain", "long the 25 best of the day, short the 25 worst, daily", partial(ranking, _GAIN, 25), _DAILY
    ),
)
DECLARED_WORKLOADS: tuple[Workload, ...] = (
    Workload("turnover", "turnover_gain"),
    Workload("margin", "margin_level"),
)
