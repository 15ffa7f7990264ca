"""Cases for the fuzzer, drawn by Hypothesis: bars, and a document with all else that a run needs.

Most are small, since small ones run fast and shrink well, and most have a plain account and a declared strategy, which
the builds run by code of their own. What is dear is drawn now and then: long and wide markets, files in other forms,
worker processes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import polars as pl
from hypothesis import strategies as st

from engine.features import ATR, EMA, RSI, SMA, DataColumn, Feature, Highest, Lowest, Momentum, Volatility
from engine.fuzzing.accounts import PLAIN, accounts
from engine.fuzzing.actions import Action, Submit, Target, When
from engine.fuzzing.case import FORMS, Case
from engine.fuzzing.codec import Document, encode
from engine.fuzzing.markets import (
    JUMPS,
    LONG,
    ROUGH_SCALES,
    SCALES,
    TIED_SCALES,
    WIDE,
    Ground,
    Market,
    Scale,
    generated,
    markets,
)
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import FEATURES, RULES, Choices, declared, rankings, scripts
from engine.model import Settings
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.strategy import Side

Drawn = tuple[pl.DataFrame, Document]
LENGTHS = (1, 2, 3, 5, 4, 7, 8, 9, 13, 16, 17, 33)
"""Of features: on both sides of what compiled code adds at once, and longer than many markets."""
_FAST, _SLOW = (1, 1, 2, 1, 3, 2, 4, 8), (2, 3, 1, 2, 4, 3, 5, 2, 8, 9, 13, 16, 17, 33)
_OTHERS: tuple[Feature, ...] = (
    *(EMA(2), EMA(5), RSI(2), RSI(5), ATR(2), ATR(4), Volatility(2), Volatility(9), Momentum(1), Momentum(3)),
    *(Highest(2), Highest(7), Lowest(3), Lowest(8), DataColumn("score")),
)
_SMALL_RULES: tuple[Rule, ...] = (
    *(*RULES, StopLoss(0.001), StopLoss(0.03), StopLoss(0.9), TrailingStop(0.01), TrailingStop(0.07)),
    *(TakeProfit(0.003), TakeProfit(0.1), TimeExit(3)),
)
_HALTS = 32.0, 0.25, 4.0, 1.0
FAMILIES = ("declared", "declared", "declared", "declared", "script", "script", "any account", "sweep", "ranking")
_GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "swept_rules": {
        "stop": (0.05, 0.25, 1.5, 0.001),
        "target": (0.1, 0.5, 0.02),
        "bars": (1, 5, 2),
        "amount": (100.0, 5_000.0, 9.0),
    },
    "swept_features": {"fast": (1, 2, 3, 8), "slow": (2, 3, 9, 17), "amount": (1_000.0, 50.0)},
    "swept_gates": {"momentum": (0.0, -0.5, 0.25, 1e-9), "atr_percent": (50.0, 5.0, 500.0), "length": (1, 2, 3)},
    "swept_chance": {"odds": (0.5, 0.1, 0.9, 1.0)},
}


@st.composite
def grounds(draw: st.DrawFn) -> tuple[Ground, Scale]:
    """Draw a market: small on few levels, small off the grid, or, now and then, long or wide."""
    which = draw(st.integers(0, 39))
    if which == 21:
        return draw(generated(LONG))
    if which == 22:
        return draw(generated(WIDE))
    scales = (TIED_SCALES, SCALES, ROUGH_SCALES)[which % 3]
    return draw(markets(scales=scales, jumps=JUMPS if which % 2 else _HALTS, longer=which < 36))


@st.composite
def plain_accounts(draw: st.DrawFn, scale: Scale) -> Settings:
    """Draw a plain account, with no costs, simple ones, or any; its cash is what so many shares cost.

    Its ruin may be what it starts with, or a little less.
    """
    kind, number, many, ruin = (draw(st.integers(0, most)) for most in (5, 14, 7, 15))
    settings = Settings()
    if kind in (1, 4):
        settings = Settings(commission=0.001, slippage=0.0005)
    elif kind == 5:
        settings = draw(accounts(**PLAIN))
    cash = scale.price(number + 4) * (10.0, 100.0, 30.0, 1e4, 7.0, 1e3, 1e9, 300.0)[many]
    return replace(settings, cash=cash, ruin=cash * (1.0, 0.9, 0.99)[ruin - 13] if ruin > 12 else settings.ruin)


@st.composite
def _strategies(draw: st.DrawFn, family: str, ground: Ground, scale: Scale) -> Case:
    choices = Choices(ground, scale, rules=_SMALL_RULES)
    plain = family != "any account" and draw(st.integers(0, 7)) != 7
    settings = draw(plain_accounts(scale)) if plain else draw(accounts())
    if family == "script" or (family == "any account" and draw(st.booleans())):
        features = (*FEATURES, *(SMA(length) for length in LENGTHS), *_OTHERS)
        script = draw(scripts(choices, features=features, gated=True, most=20))
        if family != "script" or draw(st.integers(0, 2)) == 2:
            script = draw(_asking(script, ground, scale))
        return Case(_faulty(script, draw(st.integers(0, 63)), ground), settings)
    if family == "ranking":
        return Case(draw(rankings(choices, (*FEATURES, *_OTHERS))), draw(accounts()) if plain else settings)
    left: list[Feature] = [SMA(length) for length in _FAST]
    right: list[Side] = [SMA(length) for length in _SLOW]
    others = draw(st.integers(0, 5))
    if others >= 4:  # what has a value on a symbol's first bar
        left, right = [SMA(1), Highest(1), DataColumn("score")], [scale.price(7), scale.price(3), 2.0, 0.0]
    elif others >= 2:
        left += _OTHERS
        right += _OTHERS
        right += [scale.price(0), scale.price(7), 50.0, 0.0, 30.0, 1.0, DataColumn("absent")]
    cash, one = settings.cash, scale.price(draw(st.integers(4, 18)))
    money = [one * 10.0, cash, cash / 2.0, one * 100.0, cash / 3.0, one * 30.0, cash * 0.3, one * 7.0, cash, cash / 2.0]
    money += [one * 1e3, 9.0, 1e17 * scale.unit]
    return Case(draw(declared(choices, left, right, money)), settings)


@st.composite
def _asking(draw: st.DrawFn, script: Script, ground: Ground, scale: Scale) -> Script:
    """Draw a script that orders by its features as well."""
    names = [feature.name for feature in script.features if feature.name != "column:absent"] or ["sma_1"]
    features = script.features or (SMA(1),)
    levels = (0.0, scale.price(0), scale.price(7), 50.0, -1.0, 1.0)
    asking = tuple(
        When(
            draw(st.integers(0, len(ground.steps) - 1)),
            draw(st.sampled_from(ground.symbols)),
            draw(st.sampled_from((10.0, 1.0, -5.0, 100.0))),
            draw(st.sampled_from(names)),
            draw(st.integers(0, 3)),
            draw(st.sampled_from(levels)),
        )
        for _ in range(draw(st.integers(1, 6)))
    )
    return replace(script, actions=(*asking, *script.actions), features=features)


def _faulty(script: Script, fault: int, ground: Ground) -> Script:
    """Return a script that raises at its end, for some of the numbers: a build has to fail where the reference does."""
    step, symbol = max(action.step for action in script.actions), ground.symbols[0]
    faults: dict[int, Action] = {
        41: Submit(step, "no such symbol", 1.0),
        42: Submit(step, symbol, 1.0, terms=(("limit", -1.0),)),
        43: Submit(step, symbol, float("nan")),
        44: Target(step, ((symbol, float("inf")),)),
    }
    if fault == 45:
        return replace(script, features=(*script.features, DataColumn("absent")))
    return replace(script, actions=(*script.actions, faults[fault])) if fault in faults else script


@st.composite
def _sweeps(draw: st.DrawFn, scale: Scale, workers: int) -> Case:
    maker = draw(st.sampled_from(sorted(_GRIDS)))
    grid = _GRIDS[maker]
    names = draw(st.lists(st.sampled_from(sorted(grid)), min_size=1, max_size=2, unique=True))
    parameters = {
        name: draw(st.lists(st.sampled_from(grid[name]), min_size=1, max_size=3, unique=True)) for name in names
    }
    settings = draw(plain_accounts(scale)) if draw(st.booleans()) else draw(accounts())
    return Case(maker, settings, parameters, workers=workers)


@st.composite
def drawn_cases(draw: st.DrawFn, components: Collection[str] = ()) -> Drawn:
    """Draw bars with a document.

    `components` are those that the builds on trial replace: what only a loader or a sweep can get wrong is drawn often
    where one is among them, and else seldom or not at all.
    """
    only = set(components) <= {"sweep"} and bool(components)
    family = "sweep" if only else draw(st.sampled_from(FAMILIES))
    small = family == "sweep" or set(components) <= {"loader"}
    ground, scale = draw(markets() if small else grounds())
    if family == "sweep":
        wanted = draw(st.integers(0, 3 if only else 39)) if "sweep" in components else 0
        case = draw(_sweeps(scale, workers=2 if wanted == 3 else 0))
    else:
        case = draw(_strategies(family, ground, scale))
    forms = draw(st.integers(0, 11)) if "loader" in components else 0
    if set(components) <= {"loader"} and components:
        forms = forms % 3 + 9
    table, form = _as_file(ground, forms, draw(st.integers(0, 7)))
    twin = draw(st.integers(0, len(table) - 1)) if draw(st.integers(0, 9)) > (4 if case.workers else 8) else None
    return table, encode(replace(case, form=form, twin=twin))


def _as_file(ground: Ground, forms: int, more: int) -> tuple[pl.DataFrame, str]:
    """Return a table in another form of file where the number says so, and with more for a loader to do."""
    table = ground.table()
    if forms < 9:
        return table, FORMS[0]
    form = FORMS[forms % len(FORMS)]
    if form == ".csv" and isinstance(ground, Market) and ground.calendar not in ("days", "six hours"):
        form = ".parquet"
    if more & 1:
        table = table.with_columns(note=pl.lit("text"), rank=pl.int_range(pl.len()))
    if more & 2:
        table = table.reverse()
    return table, form
