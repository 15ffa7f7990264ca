"""What is left out has no effect: a ruined account stands still, and bars outside the gates are not looked at."""

from __future__ import annotations

import pytest

from engine import Settings, generate_market, load
from engine.model import Bar
from engine.scenarios import PlainSmaCross, level_with

BARS = generate_market(symbols=20, bars=300)
RUIN = Settings(cash=1_000_000.0, commission=0.02, slippage=0.01, ruin=980_000.0)


@pytest.mark.parametrize("make", [PlainSmaCross, lambda: level_with(0.05, 0.1)])
def test_a_ruined_account_trades_no_more_and_its_equity_stands_still(make) -> None:
    result = load(BARS, build=()).run(make(), RUIN)
    equity = result.equity["equity"].to_list()
    last = next(step for step, value in enumerate(equity) if value < RUIN.ruin)
    assert 0 < last < len(equity) - 1
    assert set(equity[last:]) == {equity[last]}
    assert result.equity["timestamp"].to_list() == BARS["timestamp"].unique(maintain_order=True).to_list()
    end = result.equity["timestamp"][last]
    for table in (result.orders, result.fills, result.trades, result.rejections):
        assert (table["timestamp"] <= end).all()
    without = load(BARS, build=()).run(make(), Settings(cash=1_000_000.0, commission=0.02, slippage=0.01))
    assert without.equity.head(last + 1).equals(result.equity.head(last + 1))
    assert len(without.orders) > len(result.orders)


def test_no_bar_is_made_after_the_ruin(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Noting(PlainSmaCross):
        def on_bar(self, context, bar: Bar) -> None:
            seen.append(bar.timestamp)
            super().on_bar(context, bar)

    loaded = load(BARS, build=("early-exit/ruined_account",))
    steps = []
    walk = type(loaded.feed).__iter__

    def counted(feed):
        for bars in walk(feed):
            steps.append(bars.timestamp)
            yield bars

    monkeypatch.setattr(type(loaded.feed), "__iter__", counted)
    result = loaded.run(Noting(), RUIN)
    assert max(steps) == max(seen) < result.equity["timestamp"][-1]
