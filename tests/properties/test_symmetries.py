"""What may be changed in the data so that the outputs change as it did, and in nothing else."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import load
from engine.features import ATR, EMA, RSI, SMA, Highest, Lowest, Momentum, Volatility
from engine.fuzzing.accounts import NO_COSTS, accounts
from engine.fuzzing.actions import Action, Replace, Target
from engine.fuzzing.markets import Market, Scale, markets
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import FEATURES, TIME_EXITS, Choices, Drawn, cases, scripts
from engine.gates import Gate, MinDollarVolume, MinPrice
from engine.model import Settings
from tests.properties.comparing import assert_same, changed, run, without_signed_zeros
from tests.properties.examples import examples

PRICES = ("limit", "stop", "price", "entry_price", "exit_price")
MONEY = (*PRICES, "commission", "slippage", "pnl", "cash", "value", "equity", "borrow_fees")
MONEY_SETTINGS = (
    "cash",
    "ruin",
    "commission_per_share",
    "commission_fixed",
    "commission_minimum",
    "slippage_fixed",
    "tick",
    "minimum_notional",
)
IN_MONEY = (SMA, EMA, ATR, Highest, Lowest)
BARE = (SMA(2), EMA(2), ATR(2), Highest(2), Lowest(2), RSI(2), Momentum(1), Volatility(2))


def _in_other_money(gate: Gate, factor: float) -> Gate:
    return replace(gate, threshold=gate.threshold * factor) if isinstance(gate, MinPrice | MinDollarVolume) else gate


@examples(100)
@given(cases(features=BARE), st.sampled_from((2.0, 0.5, 4.0, 0.25, 1024.0)))
def test_a_currency_of_twice_the_worth_halves_all_money_and_nothing_else(case: Drawn, factor: float) -> None:
    """For factors that are powers of two, to the last bit. A tick has to be one over a whole number then, too."""
    market, script, settings = case
    tick = settings.tick * factor
    assume(tick == 0.0 or (tick >= 1.0 and tick == int(tick)) or (tick < 1.0 and 1.0 / tick == int(1.0 / tick)))
    other = replace(settings, **{name: getattr(settings, name) * factor for name in MONEY_SETTINGS})
    scaled = replace(
        script.changed(lambda action: action.scaled(factor)),
        gates=tuple(_in_other_money(gate, factor) for gate in script.gates),
    )
    expected = run(market, script, settings).outputs()
    obtained = run(market.changed(lambda row: row.with_prices(lambda price: price * factor)), scaled, other).outputs()
    money = (*MONEY, *(feature.name for feature in script.features if isinstance(feature, IN_MONEY)))
    assert_same(changed(expected, money, lambda column: column * factor), obtained)


NAMES = st.lists(st.text(min_size=1, max_size=3), min_size=4, max_size=4, unique=True).map(sorted)


@examples(100)
@given(cases(features=BARE), NAMES)
def test_other_names_in_the_same_order_change_names_only(case: Drawn, chosen: list[str]) -> None:
    market, script, settings = case
    names = dict(zip("ABCD", chosen, strict=True))
    expected = run(market, script, settings).outputs()
    renamed = market.changed(lambda row: row._replace(symbol=names[row.symbol]))
    obtained = run(renamed, script.changed(lambda action: action.renamed(names)), settings).outputs()
    assert_same(changed(expected, ["symbol"], lambda column: column.replace_strict(names)), obtained)


@st.composite
def cases_with_a_stranger(draw: st.DrawFn) -> tuple[Market, Market, Script, Settings]:
    """Draw a market with a symbol that the script never trades, the market without it, a script, and its account."""
    market, scale = draw(markets(names="ABDE"))
    stranger, _ = draw(markets(names="C", calendars=(market.calendar,)))
    steps = set(market.steps)
    joined = [*market.rows, *(row for row in stranger.rows if row.step in steps)]
    script = draw(scripts(Choices(market, scale), features=BARE, gated=True))
    return market.of(joined), market, script, draw(accounts())


@examples(100)
@given(cases_with_a_stranger())
def test_a_symbol_that_is_never_traded_changes_nothing_else(case: tuple[Market, Market, Script, Settings]) -> None:
    """Where its bars stand at timestamps of others: a timestamp of its own is a row of equity, and a day that ends."""
    joined, market, script, settings = case
    expected, obtained = (run(one, script, settings).outputs() for one in (market, joined))
    known = pl.col("symbol") != "C"
    assert_same(
        expected,
        {name: table.filter(known) if "symbol" in table.columns else table for name, table in obtained.items()},
    )


@examples(100)
@given(cases(features=FEATURES), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_makes_no_difference(case: Drawn, chance) -> None:
    market, script, settings = case
    table = market.table()
    order = list(range(len(table)))
    chance.shuffle(order)
    expected, obtained = (load(one, build=()).run(script, settings).outputs() for one in (table, table[order]))
    assert_same(expected, obtained)


FINE = (Scale(128.0, 1.0 / 64.0), Scale(96.0, 2.0), Scale(64.0, 0.5))  # all of them whole 64ths between 64 and 192
AMPLE = {
    **NO_COSTS,
    "cash": (1e9,),
    "ruin": (0.0,),
    "short": (True,),
    "leverage": (1e6,),
    "borrow_rate": (0.0,),
    "tick": (0.0, 1.0 / 64.0),
    "minimum_notional": (0.0,),
    "lot": (1.0, 10.0, 0.5, 0.25),
}
"""No costs, short selling, and so much cash that nothing is refused; money that a float64 holds to the last bit."""


@st.composite
def mirrored_cases(draw: st.DrawFn, *kinds: str) -> Drawn:
    """Draw a market on a fine grid, and a script without fractions of prices."""
    market, scale = draw(markets(scales=FINE, jumps=(1.0,)))
    script = draw(scripts(Choices(market, scale, kinds, rules=TIME_EXITS)))
    return market, script, draw(accounts(**AMPLE))


def _flipped(action: Action) -> Action:
    return action.flipped()


@examples(100)
@given(mirrored_cases("market"))
def test_selling_short_is_buying_with_every_sign_changed(case: Drawn) -> None:
    """Without costs: the same prices, negated quantities and pnl; mfe and mae change places, and their signs.

    Position rules but the time exit are left out: a level 5 % below the entry has no mirror on the same prices. Cash
    and value are exact here, so that both accounts gain and lose the same. Target weights are of the equity, which
    differs, so they are left out as well.
    """
    market, script, settings = case
    actions = (one for one in script.actions if not isinstance(one, Target))
    script = replace(
        script, actions=tuple(replace(one, price=None) if isinstance(one, Replace) else one for one in actions)
    )
    expected = run(market, script, settings).account()
    obtained = run(market, script.changed(_flipped), settings).account()
    cash = settings.cash
    trades, equity = expected["trades"], expected["equity"]
    expected = changed(expected, ["quantity", "pnl"], lambda column: 0.0 - column) | {
        "equity": equity.with_columns(
            cash=2 * cash - equity["cash"], value=0.0 - equity["value"], equity=2 * cash - equity["equity"]
        )
    }
    expected["trades"] = expected["trades"].with_columns(mfe=0.0 - trades["mae"], mae=0.0 - trades["mfe"])
    assert_same(without_signed_zeros(expected), without_signed_zeros(obtained))


@examples(100)
@given(mirrored_cases("market", "limit", "stop", "stop_limit"))
def test_the_opposite_orders_on_mirrored_prices_fill_at_mirrored_prices(case: Drawn) -> None:
    """Prices p become 256 - p, buys become sales: all that happens is mirrored, and both accounts gain the same.

    Trailing stops and position rules but the time exit are left out: fractions of a price have no mirror. So are the
    average entry price of several fills, and what is a fraction of it.
    """
    market, script, settings = case
    actions = (one for one in script.actions if not isinstance(one, Target) and getattr(one, "of", "") != "money")
    script = replace(script, actions=tuple(actions))

    def mirror(price: float) -> float:
        return 256.0 - price

    turned = script.changed(lambda action: action.with_prices(mirror).flipped())
    expected = run(market, script, settings).account()
    obtained = run(market.changed(lambda row: row.with_prices(mirror)), turned, settings).account()
    cash = expected["equity"]["equity"] - expected["equity"]["value"]
    assert cash.equals(expected["equity"]["cash"].rename("equity"))
    expected = changed(expected, ["limit", "stop", "price", "exit_price"], lambda column: 256.0 - column)
    expected = changed(expected, ["quantity"], lambda column: 0.0 - column)
    hidden = ("entry_price", "pnl", "mfe", "mae", "cash", "value")
    shown = [
        {name: table.select(pl.exclude(hidden)) for name, table in outputs.items()} for outputs in (expected, obtained)
    ]
    assert_same(*(without_signed_zeros(outputs) for outputs in shown))
