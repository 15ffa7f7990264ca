"""Recording a golden set anew: one at a time, whole or not at all, with a notice of what moved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import read_json
from optimizer.golden import Golden, record
from optimizer.golden_notice import GoldenNotice, write_golden_notice
from optimizer.moved import Moved, what_moved
from optimizer.processes import Processes
from optimizer.subject import GoldenSet


@dataclass(frozen=True)
class Recorded:
    """A set as it was recorded: its manifest, what moved, and the notice of it where anything did."""

    manifest: Path
    moved: Moved
    notice: GoldenNotice | None


@contextmanager
def sole_writer(config: Config) -> Iterator[None]:
    """Let nobody else record while this lasts; what a recording that was killed has left is cleared away first.

    Raises:
        InputError: where another recording is under way.
    """
    config.golden.mkdir(parents=True, exist_ok=True)
    path = config.golden / ".recording.lock"
    try:
        with FileLock(path, timeout=0):
            _clear(config)
            yield
    except Timeout as error:
        hint = "Wait for it to end, then look at what it changed before you record again"
        raise InputError("another recording of golden sets is under way", where=path, hint=hint) from error


def _clear(config: Config) -> None:
    """Put sets back that were moved aside and not replaced, and remove half of new ones."""
    left = [path for path in sorted(config.golden.glob(".*.*")) if path.is_dir()]
    for old in (path for path in left if path.suffix == ".old"):
        place = config.golden / old.stem.removeprefix(".")
        if not place.exists():
            old.rename(place)
    for path in left:
        shutil.rmtree(path, ignore_errors=True)


def record_anew(
    config: Config, spec: GoldenSet, processes: Processes, scratch: Path, *, reason: str
) -> Recorded | None:
    """Record a set from the reference, and write a notice of what moved; return None where its data is not here.

    The notice is written last: what it tells of has taken its place by then, and `optimize check` compares the two.
    """
    before = scratch / "before"
    shutil.rmtree(before, ignore_errors=True)
    place = config.golden / spec.name
    if place.exists():
        shutil.copytree(place, before)
    moved: list[Moved] = []

    def compared(folder: Path) -> None:
        digests = _digest(spec, before), str(_digest(spec, folder))
        moved.append(what_moved(spec.name, before=before, after=folder, digests=digests))

    manifest = record(config, spec, processes, reason=reason, scratch=scratch, ready=compared)
    if manifest is None:
        return None
    notice = write_golden_notice(config.golden / "notices", moved[0], reason=reason) if moved[0] else None
    return Recorded(manifest, moved[0], notice)


def _digest(spec: GoldenSet, folder: Path) -> str | None:
    """Return the digest of a set, or None where its manifest is no manifest of this form."""
    try:
        return Golden(spec, folder, read_json(folder / "manifest.json", hint=""), {}).digest
    except (InputError, KeyError, TypeError, AttributeError):
        return None
