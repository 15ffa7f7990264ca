"""Times of the pieces, for `make bench`; in the test run they are only run."""

from __future__ import annotations

import pytest

from engine import accepted_build, generate_market, load
from engine.scenarios import SCENARIOS

BUILDS = {"reference": (), "accepted": tuple(accepted_build())}


@pytest.fixture(scope="module")
def bars():
    return generate_market(symbols=50, bars=250)


@pytest.mark.parametrize("build", BUILDS)
def test_loading(benchmark, bars, build: str) -> None:
    market = benchmark(load, bars, build=BUILDS[build])
    assert len(market.feed.bars) == 12_500


@pytest.mark.parametrize("scenario", ["sma_cross", "sma_cross_plain"])
@pytest.mark.parametrize("build", BUILDS)
def test_a_run(benchmark, bars, build: str, scenario: str) -> None:
    market, chosen = load(bars, build=BUILDS[build]), SCENARIOS[scenario]
    market.run(chosen.make(), chosen.settings)
    result = benchmark(market.run, chosen.make(), chosen.settings)
    assert len(result.equity) == 250


@pytest.mark.parametrize("build", BUILDS)
def test_features(benchmark, bars, build: str) -> None:
    market = load(bars, build=BUILDS[build])
    table = benchmark(market.pipeline.features, market.feed, SCENARIOS["sma_cross"].make().features)
    assert set(table.columns) == {"sma_10", "sma_50"}
