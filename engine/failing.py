"""Strategies that fail: where and how they do is part of what a build has to keep."""

from __future__ import annotations

from engine.features import SMA, DataColumn, Feature
from engine.model import Bar
from engine.rules import Rule, StopLoss
from engine.strategy import Context, Strategy


class Raises(Strategy):
    """Trades, and raises once it has made a loss on some symbol: the text tells the state of that moment."""

    features: tuple[Feature, ...] = (SMA(5),)
    rules: tuple[Rule, ...] = (StopLoss(0.04),)

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy what stands above its average; raise where what is held has lost three hundredths."""
        position = context.get_position(bar.symbol)
        if position is None:
            if bar.close > context.feature("sma_5", bar.symbol):
                context.submit_order(bar.symbol, 10)
        elif bar.close < position.entry_price * 0.97:
            held, waiting = len(context.held()), len(context.open_orders())
            raise RuntimeError(
                f"{bar.symbol} on {bar.timestamp}: close {bar.close!r}, entry {position.entry_price!r}, "
                f"cash {context.cash!r}, {held} held, {waiting} waiting"
            )


class AsksAhead(Strategy):
    """Asks for tomorrow's average, in the middle of a run."""

    features: tuple[Feature, ...] = (SMA(3),)

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Look back on most bars, and ahead on one."""
        if context.feature("sma_3", bar.symbol, ago=1) > bar.close * 1.03:
            context.feature("sma_3", bar.symbol, ago=-1)


class OrdersUnknown(Strategy):
    """Orders a symbol that is not in the data, after some that are."""

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy one share after the other."""
        context.submit_order(bar.symbol if len(context.held()) < 5 else "NOWHERE", 1)


class MisspelledFeature(Strategy):
    """Asks for a feature that it has not declared."""

    features: tuple[Feature, ...] = (SMA(3),)

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Ask for it once there is something to ask about."""
        if context.feature("sma_3", bar.symbol) > 0.0:
            context.feature("sma_30", bar.symbol)


class NoSuchColumn(Strategy):
    """Declares a feature of a column that the data does not have."""

    features: tuple[Feature, ...] = (DataColumn("nowhere"),)
