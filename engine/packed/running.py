"""A declared strategy, or ready signals, run by the packed loop."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.arrays import Prices, arrays_of, as_any, side_by_side
from engine.compiled_account.terms import ON_MARK, ON_TIME, rules_of
from engine.model import PRICES, Settings
from engine.packed.journal import Desk, Lent
from engine.packed.kernel import Terms, empty_book, loop
from engine.packed.signals import Signals, words_of
from engine.pipeline import Feed
from engine.rules import Rule

MOST_SHARES = 2.0**53


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
    """Return costs, size and rules as the kernel takes them; its positions are long."""
    bases, factors, rising = rules_of(rules)
    of_long = factors[:, 1].copy()
    return Terms(
        settings.commission,
        settings.commission_per_share,
        settings.commission_fixed,
        settings.commission_minimum,
        settings.slippage,
        settings.slippage_fixed,
        settings.ruin,
        amount,
        bases,
        of_long,
        rising,
        float(of_long[bases == ON_MARK].max(initial=0.0)),
        float(of_long[bases == ON_TIME].min(initial=np.inf)),
    )


def prices_on(feed: Feed, desk: Desk) -> Prices:
    """Return the prices of a feed of arrays: as they stand for its first run, side by side from the second on.

    To put them side by side takes as long as several runs, which a market that is run once would not win back.
    """
    arrays = arrays_of(feed)
    if desk.lent:
        return arrays.interleaved
    return side_by_side(*(arrays.matrices[name] for name in PRICES))


def desk_of(feed: Feed) -> Desk:
    """Return the journals that wait with a market."""
    desk: Desk = arrays_of(feed).kept.setdefault("desk", Desk())
    return desk
