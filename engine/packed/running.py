"""A declared strategy, or ready signals, run by the packed loop."""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from engine.arrays import Prices, arrays_of, as_any, side_by_side
from engine.model import PRICES, Settings
from engine.packed.journal import Desk, Lent
from engine.packed.kernel import ON_ENTRY, ON_HIGHEST, ON_TIME, Terms, empty_book, loop
from engine.packed.signals import Signals, words_of
from engine.pipeline import Feed
from engine.rules import Rule, TakeProfit, TimeExit, TrailingStop

MOST_SHARES = 2.0**53
_BASES: dict[type, int] = {TrailingStop: ON_HIGHEST, TimeExit: ON_TIME}
_NAMES = ("fill_at", "short", "leverage", "volume_impact", "volume_limit", "lot", "tick", "minimum_notional")
_PLAIN = Settings()


def covers(settings: Settings) -> bool:
    """Whether these ask for what the packed loop knows: a cash account, whole shares, any price, the next open."""
    return all(getattr(settings, name) == getattr(_PLAIN, name) for name in _NAMES)


def can_count(amount: float, lowest_close: float) -> bool:
    """Whether a float64 holds every number of shares that an order for this money may be for."""
    return bool(amount / lowest_close < MOST_SHARES)


def reasons_of(rules: tuple[Rule, ...]) -> pl.Series:
    """Return the reasons of orders by their numbers."""
    return pl.Series(["signal", *(rule.name for rule in rules)], dtype=pl.String)


def journal_of(
    prices: Prices,
    signals: Signals,
    amount: float,
    rules: tuple[Rule, ...],
    settings: Settings,
    symbols: int,
    desk: Desk,
) -> Lent:
    """Run signals; return what happened."""
    lent = desk.lend(signals.entries, len(signals.enter))
    book = empty_book(symbols, words_of(symbols), settings.cash)
    loop(prices, signals, as_any(terms_of(amount, rules, settings)), book, lent.journal)
    return lent


def terms_of(amount: float, rules: tuple[Rule, ...], settings: Settings) -> Terms:
    """Return costs, size and rules as the kernel takes them."""
    return Terms(
        settings.commission,
        settings.commission_per_share,
        settings.commission_fixed,
        settings.commission_minimum,
        settings.slippage,
        settings.slippage_fixed,
        settings.ruin,
        amount,
        np.array([_BASES.get(type(rule), ON_ENTRY) for rule in rules], np.int64),
        np.array([_factor(rule) for rule in rules], np.float64),
        np.array([rule.rising for rule in rules], np.bool_),
        max((_factor(rule) for rule in rules if isinstance(rule, TrailingStop)), default=0.0),
        min((_factor(rule) for rule in rules if isinstance(rule, TimeExit)), default=math.inf),
    )


def _factor(rule: Rule) -> float:
    if isinstance(rule, TimeExit):
        return float(rule.bars)
    return 1.0 + rule.fraction if isinstance(rule, TakeProfit) else 1.0 - rule.fraction


def prices_on(feed: Feed, desk: Desk) -> Prices:
    """Return the prices of a feed of arrays: as they stand for its first run, side by side from the second on.

    To put them side by side takes as long as several runs, which a market that is run once would not win back.
    """
    arrays = arrays_of(feed)
    if desk.lent:
        return arrays.interleaved
    return side_by_side(*(arrays.matrices[name] for name in PRICES))


def desk_of(feed: Feed) -> Desk:
    """Return the journals that wait with a feed."""
    return _desks.setdefault(feed, Desk())


_desks: WeakKeyDictionary[Feed, Desk] = WeakKeyDictionary()  # exact: memory to write to, no values
