"""The documents that a report is made from, as they stand in the folder of a run and in the one above."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.ecn import Notice, read_notice
from optimizer.errors import InputError
from optimizer.reporters.page.values import Document, names, text

PAGE = "report.html"
_HINT = "optimize writes one: see optimize --help"


@dataclass(frozen=True)
class Documents:
    """All that is known of one run: `base` is the folder that the report stands in, from which links go.

    A document that is missing, or damaged, is None; `damaged` tells which, and why.
    """

    run: Document
    folder: Path
    out: Path
    base: Path
    before: Document | None = None
    after: Document | None = None
    before_folder: Path | None = None
    after_folder: Path | None = None
    attribution: Document | None = None
    scaling: Document | None = None
    calibration: Document | None = None
    hardware: Document | None = None
    bench: Any = None
    pieces: Document | None = None
    notices: Mapping[str, Notice] = field(default_factory=dict)
    runs: tuple[tuple[Path, Document], ...] = ()
    damaged: tuple[str, ...] = ()

    def link(self, path: Path) -> str:
        """Return the way from the report to a file, or nothing where there is no such file."""
        return Path(os.path.relpath(path, self.base)).as_posix() if path.is_file() else ""

    def notice_link(self, number: str) -> str:
        """Return the way from the report to a notice, or nothing where there is none."""
        found = self.notices.get(number)
        return self.link(found.path) if found else ""


def newest_run(out: Path) -> Path:
    """Return the folder of the newest run.

    Raises:
        InputError: where there is no run.
    """
    found = [folder for folder, _ in all_runs(out)]
    if not found:
        raise InputError("has no run to report on", where=out, hint=_HINT)
    return found[0]


def all_runs(out: Path) -> Iterator[tuple[Path, Document]]:
    """Yield the runs whose document can be read, the newest first."""
    for path in sorted((out / "runs").glob("*/run.json"), reverse=True):
        found = _json(path)
        if isinstance(found, Mapping):
            yield path.parent, found


def read_documents(out: Path, folder: Path, base: Path) -> Documents:
    """Read what a report on the run of a folder is made from.

    Raises:
        InputError: where the run's own document is missing or damaged.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("is missing", where=folder / "run.json", hint=_HINT) from error
    except (OSError, ValueError) as error:
        hint = "Carry the run out again, or remove its folder"
        raise InputError(f"is damaged ({error})", where=folder / "run.json", hint=hint) from error
    if not isinstance(run, Mapping):
        raise InputError("is damaged (not a JSON object)", where=folder / "run.json", hint=_HINT)
    damaged: list[str] = []

    def object_of(*paths: Path) -> Document | None:
        found = _first(paths, damaged)
        return found if isinstance(found, Mapping) else None

    alone = object_of(out / "profile.json")
    before, after = (object_of(folder / _named(run, which)) for which in ("before", "after"))
    own_before, own_after = before is not None, after is not None
    if alone is not None:  # by `optimize profile`, of a build that may be one of these
        before = before if own_before or names(alone, "build") != names(run, "build_before") else alone
        after = after if own_after or names(alone, "build") != names(run, "build_after") else alone
    return Documents(
        run=run,
        folder=folder,
        out=out,
        base=base,
        before=before,
        after=after,
        before_folder=folder if own_before else out,
        after_folder=folder if own_after else out,
        attribution=object_of(folder / "attribution.json"),
        scaling=object_of(folder / "scaling.json", out / "scaling.json"),
        calibration=object_of(
            out / "calibration.json", out.parent / "calibration.json"
        ),  # of the instrument: one for all
        hardware=object_of(out / "hardware.json"),
        bench=_first((out / "bench.json",), damaged),
        pieces=object_of(out / "bench-pieces.json"),
        notices=_notices(out / "ecn", damaged),
        runs=tuple(all_runs(out)),
        damaged=tuple(damaged),
    )


def _named(run: Document, which: str) -> str:
    """Return the name of a profile's file: a name alone, so that a document can't point anywhere else."""
    return Path(text(run, "profile", which)).name or f"profile-{which}.json"


def _first(paths: tuple[Path, ...], damaged: list[str]) -> Any:
    """Return the first document that is there; one that can't be read is told, and the next is asked."""
    for path in paths:
        if not path.is_file():
            continue
        found = _json(path)
        if isinstance(found, Mapping | list):
            return found
        damaged.append(f"{path.name} can't be read: it is no JSON document")
    return None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _notices(folder: Path, damaged: list[str]) -> dict[str, Notice]:
    """Return the notices by their number; one that can't be read is told."""
    found = {}
    for path in sorted(folder.glob("ECN-*.md")):
        try:
            notice = read_notice(path)
        except InputError as error:
            damaged.append(f"{path.name} {error.what}")
            continue
        found[notice.front.ecn] = notice
    return found
