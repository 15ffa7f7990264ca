"""Strategies in plain Python for the fuzzer: one that waits, and one that takes all bars of a time as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.conditions import Wait
from engine.features import Feature
from engine.gates import Gate
from engine.model import Bar, Bars
from engine.rules import Rule
from engine.strategy import Context, Strategy


@dataclass
class Plain(Strategy):
    """Orders one of these quantities after another: 0 orders nothing, NaN sells what is held, infinity cancels.

    `every` is after how many orders comes one with a limit, which array accounts do not know; 0: never.
    """

    quantities: tuple[float, ...] = (1.0,)
    features: tuple[Feature, ...] = ()
    gates: tuple[Gate, ...] = ()
    rules: tuple[Rule, ...] = ()
    every: int = 0
    calls: int = field(default=0, init=False)
    orders: int = field(default=0, init=False)

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Print as Python does: Hypothesis asks a DataColumn for its `kind`, which it does not have."""
        printer.text(repr(self))

    def next_quantity(self) -> float:
        """Return the quantity whose turn it is."""
        self.calls += 1
        return self.quantities[self.calls % len(self.quantities)]

    def order(self, context: Context, symbol: str, quantity: float) -> None:
        """Order so much."""
        if math.isinf(quantity):
            for order in context.open_orders(symbol):
                context.cancel_order(order.order_id)
            return
        if math.isnan(quantity):
            position = context.get_position(symbol)
            quantity = -position.quantity if position else 0.0
        if quantity:
            self.orders += 1
            limited = self.every and self.orders % self.every == 0
            terms = {"limit": context.close(symbol)} if limited else {}
            context.submit_order(symbol, quantity, f"order {self.calls % 3}", **terms)


@dataclass
class Patient(Plain):
    """Orders on the bars that it waits for; the features of what it waits for have to be among its own."""

    waits: tuple[Wait, ...] | None = ()

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Order the next quantity, where no feature says not to."""
        quantity = self.next_quantity()
        values = [context.feature(one.name, bar.symbol, self.calls % 2) for one in self.features]
        if not any(value < 0.0 for value in values):
            self.order(context, bar.symbol, quantity)


@dataclass
class Sliced(Plain):
    """Orders every `stride`-th symbol of those that have a bar, all at once, and now and then one by itself."""

    stride: int = 1

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Order the next quantities."""
        here = bars.values("close") > 0.0
        for one in self.features:
            here &= ~(context.values(one.name) < 0.0)
        chosen = np.flatnonzero(here)[:: self.stride]
        held = context.quantities()
        wanted = np.array([self.next_quantity() for _ in chosen])
        odd = np.flatnonzero(np.isinf(wanted))
        wanted = np.where(np.isnan(wanted), -held[chosen], wanted)
        taken = (wanted != 0.0) & np.isfinite(wanted)
        done = context.submit_orders(chosen[taken], wanted[taken], "at once")
        for place in chosen[odd]:
            self.order(context, context.symbols[place], math.inf if len(done) % 2 else 3.0)
