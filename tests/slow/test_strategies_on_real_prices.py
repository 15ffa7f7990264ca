"""The example strategies on ten years of 500 real stocks: the reference and the accepted build agree on every bit."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from engine import InputError, Market, Settings, load
from engine.digest import result_digest
from engine.strategies import (
    brackets,
    breakout,
    buy_and_hold,
    model_ranking,
    momentum_long_short,
    pairs,
    random_orders,
    rsi_reversal,
    sma_cross,
    target_weights,
)

pytestmark = [pytest.mark.slow, pytest.mark.many_runs]

EXAMPLES = {
    "buy_and_hold": (buy_and_hold.BuyAndHold, Settings()),
    "sma_cross": (sma_cross.sma_cross, sma_cross.SETTINGS),
    "rsi_reversal": (rsi_reversal.rsi_reversal, rsi_reversal.SETTINGS),
    "breakout": (breakout.Breakout, breakout.SETTINGS),
    "brackets": (brackets.Brackets, brackets.SETTINGS),
    "target_weights": (target_weights.TargetWeights, target_weights.SETTINGS),
    "momentum_long_short": (momentum_long_short.MomentumLongShort, momentum_long_short.SETTINGS),
    "pairs": (partial(pairs.Pairs, "KO", "PEP"), pairs.SETTINGS),
    "model_ranking": (partial(model_ranking.ModelRanking, "volume"), model_ranking.SETTINGS),
    "random_orders": (partial(random_orders.RandomOrders, odds=0.02), random_orders.SETTINGS),
}


@pytest.fixture(scope="module")
def markets(us500: Path) -> list[Market]:
    """The real prices, loaded for the reference and for the accepted build."""
    return [load(us500, on_bad_bars="drop", build=build) for build in ((), None)]


def test_bad_rows_are_refused_on_one_line(us500: Path) -> None:
    for build in ((), None):
        with pytest.raises(InputError, match=r"26 bad rows\. .* Correct them, or go on without them") as refused:
            load(us500, on_bad_bars="refuse", build=build)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", EXAMPLES)
def test_reference_and_accepted_build_give_the_same_bits(name: str, markets: list[Market]) -> None:
    make, settings = EXAMPLES[name]
    reference, accepted = (market.run(make(), settings) for market in markets)
    assert "26 bad rows dropped" in markets[0].notes[0]
    assert len(reference.equity) == 2_520
    assert len(reference.fills) > 100
    assert result_digest(accepted) == result_digest(reference)
