"""What is not declared by the engine's own types is run by its own methods, under every build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import (
    SMA,
    Above,
    DeclaredStrategy,
    InputError,
    Notional,
    StopLoss,
    TakeProfit,
    TrailingStop,
    generate_market,
    load,
)
from engine.counting import taken
from engine.grid import Grid
from engine.model import FeatureTable
from engine.optimizations.caching import feature_cache
from engine.scenarios import SCENARIOS
from optimizer.parity import digests_of


class Never(Above):
    """A condition with a meaning of its own."""

    def holds(self, context, symbol) -> bool:  # noqa: ARG002
        return False


class Tight(StopLoss):
    """A rule with a level of its own."""

    def level(self, state) -> float:
        return state.entry_price * 0.999


class One(Notional):
    """A size of its own."""

    def shares(self, close: float, lots: Grid) -> float:  # noqa: ARG002
        return 1.0


LEVEL = SCENARIOS["level"].make()
assert isinstance(LEVEL, DeclaredStrategy)


@pytest.mark.parametrize(
    "strategy",
    [
        replace(LEVEL, entry=Never(SMA(5), SMA(20))),
        replace(LEVEL, rules=(Tight(0.5),)),
        replace(LEVEL, size=One(15_000.0)),
        replace(LEVEL, entry=Above(SMA(5), SMA(5))),
    ],
    ids=["condition", "rule", "size", "the same feature twice"],
)
def test_a_part_with_a_meaning_of_its_own_keeps_it_under_every_build(
    strategy: DeclaredStrategy, whole_build: tuple[str, ...]
) -> None:
    bars = generate_market(symbols=4, bars=120)
    results = [load(bars, build=build).run(strategy).outputs() for build in ((), whole_build)]
    assert digests_of(results[0]) == digests_of(results[1])


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.0, float("nan"), float("inf")])
def test_a_fraction_that_makes_no_sense_is_refused(wrong: float) -> None:
    for rule in (StopLoss, TrailingStop):
        with pytest.raises(InputError, match="A fraction of the price"):
            rule(wrong)
    with pytest.raises(InputError, match="finite and above 0"):
        Notional(wrong if wrong != 1.0 else 0.0)
    with pytest.raises(InputError):
        TakeProfit(wrong if wrong != 1.0 else 0.0)
    with pytest.raises(InputError):
        SMA(0)


def test_the_cache_keeps_data_sets_apart_and_drops_what_was_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[tuple[int, str]] = []

    def inner(feed, features) -> FeatureTable:
        computed.extend((len(feed.bars), feature.name) for feature in features)
        return FeatureTable({one.name: [float(len(feed.bars))] * len(feed.bars) for one in features}, {"S0000": 0})

    taken()
    cache = feature_cache.FeatureCache(inner)
    feeds = [load(generate_market(symbols=1, bars=bars), build=()).feed for bars in (10, 20)]
    for _ in range(2):
        assert cache(feeds[0], (SMA(2),)).columns["sma_2"][0] == 10.0
        assert cache(feeds[1], (SMA(2), SMA(3))).columns["sma_3"][0] == 20.0
    assert computed == [(10, "sma_2"), (20, "sma_2"), (20, "sma_3")]
    assert taken() == {"features found in memory": 3, "features not in memory": 3}
    monkeypatch.setattr(feature_cache, "BUDGET_BYTES", 20 * 32)
    cache(feeds[1], (SMA(4),))
    cache(feeds[0], (SMA(2),))
    assert computed[3:] == [(20, "sma_4"), (10, "sma_2")]
