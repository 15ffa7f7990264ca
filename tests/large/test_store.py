"""A store is never trusted, and what can't be laid out is refused with a clear line."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine import InputError, Settings, generate_market, load
from engine.large import LargeStore, prepare, reading, run_large, store
from engine.markets import bad_market, blemished_market, scored_market
from engine.scenarios import SCENARIOS
from optimizer.parity import digests_of
from tests.large.run import measured

CROSS = SCENARIOS["sma_cross"].make()


def _written(bars: pl.DataFrame, folder: Path) -> Path:
    path = folder / "market.parquet"
    bars.write_parquet(path, row_group_size=61)
    return path


def _laid_out(store: LargeStore) -> pl.DataFrame:
    """Return the bars of a store as a loaded table."""
    shape = len(store.symbols), len(store.timestamps)
    values = {field: store.read_symbols(field, 0, shape[0]).T.ravel() for field in store.fields}
    times = store.timestamps.gather([step for step in range(shape[1]) for _ in range(shape[0])])
    table = pl.DataFrame({"timestamp": times, "symbol": list(store.symbols) * shape[1]} | values)
    return table.filter(pl.col("close").is_not_nan())


@pytest.mark.parametrize("chunk", [1, 7, None])
@pytest.mark.parametrize("rows", [23, 500, 1 << 18])
def test_a_store_has_the_bits_of_the_loaded_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, chunk: int | None
) -> None:
    monkeypatch.setattr(store, "ROWS", rows)
    path = _written(scored_market(), tmp_path)
    expected = load(path, build=()).feed.bars
    assert digests_of({"bars": _laid_out(prepare(path, tmp_path, chunk=chunk))}) == digests_of({"bars": expected})


def test_a_store_is_found_again_and_made_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = _written(blemished_market(), tmp_path)
    made = prepare(path, tmp_path, chunk=100)
    digests = digests_of({"bars": _laid_out(made)})
    written = []
    monkeypatch.setattr(store, "_write", lambda *given, write=store._write: (written.append(1), write(*given)))
    assert prepare(path, tmp_path, chunk=100).folder == made.folder
    assert not written

    def flip(file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    spoil = [
        lambda: flip(made.folder / "1.chunk"),
        lambda: (made.folder / "2.chunk").unlink(),
        lambda: (made.folder / "0.chunk").write_bytes((made.folder / "0.chunk").read_bytes()[:-8]),
        lambda: flip(made.folder / "store.json"),
        lambda: flip(made.folder / "timestamps.arrow"),
        lambda: (made.folder / "store.json").write_bytes(b"\xff"),
    ]
    for number, one in enumerate(spoil, 1):
        one()
        with caplog.at_level(logging.WARNING, "engine.cache"):
            assert digests_of({"bars": _laid_out(prepare(path, tmp_path, chunk=100))}) == digests
        assert len(written) == number
        assert "made again" in caplog.text
        caplog.clear()
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_another_content_is_another_store(tmp_path: Path) -> None:
    first = prepare(_written(blemished_market(), tmp_path), tmp_path)
    other = prepare(_written(generate_market(symbols=3, bars=40), tmp_path), tmp_path)
    assert first.folder != other.folder
    assert other.bars == 120


def test_bad_bars_are_refused_or_dropped_as_the_loader_does(tmp_path: Path) -> None:
    bars = bad_market().sort("timestamp", "symbol")
    path = _written(bars, tmp_path)
    with pytest.raises(InputError, match="2 bad rows"):
        prepare(path, tmp_path)
    dropped = prepare(path, tmp_path, on_bad_bars="drop")
    expected = load(path, on_bad_bars="drop", build=()).feed.bars
    assert digests_of({"bars": _laid_out(dropped)}) == digests_of({"bars": expected})
    assert [note.count("dropped") for note in dropped.notes] == [1, 1, 1]


def test_missing_bars_in_every_row_of_a_piece_are_missing_bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROWS", 14)
    gap = pl.col("timestamp").rank("dense").is_between(100, 110)
    prices = [pl.when(gap).then(None).otherwise(pl.col(name)).alias(name) for name in ("open", "high", "low", "close")]
    path = _written(blemished_market().with_columns(prices), tmp_path)
    expected = load(path, build=()).feed.bars
    assert digests_of({"bars": _laid_out(prepare(path, tmp_path, chunk=9))}) == digests_of({"bars": expected})


def test_timestamps_out_of_order_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROWS", 100)
    path = _written(blemished_market().reverse(), tmp_path)
    with pytest.raises(InputError, match="comes after"):
        prepare(path, tmp_path)


def test_what_is_not_a_long_table_in_parquet_is_refused(tmp_path: Path) -> None:
    bars = blemished_market()
    bars.write_csv(tmp_path / "market.csv")
    (tmp_path / "text.parquet").write_bytes(b"PAR1 no PAR1")
    bars.drop("close").write_parquet(tmp_path / "short.parquet")
    bars.with_columns(pl.col("timestamp").cast(pl.String)).write_parquet(tmp_path / "times.parquet")
    cases = {
        "market.csv": "can't be read in pieces",
        "text.parquet": "can't be read as Parquet",
        "short.parquet": "column 'close' is missing",
        "times.parquet": "not times",
        "absent.parquet": "no such file",
    }
    for name, why in cases.items():
        with pytest.raises(InputError, match=why):
            prepare(tmp_path / name, tmp_path)


def test_a_strategy_or_an_account_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = _written(blemished_market(), tmp_path)
    with pytest.raises(InputError, match="PlainSmaCross can't be run in chunks"):
        run_large(SCENARIOS["sma_cross_plain"].make(), path)
    with pytest.raises(InputError, match="a lot of 1000000000000000"):
        run_large(CROSS, path, Settings(lot=1e15))
    with pytest.raises(InputError, match="beyond what is counted"):
        run_large(replace(CROSS, size=replace(CROSS.size, amount=1e300)), path)
    with pytest.raises(InputError, match="chunk of 0"):
        run_large(CROSS, path, chunk=0)


def test_rows_of_one_timestamp_stay_together_in_a_piece(tmp_path: Path) -> None:
    path = _written(blemished_market(), tmp_path)
    seen = [set(piece.bars["timestamp"]) for piece in reading.pieces_of(path, "refuse", 5)]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 240


@pytest.mark.slow
def test_memory_does_not_grow_with_the_timestamps(tmp_path: Path) -> None:
    """Five times the bars, 288 MB more of them: what comes on top are the tables of what happened."""
    peaks = []
    for bars in (6_000, 30_000):
        path = tmp_path / f"{bars}.parquet"
        stages = {stage: measured(stage, path, 300, bars) for stage in ("write", "lay_out", "run")}
        peaks.append({stage: told["peak_bytes"] for stage, told in stages.items()})
    for stage, before in peaks[0].items():
        assert peaks[1][stage] < before + 115_000_000, stage
