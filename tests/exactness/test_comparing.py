"""Exact is the same bits: what usual comparisons let pass is a divergence here."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_series_equal

from optimizer.config import find_config
from optimizer.errors import InputError
from optimizer.golden import open_golden
from optimizer.parity import column_bytes, first_divergence, table_digest

ZEROS = np.array([0.0]), np.array([-0.0])
NANS = tuple(np.array([0x7FF8_0000_0000_0000 + payload], "u8").view("f8") for payload in (1, 2))
PAIRS = pytest.mark.parametrize("pair", [ZEROS, NANS], ids=["minus zero", "NaN payload"])
Pair = tuple[np.ndarray, np.ndarray]


@PAIRS
def test_usual_comparisons_pass_minus_zero_and_another_nan(pair: Pair) -> None:
    """np.array_equal, assert_array_equal, Series.equals and assert_series_equal(check_exact=True) pass them."""
    one, other = pair
    assert one.tobytes() != other.tobytes()
    assert np.array_equal(one, other, equal_nan=True)
    np.testing.assert_array_equal(one, other)
    assert pl.Series(one).equals(pl.Series(other))
    assert_series_equal(pl.Series(one), pl.Series(other), check_exact=True)


@PAIRS
def test_parity_and_digests_do_not_pass_them(pair: Pair) -> None:
    """Byte comparison tells them apart, and so do the digests and the first divergence, which stand on it."""
    one, other = (pl.DataFrame({"value": values}) for values in pair)
    assert column_bytes(one["value"]) != column_bytes(other["value"])
    assert table_digest(one) != table_digest(other)
    assert first_divergence(expected={"fills": one}, obtained={"fills": other}, stages=("fills",)) is not None


def test_arrow_is_no_comparison_of_bits_either() -> None:
    """pyarrow.Array.equals passes -0.0, and calls a NaN unlike itself. Parity compares bytes."""
    assert pa.array(ZEROS[0]).equals(pa.array(ZEROS[1]))
    assert not pa.array(NANS[0]).equals(pa.array(NANS[0]))
    same = pl.DataFrame({"value": NANS[0]})
    assert first_divergence(expected={"fills": same}, obtained={"fills": same.clone()}, stages=("fills",)) is None


def test_what_is_missing_is_a_divergence() -> None:
    """A missing row, column or output is never skipped."""
    whole = {"fills": pl.DataFrame({"price": [1.0, 2.0], "fee": [0.1, 0.2]}), "equity": pl.DataFrame({"cash": [1.0]})}
    for less in (
        {**whole, "fills": whole["fills"].head(1)},
        {**whole, "fills": whole["fills"].drop("fee")},
        {"fills": whole["fills"]},
        {},
    ):
        for expected, obtained in ((whole, less), (less, whole)):
            found = first_divergence(expected=expected, obtained=obtained, stages=("fills", "equity"))
            assert found is not None


def test_a_missing_file_or_scenario_is_named_and_never_skipped(project: Path) -> None:
    config = find_config(project)
    spec = config.subject.golden_sets()[0]
    (data, scenario), *_ = spec.cases
    folder = config.golden / spec.name / "expected" / data / scenario
    next(iter(sorted(folder.glob("*.arrow")))).unlink()
    with pytest.raises(InputError, match=f"{data}.*{scenario}"):
        open_golden(config, spec)
    manifest = config.golden / spec.name / "manifest.json"
    kept = json.loads(manifest.read_text())
    kept["cases"] = kept["cases"][1:] if isinstance(kept["cases"], list) else dict(list(kept["cases"].items())[1:])
    manifest.write_text(json.dumps(kept))
    with pytest.raises(InputError):
        open_golden(config, spec)


def test_a_golden_digest_is_the_sha_256_of_names_types_and_bits() -> None:
    table = pl.DataFrame({"value": [1.5, -0.0]})
    told = f"value\0Float64\0{2}\0{0}\0{16}\0".encode() + np.array([1.5, -0.0]).tobytes()
    assert table_digest(table) == hashlib.sha256(told).hexdigest()


@pytest.fixture(scope="module")
def every_kind() -> pl.DataFrame:
    """Floats of every size, each sign of zero, the least and the largest."""
    bits = np.random.default_rng(5).integers(0, 2**64, 20_000, dtype=np.uint64).view("f8")
    edges = [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e22, 1e23]
    return pl.DataFrame({"value": [*bits[np.isfinite(bits)].tolist(), *edges]})


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4"])
def test_parquet_gives_every_bit_back(every_kind: pl.DataFrame, compression: str) -> None:
    file = io.BytesIO()
    every_kind.write_parquet(file, compression=compression)  # type: ignore[arg-type]
    file.seek(0)
    assert table_digest(pl.read_parquet(file)) == table_digest(every_kind)


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
def test_arrow_files_give_every_bit_back(every_kind: pl.DataFrame, compression: str) -> None:
    file = io.BytesIO()
    whole = every_kind.vstack(pl.DataFrame({"value": np.concatenate(NANS)}))  # NaN payloads, too
    whole.write_ipc(file, compression=compression)  # type: ignore[arg-type]
    file.seek(0)
    assert table_digest(pl.read_ipc(file)) == table_digest(whole)


def test_the_csv_writer_gives_every_finite_bit_back(every_kind: pl.DataFrame) -> None:
    """Python reads the very float that Polars has written."""
    text = every_kind.write_csv(include_header=False)
    assert np.array([float(line) for line in text.split()]).tobytes() == every_kind["value"].to_numpy().tobytes()
