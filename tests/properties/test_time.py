"""Nothing that comes later changes what was before."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.fuzzing.accounts import accounts
from engine.fuzzing.actions import Submit
from engine.fuzzing.markets import SCALES, Market, Row, markets
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import FEATURES, Choices, Drawn, scripts
from engine.model import Result, Settings
from tests.properties.comparing import assert_same, moment_of, run, upto
from tests.properties.examples import examples

BUILDS = pytest.mark.parametrize("build", [(), None], ids=["reference", "accepted build"])


@st.composite
def cut_cases(draw: st.DrawFn, **choices: tuple[object, ...]) -> tuple[Market, Market, int, Script, Settings]:
    """Draw a market, another one, the step after which it turns into that one, a script and its account.

    Which symbols the data has at all is known from the start: an order for another one raises. So where the two do not
    have the same, the script orders none before its first bar.
    """
    market, scale = draw(markets())
    other, _ = draw(markets(calendars=(market.calendar,), scales=SCALES[:2]))
    step = draw(st.sampled_from(market.steps))
    script = draw(scripts(Choices(market, scale), features=FEATURES, gated=True))
    settings = draw(accounts(**choices))
    later = [row for row in other.rows if row.step > step]
    turned = market.of([*(row for row in market.rows if row.step <= step), *later])
    return market, turned, step, replace(script, only_listed=market.symbols != turned.symbols), settings


@BUILDS
@examples(100)
@given(cut_cases())
def test_what_comes_later_changes_nothing_before_it(build, case: tuple[Market, Market, int, Script, Settings]) -> None:
    market, turned, step, script, settings = case
    moment = moment_of(market, step)
    expected, obtained = (run(one, script, settings, build).outputs() for one in (market, turned))
    assert_same(upto(expected, moment), upto(obtained, moment))


@BUILDS
@examples(100)
@given(cut_cases())
def test_a_prefix_of_the_data_gives_a_prefix_of_every_output(
    build, case: tuple[Market, Market, int, Script, Settings]
) -> None:
    market, _, step, script, settings = case
    script = replace(script, only_listed=True)
    prefix = market.changed(lambda row: row if row.step <= step else None)
    whole = run(market, script, settings, build).outputs()
    assert_same(upto(whole, moment_of(market, step)), run(prefix, script, settings, build).outputs())


@st.composite
def margin_cases(draw: st.DrawFn) -> Drawn:
    """Draw a market, a script of large market orders, and a small margin account that fills them at the open."""
    market, scale = draw(markets(scales=SCALES[:2]))
    script = draw(scripts(Choices(market, scale, kinds=("market",))))
    settings = draw(accounts(fill_at=("next_open",), short=(True,), cash=(1_000.0, 400.0, 10_000.0), lot=(1.0,)))
    return market, script, settings


FLAT = (10.0, 10.0, 10.0, 10.0, 100.0, None)
SHORT_B_THEN_BUY_A: tuple[Drawn, int] = (
    (
        Market("days", tuple(Row(step, symbol, *FLAT) for step in range(3) for symbol in "AB")),
        Script((Submit(0, "B", -50.0), Submit(1, "A", 50.0))),
        Settings(cash=1_000.0, short=True),
    ),
    5,  # the day of the buy, on which B then closes at 40
)


@example(*SHORT_B_THEN_BUY_A)
@examples(100)
@given(margin_cases(), st.integers(0, 999))
def test_what_fills_at_an_open_does_not_see_the_rest_of_its_bar(case: Drawn, number: int) -> None:
    """A market order at the open: its fill or rejection depends on what was before, on opens, and on volumes.

    The volume of the bar is the exception that volume limits make: they are about it.
    """
    market, script, settings = case
    result = run(market, script, settings)
    moments = result.bars["timestamp"].unique(maintain_order=True).to_physical()
    done = [*result.fills["timestamp"].to_physical(), *result.rejections["timestamp"].to_physical()]
    if not done:
        return
    moment = done[number % len(done)]
    step = market.steps[moments.to_list().index(moment)]

    def with_another_rest(row: Row) -> Row:
        if row.step < step:
            return row
        close = row.open * (0.25, 4.0, 1.0)[(number + row.step + ord(row.symbol)) % 3]
        return row._replace(low=min(row.open, close), high=max(row.open, close), close=close)

    expected, obtained = (
        at_the_open(one, moment) for one in (result, run(market.changed(with_another_rest), script, settings))
    )
    assert_same(expected, obtained)


def at_the_open(result: Result, moment: int) -> dict[str, pl.DataFrame]:
    """Return what became of the market orders that waited for the open of a timestamp, and all before."""
    orders, here = result.orders, upto(result.account(), moment)
    waited = orders.filter((orders["kind"] == "market") & (orders["timestamp"].to_physical() < moment))
    return {name: here[name].join(waited, on="order_id", how="semi") for name in ("fills", "rejections")}
