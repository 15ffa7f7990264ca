"""The golden set `found`: cases that the fuzzer has found, each added by a person with a reason.

There is no such set until the first is added. Its manifest says what it is made of: the documents of its cases stand
there, sealed with the rest.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import read_json, write_json
from optimizer.fuzz_task import BARS, CASE
from optimizer.golden import Golden, file_of, open_golden, put_in_place, record, seal
from optimizer.golden_notice import GoldenNotice, write_golden_notice
from optimizer.moved import what_moved
from optimizer.processes import Processes
from optimizer.subject import GoldenSet

SET, SCENARIO = "found", "drawn"
_NAME = re.compile(r"[\w-]+")
_RESTORE = "Restore the set from version control"
_AGAIN = "Give a folder that optimize fuzz has kept: it has bars.arrow and case.json"


@dataclass(frozen=True)
class FoundSet:
    """The set, as its manifest has it."""

    inputs: Mapping[str, Callable[[], pl.DataFrame] | None]
    documents: Mapping[str, Mapping[str, Any]]
    name: str = SET
    about: str = "cases that the fuzzer has found"
    on_bad_bars: str = "refuse"
    keep_outputs: bool = True

    @property
    def cases(self) -> Sequence[tuple[str, str]]:
        """A case an input."""
        return [(name, SCENARIO) for name in self.inputs]


def golden_sets(config: Config) -> list[GoldenSet]:
    """Return the golden sets of the subject, and the one of what was found, where there is one.

    Raises:
        InputError: where its manifest is missing or damaged.
    """
    sets = list(config.subject.golden_sets())
    found = found_set(config)
    return sets if found is None else [*sets, found]


def found_set(config: Config) -> FoundSet | None:
    """Return the set of what was found; None where nothing was added.

    Raises:
        InputError: where its manifest is missing or damaged.
    """
    folder = config.golden / SET
    if not folder.exists():
        return None
    path = folder / "manifest.json"
    manifest = read_json(path, hint=_RESTORE)
    try:
        inputs = {str(name): partial(_kept_input, folder / "inputs" / file_of(name)) for name in manifest["inputs"]}
        documents = {str(case): dict(entry["drawn"]) for case, entry in manifest["cases"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"is damaged ({type(error).__name__}: {error})", where=path, hint=_RESTORE) from error
    return FoundSet(inputs, documents)


def _kept_input(path: Path) -> pl.DataFrame:
    """Return an input for recording the set anew; text stays the text that it is."""
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ipc(path)


@dataclass(frozen=True)
class Kept:
    """A case as the fuzzer has kept it."""

    name: str
    bars: pl.DataFrame
    document: dict[str, Any]


def read_kept(folder: Path) -> Kept:
    """Return the case of a folder.

    Raises:
        InputError: where a file is missing or damaged.
    """
    head = read_json(folder / CASE, hint=_AGAIN)
    name, document = head.get("name"), head.get("case")
    if head.get("schema") != 1 or not isinstance(name, str) or not isinstance(document, dict):
        raise InputError("is damaged: no case of the fuzzer's", where=folder / CASE, hint=_AGAIN)
    try:
        bars = pl.read_ipc(folder / BARS)
    except FileNotFoundError as error:
        raise InputError("is missing", where=folder / BARS, hint=_AGAIN) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"is damaged ({error})", where=folder / BARS, hint=_AGAIN) from error
    return Kept(name, bars, document)


def add(
    config: Config, kept: Kept, processes: Processes, scratch: Path, *, reason: str, name: str | None = None
) -> tuple[str, GoldenNotice]:
    """Add a case to the set, with what the reference gives for it; whole, or not at all. What was there stays.

    Returns:
        The name of the case in the set, and the golden change notice.

    Raises:
        InputError: where it is in the set already, under whatever name, or the reference can't be recorded.
    """
    called = _name_of(name or kept.name, kept)
    before = _opened(config)
    if before is not None and called in before.inputs:
        raise InputError(f"has a case {called!r} already", where=before.folder, hint="Give another: --name NAME")
    config.subject.check_drawn(kept.document, where=f"case {kept.name}")
    alone = FoundSet({called: lambda: kept.bars}, {f"{called}/{SCENARIO}": kept.document})
    aside = replace(config, golden=scratch / "golden")
    record(aside, alone, processes, reason=reason, scratch=scratch)
    new = aside.golden / SET
    manifest = read_json(new / "manifest.json", hint=_AGAIN)
    if before is not None:
        _refuse_twice(before, manifest)
        manifest = _joined(before.manifest, manifest)
    config.golden.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=config.golden, prefix=f".{SET}."))
    try:
        if before is not None:
            shutil.copytree(before.folder, folder, dirs_exist_ok=True)
        shutil.copytree(new, folder, dirs_exist_ok=True)
        said = {key: value for key, value in manifest.items() if key != "sha256"}
        write_json(folder / "manifest.json", said | {"sha256": seal(said)})
        folder.chmod(0o755)
        after = Golden(alone, folder, manifest, {})
        digests = (before.digest if before else None, after.digest)
        old = before.folder if before else folder / "nothing"
        moved = what_moved(SET, before=old, after=folder, digests=digests)
        put_in_place(folder, config.golden / SET)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return called, write_golden_notice(config.golden / "notices", moved, reason=reason)


def _opened(config: Config) -> Golden | None:
    spec = found_set(config)
    return None if spec is None else open_golden(config, spec)


def _name_of(name: str, kept: Kept) -> str:
    """Return the name of an input: with the form of its file, unless it is Arrow."""
    form = str(kept.document.get("form"))
    name = name.removesuffix(form)
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for a case", hint="Letters, digits, - and _: it names files")
    return name if form == ".arrow" else f"{name}{form}"


def _refuse_twice(before: Golden, new: Mapping[str, Any]) -> None:
    """Refuse a case whose bars and document are in the set already, under whatever name."""
    ((name, entry),), ((_, case),) = new["inputs"].items(), new["cases"].items()
    for known, other in before.manifest["inputs"].items():
        drawn = before.manifest["cases"][f"{known}/{SCENARIO}"]["drawn"]
        if drawn == case["drawn"] and other["digest"] == entry["digest"]:
            raise InputError(f"has the case {name!r} already, as {known!r}", where=before.folder)


def _joined(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {what: dict(before[what]) | dict(more[what]) for what in ("inputs", "cases")}
    return dict(before) | {"reason": more["reason"]} | both
