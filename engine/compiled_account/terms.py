"""What an account asks and allows, in the form that compiled code takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.arrays import Bools, Floats, Ints
from engine.grid import Grid
from engine.model import FILL_AT, Settings
from engine.reference.holdings import SECONDS_OF_A_DAY, SECONDS_OF_A_YEAR, _seconds_between
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop, are_known_rules

NEXT_OPEN, THIS_CLOSE, NEXT_CLOSE = range(len(FILL_AT))
ON_ENTRY, ON_MARK, ON_TIME = range(3)
MOST = 2**50  # a count up to here, and its value, turn into each other without an error
LARGEST_STEP = 2**40  # so that at least 4 million of them can be counted


class Rules(NamedTuple):
    """The position rules, one element each.

    A level is a price times a factor, `factors[rule, 0]` where short and `[rule, 1]` where long; the factor of a time
    exit is its number of bars. `rising` says whether a long position leaves where the price rises.
    """

    bases: Ints
    factors: Floats
    rising: Bools


class Terms(NamedTuple):
    """`Settings`, and the rules. A step of lots or ticks is `whole` over `parts`, of which one is 1; 0: any price."""

    fill_at: int
    short: bool
    on_margin: bool
    has_volume_limit: bool
    leverage: float
    borrow_rate: float
    ruin: float
    minimum_notional: float
    commission: float
    commission_per_share: float
    commission_fixed: float
    commission_minimum: float
    slippage: float
    slippage_fixed: float
    volume_impact: float
    volume_limit: float
    lot_whole: int
    lot_parts: int
    most_lots: int
    tick_whole: int
    tick_parts: int
    most_ticks: int
    rules: Rules


def covers(settings: Settings, rules: Sequence[Rule]) -> bool:
    """Whether the compiled account knows these settings and rules: all but a lot or tick that is astronomic."""
    grids = [settings.lots, *([settings.ticks] if settings.ticks else [])]
    return are_known_rules(rules) and all(_parts(grid)[0] <= LARGEST_STEP for grid in grids)


def is_plain(settings: Settings) -> bool:
    """Whether it is a cash account in whole shares, at any price and volume, that fills at the next open."""
    plain = Settings()
    names = ("fill_at", "short", "leverage", "volume_impact", "volume_limit", "lot", "tick", "minimum_notional")
    return all(getattr(settings, name) == getattr(plain, name) for name in names)


def terms_of(settings: Settings, rules: Sequence[Rule]) -> Terms:
    """Return settings and rules, which have to be covered."""
    lot_whole, lot_parts = _parts(settings.lots)
    tick_whole, tick_parts = _parts(settings.ticks) if settings.ticks else (1, 0)
    return Terms(
        fill_at=FILL_AT.index(settings.fill_at),
        short=settings.short,
        on_margin=settings.short or settings.leverage > 1.0,
        has_volume_limit=settings.volume_limit < np.inf or settings.volume_impact > 0.0,
        leverage=float(settings.leverage),
        borrow_rate=float(settings.borrow_rate),
        ruin=float(settings.ruin),
        minimum_notional=float(settings.minimum_notional),
        commission=float(settings.commission),
        commission_per_share=float(settings.commission_per_share),
        commission_fixed=float(settings.commission_fixed),
        commission_minimum=float(settings.commission_minimum),
        slippage=float(settings.slippage),
        slippage_fixed=float(settings.slippage_fixed),
        volume_impact=float(settings.volume_impact),
        volume_limit=float(settings.volume_limit),
        lot_whole=lot_whole,
        lot_parts=lot_parts,
        most_lots=min(MOST, 2**62 // lot_whole),
        tick_whole=tick_whole,
        tick_parts=tick_parts,
        most_ticks=min(MOST, 2**62 // tick_whole),
        rules=rules_of(rules),
    )


def _parts(grid: Grid) -> tuple[int, int]:
    return grid._whole, grid._parts


def rules_of(rules: Sequence[Rule]) -> Rules:
    """Return the rules, which have to be of the very types of `engine.rules`."""
    return Rules(
        np.array([_BASES.get(type(rule), ON_ENTRY) for rule in rules], np.int64),
        np.array([_factors(rule) for rule in rules], np.float64).reshape(len(rules), 2),
        np.array([rule.rising for rule in rules], np.bool_),
    )


_BASES: dict[type, int] = {TrailingStop: ON_MARK, TimeExit: ON_TIME}


def _factors(rule: Rule) -> tuple[float, float]:
    """Return the factors of a short and of a long position."""
    match rule:
        case TimeExit():
            return float(rule.bars), float(rule.bars)
        case TakeProfit():
            return 1.0 - rule.fraction, 1.0 + rule.fraction
        case StopLoss() | TrailingStop():
            return 1.0 + rule.fraction, 1.0 - rule.fraction


def fee_rates(settings: Settings, times: Sequence[date]) -> Floats:
    """Return, for each timestamp, the part of what has been short since the one before that is its fee."""
    rates = np.zeros(len(times))
    if not (settings.borrow_rate and settings.short):
        return rates
    if all(type(time) is date for time in times):
        days = np.diff(np.array([time.toordinal() for time in times]))
        seconds = days * SECONDS_OF_A_DAY
    else:
        seconds = np.array([_seconds_between(*pair) for pair in pairwise(times)])
    rates[1:] = settings.borrow_rate * (seconds / SECONDS_OF_A_YEAR)
    return rates
