"""A strategy that is a list of things to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from engine.features import Feature
from engine.fuzzing.actions import Action, Submit
from engine.gates import Gate
from engine.model import Bar, Bars
from engine.rules import Rule
from engine.strategy import Context, Strategy


class View(NamedTuple):
    """What a strategy is shown at a timestamp, in words: every value as Python writes it, and so to the last bit."""

    timestamp: date
    account: str
    market: str
    orders: str
    features: str


class Seen(list[View]):
    """What a strategy was shown, a view a timestamp; the copy that a run makes of the strategy writes here too."""

    def __deepcopy__(self, memo: object) -> Seen:
        return self


@dataclass
class Script(Strategy):
    """Does what is listed, by the number of the timestamp on which it is called.

    `by_bar`: it submits orders from `on_bar`, so only for bars that it is shown. `only_listed`: it names no symbol
    that has had no bar yet. `seen` takes down what it is shown.
    """

    actions: tuple[Action, ...] = ()
    features: tuple[Feature, ...] = ()
    gates: tuple[Gate, ...] = ()
    rules: tuple[Rule, ...] = ()
    by_bar: bool = False
    only_listed: bool = False
    seen: Seen | None = field(default=None, init=False)
    step: int = field(default=-1, init=False)
    due: list[Action] = field(default_factory=list, init=False)

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Print as Python does: Hypothesis asks a DataColumn for its `kind`, which it does not have."""
        printer.text(repr(self))

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Do what is due, and take down what there is to see."""
        self.step += 1
        self.due = [action for action in self.actions if action.step == self.step]
        if self.seen is not None:
            self.seen.append(self._view(context, bars))
        for action in self.due:
            if not (self.by_bar and isinstance(action, Submit)):
                self._do(context, action)
        if self.by_bar:
            super().on_bars(context, bars)

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Submit what is due for this symbol."""
        for action in self.due:
            if isinstance(action, Submit) and action.symbol == bar.symbol:
                self._do(context, action)

    def _do(self, context: Context, action: Action) -> None:
        if self.only_listed:
            action = action.only(lambda symbol: not math.isnan(context.close(symbol)))
        action.do(context)

    def _view(self, context: Context, bars: Bars) -> View:
        symbols = [bar.symbol for bar in context.bars]
        account = (self.step, context.cash, context.equity, [context.get_position(held) for held in context.held()])
        market = (context.timestamp, list(bars), len(bars), [context.close(symbol) for symbol in symbols])
        features = [(one.name, context.feature(one.name, of, 1)) for one in self.features for of in symbols]
        return View(context.timestamp, repr(account), repr(market), repr(context.open_orders()), repr(features))

    def changed(self, change: Callable[[Action], Action]) -> Script:
        """Return a script that does other things."""
        return replace(self, actions=tuple(change(action) for action in self.actions))

    def watched(self) -> Script:
        """Return a script that takes down what it is shown, on a list of its own."""
        watched = replace(self)
        watched.seen = Seen()
        return watched
