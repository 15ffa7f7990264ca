"""Parity is bit for bit: what other comparisons let pass is a divergence here."""

from __future__ import annotations

import struct
from datetime import date

import polars as pl
import pytest

from optimizer.parity import Divergence, distance_text, first_divergence, table_digest

DAYS = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]


def table(**changes: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"timestamp": DAYS, "symbol": ["A", "A", "B"], "price": [1.0, 2.0, 3.0], **changes})


def find(expected: pl.DataFrame, obtained: pl.DataFrame) -> Divergence | None:
    return first_divergence(expected={"fills": expected}, obtained={"fills": obtained}, stages=("fills",))


def nan(payload: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0000 | payload))[0]


def test_equal_bits_are_equal() -> None:
    assert find(table(), table()) is None
    assert table_digest(table()) == table_digest(table())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"price": [1.0, 2.0, 3.0000000000000004]}, "price"),
        ({"symbol": ["A", "A", "C"]}, "(missing row)"),
        ({"price": [1.0, 2.0, None]}, "price"),
    ],
)
def test_another_value_is_found_at_its_place(changed: dict[str, list[object]], field: str) -> None:
    divergence = find(table(), table(**changed))
    assert divergence is not None
    assert divergence.field == field
    assert divergence.timestamp == "2024-01-04"
    assert divergence.symbol == "B"
    assert table_digest(table()) != table_digest(table(**changed))


def test_minus_zero_is_not_zero() -> None:
    zero, minus = table(price=[0.0, 2.0, 3.0]), table(price=[-0.0, 2.0, 3.0])
    divergence = find(zero, minus)
    assert divergence is not None
    assert divergence.distance == "the sign of zero"
    assert table_digest(zero) != table_digest(minus)


def test_one_nan_is_not_another() -> None:
    one, other = table(price=[nan(1), 2.0, 3.0]), table(price=[nan(2), 2.0, 3.0])
    assert find(one, other) is not None
    assert table_digest(one) != table_digest(other)
    assert find(one, table(price=[nan(1), 2.0, 3.0])) is None


def test_a_null_is_not_a_zero() -> None:
    null, zero = table(price=[None, 2.0, 3.0]), table(price=[0.0, 2.0, 3.0])
    assert find(null, zero) is not None
    assert table_digest(null) != table_digest(zero)


def test_a_missing_row_is_named_as_such() -> None:
    divergence = find(table(), table().filter(pl.col("price") != 2.0))
    assert divergence is not None
    assert (divergence.field, divergence.timestamp, divergence.obtained) == (
        "(missing row)",
        "2024-01-03",
        "no such row",
    )
    assert divergence.equal_before == "1 fills"


def test_a_surplus_row_at_the_end_is_named_as_such() -> None:
    divergence = find(table().head(2), table())
    assert divergence is not None
    assert (divergence.field, divergence.timestamp, divergence.expected) == (
        "(surplus row)",
        "2024-01-04",
        "no such row",
    )


def test_another_type_name_or_order_of_columns_is_a_divergence() -> None:
    for other in (
        table().cast({"price": pl.Float32}),
        table().rename({"price": "cost"}),
        table().select("price", "timestamp", "symbol"),
    ):
        divergence = find(table(), other)
        assert divergence is not None
        assert divergence.field == "(columns)"
        assert table_digest(table()) != table_digest(other)


@pytest.mark.parametrize(
    ("expected", "obtained", "field"), [({}, {"x": 1}, "(surplus output)"), ({"x": 1}, {}, "(missing output)")]
)
def test_a_missing_or_surplus_output_is_a_divergence(expected: dict, obtained: dict, field: str) -> None:
    sides = [{"fills": table()} | ({"x": table()} if side else {}) for side in (expected, obtained)]
    divergence = first_divergence(expected=sides[0], obtained=sides[1], stages=("fills",))
    assert divergence is not None
    assert (divergence.output, divergence.field) == ("x", field)


def test_the_earliest_in_time_counts_whatever_its_output() -> None:
    late, early = table(price=[1.0, 2.0, 9.0]), table(price=[9.0, 2.0, 3.0])
    divergence = first_divergence(
        expected={"features": table(), "equity": table()},
        obtained={"features": late, "equity": early},
        stages=("features", "equity"),
    )
    assert divergence is not None
    assert (divergence.output, divergence.timestamp) == ("equity", "2024-01-02")


def test_at_the_same_time_the_earlier_stage_counts() -> None:
    changed = table(price=[9.0, 2.0, 3.0])
    divergence = first_divergence(
        expected={"features": table(), "equity": table()},
        obtained={"features": changed, "equity": changed},
        stages=("features", "equity"),
    )
    assert divergence is not None
    assert divergence.output == "features"


@pytest.mark.parametrize(
    ("expected", "obtained", "text"),
    [
        (1.0, 1.0000000000000002, "1 ulp above"),
        (1.0, 0.9999999999999998, "2 ulp below"),
        (-0.0, 5e-324, "1 ulp above"),
        (1, 2, ""),
        (float("nan"), 1.0, "not a number on one side, or another payload"),
    ],
)
def test_the_distance_is_told_in_ulps(expected: object, obtained: object, text: str) -> None:
    assert distance_text(expected, obtained) == text


def test_text_columns_do_not_run_together() -> None:
    assert table_digest(pl.DataFrame({"a": ["xy", "z"]})) != table_digest(pl.DataFrame({"a": ["x", "yz"]}))


def test_empty_tables_have_digests_by_their_columns() -> None:
    assert table_digest(table().clear()) == table_digest(table().clear())
    assert table_digest(table().clear()) != table_digest(table().clear().rename({"price": "cost"}))
