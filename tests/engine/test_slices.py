"""Arrays of all symbols: what they hold, that they can't be written to, and orders of many symbols at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import SMA, Bars, Context, InputError, MinPrice, Settings, Strategy, load
from engine.catalog import build_of
from engine.digest import result_digest
from engine.model import FIELDS
from tests.engine.scripted import COMPILED, flat, market

pytestmark = pytest.mark.many_runs

BUILDS = {"reference": (), "slices": build_of("vectorization/time_slices"), "compiled": COMPILED}
MARKET = market(A=[flat(10.0), flat(11.0), flat(12.0)], B=[None, flat(20.0), None], C=[flat(30.0), None, flat(32.0)])


class Looks(Strategy):
    """Does one thing at every timestamp."""

    features = (SMA(2),)

    def __init__(self, do: Callable[[Context, Bars], Any], gates: Any = ()) -> None:
        self.do, self.gates = do, gates

    def on_bars(self, context: Context, bars: Bars) -> None:
        self.do(context, bars)


def seen(look: Callable[[Context, Bars], Any], gates: Any = ()) -> list[Any]:
    """Return how something looks at each timestamp; the same under every build."""
    found: list[list[Any]] = []
    for build in BUILDS.values():
        found.append([])
        load(MARKET, build=build).run(Looks(lambda context, bars: found[-1].append(look(context, bars)), gates))
    assert [repr(one) for one in found] == [repr(found[0])] * len(BUILDS)
    return found[0]


def test_a_field_of_all_symbols_is_nan_where_there_is_no_bar() -> None:
    closes = seen(lambda _, bars: bars.values("close").tolist())
    assert repr(closes) == repr([[10.0, math.nan, 30.0], [11.0, 20.0, math.nan], [12.0, math.nan, 32.0]])
    for field in FIELDS:
        assert seen(lambda _, bars, field=field: bars.values(field).dtype) == [np.float64] * 3


def test_a_feature_of_all_symbols_is_nan_where_there_is_no_bar() -> None:
    averages = seen(lambda context, _: context.values("sma_2").tolist())
    assert repr(averages) == repr([[math.nan] * 3, [10.5, math.nan, math.nan], [11.5, math.nan, 31.0]])


def test_a_bar_that_is_not_shown_is_nan_and_its_feature_is_not() -> None:
    shown = seen(lambda _, bars: (bars.values("close").tolist(), len(bars), bars.get("A")), (MinPrice(15.0),))
    assert repr(shown[0]) == repr(([math.nan, math.nan, 30.0], 1, None))
    assert seen(lambda context, _: context.values("sma_2").tolist()[0], (MinPrice(15.0),))[2] == 11.5
    whole = seen(lambda context, _: context.bars.values("close").tolist()[0], (MinPrice(15.0),))
    assert whole == [10.0, 11.0, 12.0]


def test_the_symbols_give_the_numbers() -> None:
    assert seen(lambda context, _: context.symbols) == [("A", "B", "C")] * 3


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_slices_are_read_only_and_quantities_are_the_strategys_own(build: tuple[str, ...]) -> None:
    def scribble(context: Context, bars: Bars) -> None:
        for values in (bars.values("close"), context.values("sma_2")):
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 1.0
        context.quantities()[:] = 7.0
        assert context.quantities().tolist() == [0.0, 0.0, 0.0]

    load(MARKET, build=build).run(Looks(scribble))


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_a_field_or_a_feature_that_there_is_not_raises(build: tuple[str, ...]) -> None:
    loaded = load(MARKET, build=build)
    with pytest.raises(InputError, match="Choose from open, high, low, close, volume"):
        loaded.run(Looks(lambda _, bars: bars.values("symbol")))
    with pytest.raises(KeyError, match="sma_3"):
        loaded.run(Looks(lambda context, _: context.values("sma_3")))


@pytest.mark.parametrize("settings", [Settings(), Settings(short=True, lot=0.5, tick=0.05, fill_at="this_close")])
@pytest.mark.parametrize("gates", [(), (MinPrice(15.0),)])
def test_orders_of_many_symbols_are_those_of_one_after_another(settings: Settings, gates: Any) -> None:
    wanted = [2, 0, 1, 0], [3.0, -2.2, 5.0, 7.7]

    def at_once(context: Context, bars: Bars) -> None:  # noqa: ARG001
        done = context.submit_orders(np.array(wanted[0]), np.array(wanted[1]), "all")
        assert done == range(done[0], done[0] + 4)
        assert context.submit_orders([], []) == range(0)

    def one_by_one(context: Context, bars: Bars) -> None:  # noqa: ARG001
        for number, quantity in zip(*wanted, strict=True):
            context.submit_order(context.symbols[number], quantity, "all")

    digests = set()
    for build in BUILDS.values():
        for do in (at_once, one_by_one):
            digests.add(result_digest(load(MARKET, build=build).run(Looks(do, gates), settings)))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("numbers", "quantities", "says"),
    [
        ([0], [1.0, 2.0], "One for each"),
        ([3], [1.0], "from 0 to 2"),
        ([-1], [1.0], "from 0 to 2"),
        ([0.5], [1.0], "Whole numbers"),
        ([0, 1], [1.0, 0.0], "A finite number, and not 0"),
        ([0, 1], [1.0, math.nan], "A finite number, and not 0"),
        ([0, 1], [1.0, -math.inf], "A finite number, and not 0"),
    ],
)
def test_orders_that_make_no_sense_are_refused_by_every_build_in_the_same_words(
    numbers: Any, quantities: Any, says: str
) -> None:
    raised: list[str] = []

    def wrong(context: Context, bars: Bars) -> None:  # noqa: ARG001
        with pytest.raises(InputError) as info:
            context.submit_orders(numbers, quantities)
        raised.append(str(info.value))

    left = {len(load(MARKET, build=build).run(Looks(wrong)).orders) for build in BUILDS.values()}
    assert len(set(raised)) == 1
    assert says in raised[0]
    assert left == {3 if "A finite number" in says else 0}  # what came before is submitted, at each timestamp
