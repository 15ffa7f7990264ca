"""A strategy that is a list of things to do, and what Hypothesis draws it from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from engine.features import ATR, EMA, RSI, SMA, DataColumn, Feature, Highest, Lowest, Momentum, Volatility
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.model import Bar, Bars, Settings
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.strategy import Above, Condition, Context, CrossesAbove, DeclaredStrategy, Notional, Strategy
from tests.properties.actions import Action, Cancel, Replace, Submit, Target
from tests.properties.drawing import Market, Scale, accounts, markets


class Seen(list[str]):
    """What a strategy was shown, a line a timestamp; the copy that a run makes of the strategy writes here too."""

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
    seen: Seen | None = None
    step: int = -1
    due: list[Action] = field(default_factory=list)

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

    def _view(self, context: Context, bars: Bars) -> str:
        symbols = [bar.symbol for bar in context.bars]
        features = [(one.name, context.feature(one.name, of, 1)) for one in self.features for of in symbols]
        account = (context.cash, context.equity, [context.get_position(held) for held in context.held()])
        market = (context.timestamp, list(bars), len(bars), [context.close(symbol) for symbol in symbols])
        return repr((self.step, account, market, context.open_orders(), features))

    def changed(self, change: Callable[[Action], Action]) -> Script:
        """Return a script that does other things."""
        return replace(self, actions=tuple(change(action) for action in self.actions))

    def watched(self) -> Script:
        """Return a script that takes down what it is shown, on a list of its own."""
        return replace(self, seen=Seen())


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
        """Return the value that the next byte chooses."""
        return values[next(self._bytes) % len(values)]

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

    market: Market
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


@st.composite
def declared(draw: st.DrawFn, choices: Choices) -> DeclaredStrategy:
    """Draw a declared strategy."""
    code = draw(CODES)

    def condition() -> Condition:
        kind, left, right = code.one_of((Above, CrossesAbove)), code.one_of((1, 2, 3)), code.one_of((2, 1, 3, 4))
        made: Condition = kind(SMA(left), SMA(right))
        return made

    size = Notional(code.one_of((1_000.0, 100.0, 9.0, 5_000.0)))
    shut = code.one_of(range(3)) == 2
    return DeclaredStrategy(condition(), condition(), size, code.rules(RULES), choices.gates(code) if shut else ())


Drawn = tuple[Market, Script, Settings]


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    features: Sequence[Feature] = (),
    gated: bool = True,
    bracketed: bool = False,
    **choices: tuple[object, ...],
) -> Drawn:
    """Draw a market, a script for it, and an account; `choices` as for `accounts`, the others as for scripts."""
    market, scale = draw(markets())
    script = draw(scripts(Choices(market, scale, bracketed=bracketed), features=features, gated=gated))
    return market, script, draw(accounts(**choices))
