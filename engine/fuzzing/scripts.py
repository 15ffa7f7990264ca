"""Strategies, drawn by Hypothesis: scripts, and declared ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from engine.features import ATR, EMA, RSI, SMA, DataColumn, Feature, Highest, Lowest, Momentum, Volatility
from engine.fuzzing.accounts import accounts
from engine.fuzzing.actions import Action, Cancel, Replace, Submit, Target
from engine.fuzzing.markets import Ground, Market, Scale, markets
from engine.fuzzing.script import Script
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.model import Settings
from engine.ranking import DeclaredRanking
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.strategy import Above, Condition, CrossesAbove, DeclaredStrategy, Notional, Side

FRACTIONS = (0.125, 0.25, 0.05, 0.5)
FEATURES: tuple[Feature, ...] = (
    SMA(1),
    SMA(2),
    SMA(3),
    EMA(2),
    RSI(2),
    ATR(2),
    Volatility(2),
    Momentum(1),
    Highest(2),
    Lowest(3),
    DataColumn("score"),
)
RULES: tuple[Rule, ...] = (
    *(StopLoss(fraction) for fraction in FRACTIONS),
    *(TakeProfit(fraction) for fraction in (*FRACTIONS, 1.0)),
    *(TrailingStop(fraction) for fraction in FRACTIONS),
    *(TimeExit(bars) for bars in (1, 2, 5)),
)
TIME_EXITS: tuple[Rule, ...] = tuple(TimeExit(bars) for bars in (1, 2, 3, 4))
KINDS = ("market", "market", "limit", "stop", "stop_limit", "trailing_stop")
QUANTITIES = (10.0, 30.0, 1.0, 100.0, 2.5, 7.25, 300.0, 0.3)
MONEY = (1_000.0, 100.0, 400.0, 37.0, 9_000.0)
SIGNS = (1.0, 1.0, -1.0)
PARTS = (-1.0, -0.5, 1.0, -2.0)  # of what is held
CODE = 20  # bytes


class Code:
    """Bytes, of which each chooses among some values; those of 0 choose the first."""

    def __init__(self, code: bytes) -> None:
        self._bytes = iter(code)

    def one_of(self, values: Sequence[Any]) -> Any:
        """Return the value that the next byte chooses; the first where there is none left."""
        return values[next(self._bytes, 0) % len(values)]

    def price(self, scale: Scale) -> float:
        """Return a price of the market's."""
        return scale.price(self.one_of(range(-3, 19)))

    def rules(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Return none to two rules."""
        return tuple(self.one_of(rules) for _ in range(self.one_of((0, 1, 2))))


@dataclass(frozen=True)
class Choices:
    """What a script may do: orders of these kinds, with these rules, and whether it does other things, too.

    `bracketed`: more of its orders have a bracket.
    """

    market: Ground
    scale: Scale
    kinds: Sequence[str] = KINDS
    others: bool = True
    rules: Sequence[Rule] = RULES
    bracketed: bool = False

    def action(self, code: Code) -> Action:
        """Return what a code stands for."""
        step, what = code.one_of(range(len(self.market.steps))), code.one_of(range(10 if self.others else 7))
        match what:
            case 7:
                return Cancel(step, code.one_of(range(6)))
            case 8:
                price = code.one_of((None, code.price(self.scale)))
                return Replace(step, code.one_of(range(6)), code.one_of((None, 0.5, 2.0, 0.25)), price)
            case 9:
                weights = [
                    (code.one_of(self.market.symbols), code.one_of((0.5, 0.25, 1.0, -0.5)))
                    for _ in range(code.one_of(range(4)))
                ]
                return Target(step, tuple(weights))
        symbol, sign = code.one_of(self.market.symbols), code.one_of(SIGNS)
        if what < 4:
            return Submit(step, symbol, sign * code.one_of(QUANTITIES), "shares", self.terms(code))
        if what == 4:
            return Submit(step, symbol, sign * code.one_of(MONEY), "money", self.terms(code))
        return Submit(step, symbol, code.one_of(PARTS), "held", self.terms(code))

    def terms(self, code: Code) -> tuple[tuple[str, Any], ...]:
        """Return the terms of an order."""
        kind, more = code.one_of(self.kinds), code.one_of(range(64))
        terms: dict[str, Any] = {}
        if kind in ("limit", "stop_limit"):
            terms["limit"] = code.price(self.scale)
        if kind in ("stop", "stop_limit"):
            terms["stop"] = code.price(self.scale)
        if kind == "trailing_stop":
            terms["trail"] = code.one_of(FRACTIONS)
        if self.kinds != ("market",):
            terms |= {"day": True} if more & 3 == 1 else {}
            terms |= {"take_profit": code.price(self.scale)} if more & 12 == 12 or self.bracketed else {}
            terms |= {"stop_loss": code.price(self.scale)} if more & 20 == 20 or self.bracketed else {}
        if more & 34 == 34:
            terms["rules"] = code.rules(self.rules)
        return tuple(terms.items())

    def gates(self, code: Code) -> tuple[Gate, ...]:
        """Return gates that let some bars through."""
        gates: tuple[Gate, ...] = (
            MinPrice(code.price(self.scale)),
            MinMomentum(code.one_of((1, 2)), code.one_of((0.0, -0.5))),
            MaxATRPercent(code.one_of((1, 3)), code.one_of((20.0, 200.0))),
            MinDollarVolume(code.one_of((1, 2)), code.one_of((50.0, 1_000.0))),
        )
        return tuple({one.name: one for one in (code.one_of(gates), code.one_of(gates))}.values())


CODES = st.binary(min_size=CODE, max_size=CODE).map(Code)


@st.composite
def scripts(
    draw: st.DrawFn, choices: Choices, *, features: Sequence[Feature] = (), gated: bool = False, most: int = 30
) -> Script:
    """Draw a script; one in four that may be `gated` is."""
    count = draw(st.integers(1, most))
    codes = draw(st.lists(CODES, min_size=count, max_size=count))
    code = draw(CODES)
    shut = code.one_of(range(4)) == 3
    return Script(
        tuple(choices.action(one) for one in codes),
        features=tuple(dict.fromkeys(code.one_of(features) for _ in range(4))) if features else (),
        gates=choices.gates(code) if gated and shut else (),
        rules=code.rules(choices.rules),
        by_bar=code.one_of((False, True)),
    )


LEFT: tuple[Feature, ...] = (SMA(1), SMA(2), SMA(3))
RIGHT: tuple[Side, ...] = (SMA(2), SMA(1), SMA(3), SMA(4))


@st.composite
def declared(
    draw: st.DrawFn,
    choices: Choices,
    left: Sequence[Feature] = LEFT,
    right: Sequence[Side] = RIGHT,
    amounts: Sequence[float] = (1_000.0, 100.0, 9.0, 5_000.0),
) -> DeclaredStrategy:
    """Draw a declared strategy, one in three of which has gates."""
    code = draw(CODES)

    def condition() -> Condition:
        kind, sides = code.one_of((Above, CrossesAbove)), (code.one_of(left), code.one_of(right))
        made: Condition = kind(*sides)
        return made

    size = Notional(code.one_of(amounts))
    shut = code.one_of(range(3)) == 2
    parts = condition(), condition(), size, code.rules(choices.rules), choices.gates(code) if shut else ()
    return DeclaredStrategy(*parts, side="short" if code.one_of(range(8)) == 7 else "long")


@st.composite
def rankings(draw: st.DrawFn, choices: Choices, features: Sequence[Feature] = FEATURES) -> DeclaredRanking:
    """Draw a declared ranking of a few symbols, one in three of which has gates."""
    code = draw(CODES)
    short = code.one_of((1, 0, 2, 3))
    return DeclaredRanking(
        code.one_of(features),
        code.one_of((1, 2, 0, 3) if short else (1, 2, 3)),
        short,
        exposure=code.one_of((1.0, 0.5, 2.0, 0.99, 1e15)),
        every=code.one_of((1, 2, 1, 3)),
        rules=code.rules(choices.rules),
        gates=choices.gates(code) if code.one_of(range(3)) == 2 else (),
    )


Drawn = tuple[Market, Script, Settings]


@st.composite
def cases(
    draw: st.DrawFn,
    /,
    *,
    features: Sequence[Feature] = (),
    gated: bool = True,
    bracketed: bool = False,
    **choices: tuple[Any, ...],
) -> Drawn:
    """Draw a market, a script for it, and an account; `choices` as for `accounts`, the others as for scripts."""
    market, scale = draw(markets())
    script = draw(scripts(Choices(market, scale, bracketed=bracketed), features=features, gated=gated))
    return market, script, draw(accounts(**choices))
