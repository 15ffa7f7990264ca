"""Ready signals over plain matrices give what a declared strategy gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine import (
    Above,
    DataColumn,
    DeclaredStrategy,
    InputError,
    Notional,
    Settings,
    StopLoss,
    TrailingStop,
    generate_market,
    load,
)
from engine.arrays import lay_out
from engine.matrices import run_matrices
from optimizer.parity import digests_of

SETTINGS = Settings(50_000.0, commission=0.001, slippage=0.0005)
RULES = (StopLoss(0.03), TrailingStop(0.05))


def case(*, late: float = 0.0) -> dict[str, object]:
    """Return matrices with signals by chance, some of them where there is no bar."""
    arrays = lay_out(generate_market(symbols=70, bars=60, late=late).sort("timestamp", "symbol"))
    chance = np.random.default_rng(3)
    shape = arrays.matrices["open"].shape
    return {
        "timestamps": arrays.timestamps,
        "symbols": arrays.symbols,
        "prices": [arrays.matrices[name] for name in ("open", "high", "low", "close")],
        "enter": chance.random(shape) < 0.1,
        "leave": chance.random(shape) < 0.1,
    }


@pytest.mark.parametrize("late", [0.0, 0.4])
def test_gives_the_references_bits(late: float) -> None:
    given = case(late=late)
    bars = generate_market(symbols=70, bars=60, late=late).sort("timestamp", "symbol")
    cells = [
        pl.DataFrame({"timestamp": given["timestamps"], **dict(zip(given["symbols"], given[name].T, strict=True))})
        .unpivot(index="timestamp", variable_name="symbol", value_name=name)
        .with_columns(pl.col(name).cast(pl.Float64))
        for name in ("enter", "leave")
    ]
    bars = bars.join(cells[0], on=["timestamp", "symbol"]).join(cells[1], on=["timestamp", "symbol"])
    strategy = DeclaredStrategy(
        Above(DataColumn("enter"), 0.5), Above(DataColumn("leave"), 0.5), Notional(4_000.0), RULES
    )
    expected = digests_of(load(bars, build=()).run(strategy, SETTINGS).account())
    for check in (True, False):
        account = run_matrices(**given, amount=4_000.0, rules=RULES, settings=SETTINGS, check=check)
        assert digests_of({name: getattr(account, name) for name in expected}) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"enter": np.zeros((2, 2), bool)}, "enter of shape"),
        ({"leave": np.zeros((60, 70))}, "leave of float64"),
        ({"symbols": ["S"] * 70}, "symbols that are not in order"),
        ({"timestamps": pl.Series([1] * 60)}, "timestamps that are not in order"),
        ({"prices": [np.ones((60, 70))] * 3}, "3 matrices of prices"),
        ({"prices": [np.ones((60, 70)), *[np.full((60, 70), 2.0)] * 3]}, "row 0, column 0"),
        ({"prices": [np.full((60, 70), np.nan), *[np.ones((60, 70))] * 3]}, "row 0, column 0"),
        ({"amount": float("inf")}, "a position of inf"),
        ({"amount": 1e300}, "a position of 1e+300"),
        ({"settings": Settings(short=True)}, "an account that is more than a plain one"),
        ({"rules": (object(),)}, "a position rule of another kind"),
    ],
)
def test_says_what_does_not_fit(change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("+", r"\+")):
        run_matrices(**{**case(), "amount": 1_000.0, **change})
