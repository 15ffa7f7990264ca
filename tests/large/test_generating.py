"""A market that is written in pieces is the one that is generated whole."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine import InputError, generate_market
from engine.large import generating, write_market
from optimizer.parity import table_digest


@pytest.mark.parametrize("at_once", [1, 64, 1 << 19])
@pytest.mark.parametrize(
    "market",
    [
        {"symbols": 1, "bars": 1},
        {"symbols": 3, "bars": 7, "seed": 5},  # an odd number of draws: half a number waits after each matrix
        {"symbols": 7, "bars": 45, "late": 0.5},
        {"symbols": 40, "bars": 260, "seed": 11, "late": 1.0},
    ],
    ids=str,
)
def test_a_market_written_in_pieces_has_the_bits_of_the_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: dict, at_once: int
) -> None:
    monkeypatch.setattr(generating, "_AT_ONCE", at_once)
    write_market(tmp_path / "market.parquet", **market)
    written = pl.read_parquet(tmp_path / "market.parquet").with_columns(pl.col("symbol").cast(pl.String))
    assert table_digest(written) == table_digest(generate_market(**market))


@pytest.mark.parametrize("wrong", [{"symbols": 0}, {"bars": 0}, {"late": 1.5}])
def test_an_impossible_market_is_refused(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(InputError):
        write_market(tmp_path / "market.parquet", **wrong)
