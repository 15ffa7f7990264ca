"""A strategy that is declared by a score: hold the symbols that it ranks highest, and sell the lowest short."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeGuard

from engine.errors import InputError
from engine.features import Feature, are_known_features
from engine.gates import Gate
from engine.model import Bars
from engine.rules import Rule, are_known_rules
from engine.strategy import Context, Strategy, are_known_gates


@dataclass(frozen=True)
class DeclaredRanking(Strategy):
    """Hold the `long` symbols with the highest score, and sell the `short` ones with the lowest short.

    On the first timestamp and every `every`-th after it, the symbols that have a bar there which passes all gates, and
    a score that is not NaN, are ranked by it; of two with the same score the one that is later in symbol order ranks
    higher. Each of those that are chosen gets the same part of `exposure`, which is a fraction of the equity: by
    `Context.target_weights`, so all else that is held is sold. Where fewer than `long` and `short` together can be
    ranked, nothing is ordered.

    Raises:
        InputError: where a number makes no sense.
    """

    score: Feature
    long: int
    short: int = 0
    exposure: float = 1.0
    every: int = 1
    rules: tuple[Rule, ...] = ()
    gates: tuple[Gate, ...] = ()
    features: tuple[Feature, ...] = field(init=False)
    _timestamps: int = field(init=False, default=0, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, least in {"long": 0, "short": 0, "every": 1}.items():
            number = getattr(self, name)
            if not isinstance(number, int) or isinstance(number, bool) or number < least:
                raise InputError(f"a ranking with {name} of {number!r}", hint=f"A whole number: {least} or more")
        if not self.long + self.short:
            raise InputError("a ranking that chooses no symbol", hint="Give a number above 0 for long or short")
        if not (isinstance(self.exposure, (int, float)) and 0.0 < self.exposure < math.inf):
            raise InputError(
                f"a ranking with exposure of {self.exposure!r}", hint="A fraction of the equity: finite and above 0"
            )
        object.__setattr__(self, "features", (self.score,))

    @property
    def weight(self) -> float:
        """The fraction of the equity that each position is to be worth."""
        return self.exposure / (self.long + self.short)

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Rank, and bring the account to the weights."""
        due = self._timestamps % self.every == 0
        object.__setattr__(self, "_timestamps", self._timestamps + 1)
        if not due:
            return
        scores = [(context.feature(self.score.name, bar.symbol), bar.symbol) for bar in bars]
        ranked = sorted(one for one in scores if one[0] == one[0] and context.passes(one[1]))
        if len(ranked) >= self.long + self.short:
            weights = {symbol: -self.weight for _, symbol in ranked[: self.short]}
            weights |= {symbol: self.weight for _, symbol in ranked[len(ranked) - self.long :]}
            context.target_weights(weights)


def is_declared_ranking(strategy: Strategy) -> TypeGuard[DeclaredRanking]:
    """Whether a strategy is a ranking of this very type, in all its parts."""
    return (
        type(strategy) is DeclaredRanking
        and are_known_features(strategy.features)
        and are_known_rules(strategy.rules)
        and are_known_gates(strategy.gates)
    )
