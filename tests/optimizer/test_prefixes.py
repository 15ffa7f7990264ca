"""Running digests find the part of time in which two runs part, without keeping either."""

from __future__ import annotations

import struct
from datetime import date, timedelta

import polars as pl
import pytest

from optimizer.prefixes import PARTS, first_part, running_digests

DAYS = [date(2024, 1, 1) + timedelta(days=day) for day in range(100)]


def outputs(**changed: float) -> dict[str, pl.DataFrame]:
    """A fill every third day and equity every day; `changed` has other prices by the number of the day."""
    prices = {day: float(day) for day in range(0, 100, 3)} | {int(day[1:]): price for day, price in changed.items()}
    days = sorted(prices)
    fills = pl.DataFrame(
        {"timestamp": [DAYS[day] for day in days], "symbol": "A", "price": [prices[day] for day in days]}
    )
    return {"fills": fills, "equity": pl.DataFrame({"timestamp": DAYS, "equity": [1.0] * 100})}


def part(other: dict[str, pl.DataFrame]) -> int | None:
    return first_part(running_digests(outputs()), running_digests(other))


def test_equal_runs_do_not_part() -> None:
    assert part(outputs()) is None
    assert len(running_digests(outputs())["until"]) == PARTS


@pytest.mark.parametrize("day", [0, 3, 30, 48, 51, 99])
def test_the_part_that_is_named_is_the_first_that_holds_the_difference(day: int) -> None:
    ends = running_digests(outputs())["until"]
    moment = int(pl.Series([DAYS[day]]).to_physical()[0])
    assert part(outputs(**{f"d{day}": 0.5, "d99": 0.25})) == next(end for end in ends if end >= moment)


def test_a_surplus_row_and_a_missing_output_are_differences() -> None:
    assert part(outputs(d1=1.0)) == running_digests(outputs())["until"][0]
    assert part({"equity": outputs()["equity"]}) == running_digests(outputs())["until"][0]


def test_the_sign_of_zero_and_the_payload_of_a_nan_count() -> None:
    assert part(outputs(d0=-0.0)) is not None
    plain, other = (struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0000 | bits))[0] for bits in (0, 7))
    first, second = (running_digests(outputs(d6=value)) for value in (plain, other))
    assert first_part(first, second) == first["until"][0]


def test_outputs_without_timestamps_have_no_parts() -> None:
    assert running_digests({"sweep": pl.DataFrame({"trial": [1]})}) == {"until": [], "digests": {}}


def test_runs_over_other_times_can_not_be_told_apart_by_parts() -> None:
    shorter = {name: table.head(20) for name, table in outputs().items()}
    assert part(shorter) is None
