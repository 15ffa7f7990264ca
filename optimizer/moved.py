"""What moved between two recordings of a golden set, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from optimizer.errors import InputError
from optimizer.files import read_json, sha256_of
from optimizer.parity import first_different_row, first_divergence
from optimizer.subject import Outputs

_KEYS = ("timestamp", "symbol")
_BITS_ONLY = "the sign of zero or the payload of a NaN"


@dataclass(frozen=True)
class MovedOutput:
    """An output of a case that is another one than before."""

    name: str
    rows_before: int | None  # None where there was no such output
    rows_after: int | None  # None where there is none any more
    largest: Mapping[str, str] = field(default_factory=dict)  # by column of floats, the largest relative change

    @property
    def rows(self) -> str:
        """The rows before and after, in words."""
        before, after = ("none" if rows is None else str(rows) for rows in (self.rows_before, self.rows_after))
        return before if before == after else f"{before} to {after}"

    @property
    def by(self) -> str:
        """How far its columns moved, in words."""
        if self.rows_before is None:
            return "a new output"
        if self.rows_after is None:
            return "no longer an output"
        return "; ".join(f"{column} {change}" for column, change in self.largest.items())


@dataclass(frozen=True)
class MovedCase:
    """A case with other outputs than before."""

    name: str
    outputs: tuple[MovedOutput, ...]
    divergence: str  # the first place in time; nothing where the outputs are not kept


@dataclass(frozen=True)
class Moved:
    """All that moved in a set."""

    set: str
    digest_before: str | None  # None where there was no set, or one of another form
    digest_after: str
    inputs: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[MovedCase, ...]
    lost: tuple[str, ...]  # what can't be told of the old set

    def __bool__(self) -> bool:
        """Whether anything moved; other bytes of the files alone do not count."""
        return bool(self.inputs or self.added or self.removed or self.changed)


def what_moved(name: str, *, before: Path, after: Path, digests: tuple[str | None, str]) -> Moved:
    """Return what moved from one folder of a set to another; the old one may be damaged, or none."""
    old, lost = _manifest(before)
    new = read_json(after / "manifest.json", hint="")
    cases_before, cases_after = old["cases"], new["cases"]
    names = [case for case in cases_after if case in cases_before]
    differing = [case for case in names if cases_before[case]["digests"] != cases_after[case]["digests"]]
    changed = tuple(
        _moved_case(name, case, _Side(before, cases_before[case]), _Side(after, cases_after[case]), lost)
        for case in differing
    )
    return Moved(
        set=name,
        digest_before=digests[0],
        digest_after=digests[1],
        inputs=tuple(_moved_inputs(old["inputs"], new["inputs"])),
        added=tuple(case for case in cases_after if case not in cases_before),
        removed=tuple(case for case in cases_before if case not in cases_after),
        changed=changed,
        lost=tuple(lost),
    )


def _manifest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest of the old set as far as it is one, and what is wrong with it."""
    nothing: dict[str, Any] = {"inputs": {}, "cases": {}}
    path = folder / "manifest.json"
    if not path.exists():
        return nothing, ["there was no set of this name"]
    try:
        found = read_json(path, hint="")
        for part in nothing:
            for entry in dict(found[part]).values():
                dict(entry["digests"] if part == "cases" else entry)
    except InputError as error:
        return nothing, [f"the old manifest {error.what}"]
    except (KeyError, TypeError, ValueError):
        return nothing, ["the old manifest is damaged"]
    return found, []


def _moved_inputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield f"{name} (added)"
        elif name not in after:
            yield f"{name} (removed)"
        elif before[name].get("digest") != after[name].get("digest"):
            yield f"{name} (changed)"
        elif before[name].get("loaded") != after[name].get("loaded"):
            yield f"{name} (the same bytes, loaded otherwise: other bars, or other notes)"


@dataclass(frozen=True)
class _Side:
    """A case in one of the two sets."""

    folder: Path
    entry: Mapping[str, Any]

    @property
    def outputs(self) -> Mapping[str, str]:
        return dict(self.entry["digests"])

    def rows(self, output: str) -> int | None:
        """Return the rows of an output; None where there is no such output."""
        return int(self.entry.get("rows", {}).get(output, 0)) if output in self.outputs else None

    def tables(self, case: str) -> Outputs | None:
        """Return the kept outputs, or None where not all of them are there as they were recorded."""
        files = dict(self.entry.get("files", {}))
        paths = {name: self.folder / "expected" / case / f"{name}.arrow" for name in self.outputs}
        if not files or any(not _is_as_recorded(path, files.get(name)) for name, path in paths.items()):
            return None
        return {name: pl.read_ipc(path) for name, path in paths.items()}


def _is_as_recorded(path: Path, file: Any) -> bool:
    sha256 = file.get("sha256") if isinstance(file, dict) else file
    return path.is_file() and sha256_of(path) == sha256


def _moved_case(set_name: str, case: str, before: _Side, after: _Side, lost: list[str]) -> MovedCase:
    old, new = before.tables(case), after.tables(case)
    if old is None and "files" in before.entry:
        lost.append(f"{case}: its old outputs are not the recorded ones, so they are not compared")
    divergence = None
    if old is not None and new is not None:
        label = f"{set_name}/{case}"
        divergence = first_divergence(expected=old, obtained=new, stages=tuple(after.outputs), case=label)
    names = [
        name for name in {**after.outputs, **before.outputs} if before.outputs.get(name) != after.outputs.get(name)
    ]
    moved = tuple(
        MovedOutput(
            name,
            before.rows(name),
            after.rows(name),
            largest_changes(old[name], new[name]) if old and new and name in old and name in new else {},
        )
        for name in names
    )
    return MovedCase(case, moved, str(divergence or ""))


def largest_changes(before: pl.DataFrame, after: pl.DataFrame) -> dict[str, str]:
    """Return, for every column of floats in both that moved, the largest relative change, in words.

    Rows are laid side by side by place where there are as many of them, else by time and symbol where these name a row.
    """
    pairs = _side_by_side(before, after)
    if pairs is None:
        return {"all columns": "not compared: the rows do not correspond"}
    found = {}
    for column in before.columns:
        if column in after.columns and before[column].dtype.is_float() and after[column].dtype.is_float():
            old, new = pairs[0][column], pairs[1][column]
            if (change := _largest_change(old, new)) is not None:
                found[column] = change
    return found


def _side_by_side(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    if len(before) == len(after):
        return before, after
    keys = [name for name in _KEYS if name in before.columns and name in after.columns]
    if not keys or any(table.select(keys).is_duplicated().any() for table in (before, after)):
        return None
    sides = [table.join(other, on=keys, how="semi").sort(keys) for table, other in ((before, after), (after, before))]
    return sides[0], sides[1]


def _largest_change(before: pl.Series, after: pl.Series) -> str | None:
    """Return the largest relative change of a column, in words, or None where no bit moved."""
    tables = [side.cast(pl.Float64).to_frame("value") for side in (before, after)]
    if first_different_row(*tables) is None:
        return None
    if (before.is_null() != after.is_null()).any():
        return "is null on one side"
    both = before.is_not_null()
    old, new = (side.filter(both).cast(pl.Float64).to_numpy() for side in (before, after))
    if (np.isnan(old) != np.isnan(new)).any():
        return "is not a number on one side"
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where((old == new) | np.isnan(old), 0.0, np.abs(new - old) / np.abs(old))
    largest = float(np.max(change, initial=0.0))
    if largest == 0.0:
        return _BITS_ONLY
    return f"{largest:.3g}" if math.isfinite(largest) else "from zero, or to or from infinity"
