"""What moved between two recordings is told case by case, with how far each column went."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from optimizer.files import sha256_of
from optimizer.moved import Moved, largest_changes, what_moved
from optimizer.parity import table_digest

FILLS = pl.DataFrame(
    {
        "timestamp": [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)],
        "symbol": ["A", "A", "B"],
        "price": [10.0, 11.0, 12.0],
        "quantity": [1.0, -1.0, 2.0],
    }
)
NEXT_UP = math.nextafter(11.0, 12.0)
MOVED_FILLS = FILLS.with_columns(price=pl.Series([10.0, NEXT_UP, 13.5]))


def recorded(folder: Path, cases: Mapping[str, Mapping[str, pl.DataFrame]], *, keep: bool = True) -> Path:
    """Write a set as a recording leaves it."""
    entries = {}
    for case, outputs in cases.items():
        entry = {
            "digests": {name: table_digest(table) for name, table in outputs.items()},
            "rows": {name: len(table) for name, table in outputs.items()},
        }
        if keep:
            for name, table in outputs.items():
                path = folder / "expected" / case / f"{name}.arrow"
                path.parent.mkdir(parents=True, exist_ok=True)
                table.write_ipc(path, compression="zstd")
                entry.setdefault("files", {})[name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        entries[case] = entry
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"inputs": {"market": {"digest": "a"}}, "cases": entries}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def moved(before: Path, after: Path) -> Moved:
    return what_moved("small", before=before, after=after, digests=("b", "a"))


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return recorded(tmp_path / "before", {"market/level": {"fills": FILLS}, "market/gone": {"fills": FILLS}})


def test_the_same_outputs_in_other_files_are_nothing_that_moved(before: Path, tmp_path: Path) -> None:
    after = recorded(tmp_path / "after", {"market/level": {"fills": FILLS}, "market/gone": {"fills": FILLS}})
    FILLS.write_ipc(after / "expected" / "market" / "level" / "fills.arrow", compression="lz4")
    assert not moved(before, after)


def test_cases_added_removed_and_changed_are_named(before: Path, tmp_path: Path) -> None:
    cases = {"market/level": {"fills": MOVED_FILLS, "orders": FILLS}, "market/new": {"fills": FILLS}}
    found = moved(before, recorded(tmp_path / "after", cases))
    assert found
    assert (found.added, found.removed) == (("market/new",), ("market/gone",))
    (case,) = found.changed
    assert [(output.name, output.rows, output.by) for output in case.outputs] == [
        ("fills", "3", "price 0.125"),
        ("orders", "none to 3", "a new output"),
    ]


def test_a_changed_case_has_its_first_divergence_with_the_distance(before: Path, tmp_path: Path) -> None:
    after = recorded(tmp_path / "after", {"market/level": {"fills": MOVED_FILLS}, "market/gone": {"fills": FILLS}})
    (case,) = moved(before, after).changed
    assert "2024-01-03  symbol A  fills.price" in case.divergence
    assert "1 ulp above" in case.divergence


def test_where_digests_alone_are_kept_the_rows_are_told(tmp_path: Path) -> None:
    before = recorded(tmp_path / "before", {"real/sma": {"fills": FILLS}}, keep=False)
    after = recorded(tmp_path / "after", {"real/sma": {"fills": FILLS[:2]}}, keep=False)
    (case,) = moved(before, after).changed
    assert (case.outputs[0].rows, case.outputs[0].by, case.divergence) == ("3 to 2", "", "")


def test_an_input_that_changed_is_named(before: Path, tmp_path: Path) -> None:
    after = recorded(tmp_path / "after", {"market/level": {"fills": FILLS}, "market/gone": {"fills": FILLS}})
    manifest = json.loads((after / "manifest.json").read_text())
    manifest["inputs"] = {"market": {"digest": "b"}, "more": {"digest": "c"}}
    (after / "manifest.json").write_text(json.dumps(manifest))
    assert moved(before, after).inputs == ("market (changed)", "more (added)")


def test_an_input_that_is_loaded_otherwise_is_named(before: Path, tmp_path: Path) -> None:
    after = recorded(tmp_path / "after", {"market/level": {"fills": FILLS}, "market/gone": {"fills": FILLS}})
    manifest = json.loads((after / "manifest.json").read_text())
    manifest["inputs"]["market"]["loaded"] = "other bars, or another note"
    (after / "manifest.json").write_text(json.dumps(manifest))
    found = moved(before, after)
    assert found
    assert "loaded otherwise" in found.inputs[0]


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"inputs": {}, "cases": {"market/level": 3}}'])
def test_an_old_set_that_is_none_is_told_and_no_obstacle(before: Path, tmp_path: Path, text: str | None) -> None:
    path = before / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    found = moved(before, recorded(tmp_path / "after", {"market/level": {"fills": FILLS}}))
    assert found.added == ("market/level",)
    assert len(found.lost) == 1


def test_an_old_file_that_is_not_the_recorded_one_is_told_and_not_compared(before: Path, tmp_path: Path) -> None:
    MOVED_FILLS.write_ipc(before / "expected" / "market" / "level" / "fills.arrow")
    after = recorded(tmp_path / "after", {"market/level": {"fills": FILLS[:1]}, "market/gone": {"fills": FILLS}})
    found = moved(before, after)
    assert found.lost == ("market/level: its old outputs are not the recorded ones, so they are not compared",)
    assert found.changed[0].divergence == ""


def other_nan() -> float:
    return float(struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0001))[0])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (11.0, NEXT_UP, "1.61e-16"),
        (11.0, 22.0, "1"),
        (0.0, 1.0, "from zero, or to or from infinity"),
        (1.0, math.inf, "from zero, or to or from infinity"),
        (1.0, math.nan, "is not a number on one side"),
        (0.0, -0.0, "the sign of zero or the payload of a NaN"),
        (math.nan, other_nan(), "the sign of zero or the payload of a NaN"),
        (None, 1.0, "is null on one side"),
    ],
)
def test_the_largest_relative_change_of_a_column(old: float | None, new: float | None, told: str) -> None:
    sides = [FILLS.with_columns(price=pl.Series([10.0, value, 12.0], dtype=pl.Float64)) for value in (old, new)]
    assert largest_changes(*sides) == {"price": told}


def test_rows_that_came_or_went_do_not_hide_how_far_the_others_moved() -> None:
    assert largest_changes(FILLS, MOVED_FILLS[1:]) == {"price": "0.125"}
    assert largest_changes(FILLS, FILLS[1:]) == {}
    twice = pl.concat([FILLS, FILLS[2:]])
    assert largest_changes(FILLS, twice) == {"all columns": "not compared: the rows do not correspond"}
