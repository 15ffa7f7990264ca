"""Golden change notices: what moved in a golden set when it was recorded anew, by how much, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock

from optimizer.front_matter import read_front_matter, refuse_values, write_front_matter
from optimizer.moved import Moved
from optimizer.reporters.templates import render

_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_NAME = re.compile(r"GCN-(\d{4,})-[\w.-]+\.md")


@dataclass(frozen=True)
class Front:
    """The front matter of a golden change notice."""

    gcn: str
    set: str
    reason: str
    digest_before: str | None
    digest_after: str
    added: int
    removed: int
    changed: int


@dataclass(frozen=True)
class GoldenNotice:
    """A golden change notice as it stands in its file."""

    path: Path
    front: Front


def golden_notices(folder: Path) -> Iterator[GoldenNotice]:
    """Yield the notices of a folder, by number.

    Raises:
        InputError: where one can't be read.
    """
    found = {int(name[1]): path for path in folder.glob("GCN-*.md") if (name := _NAME.fullmatch(path.name))}
    for _, path in sorted(found.items()):
        yield read_golden_notice(path)


def read_golden_notice(path: Path) -> GoldenNotice:
    """Read a notice.

    Raises:
        InputError: where the front matter can't be read, lacks a field, or has one of another kind.
    """
    values, _ = read_front_matter(path, tuple(field.name for field in fields(Front)))
    kinds = {"digest_before": (str, type(None)), **dict.fromkeys(("added", "removed", "changed"), (int,))}
    refuse_values(path, [name for name, value in values.items() if not isinstance(value, kinds.get(name, (str,)))])
    return GoldenNotice(path, Front(**values))


def write_golden_notice(folder: Path, moved: Moved, *, reason: str) -> GoldenNotice:
    """Write what moved under the next number."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".numbers.lock"):
        number = _next_number(folder)
        front = Front(
            gcn=number,
            set=moved.set,
            reason=" ".join(reason.split()),
            digest_before=moved.digest_before,
            digest_after=moved.digest_after,
            added=len(moved.added),
            removed=len(moved.removed),
            changed=len(moved.changed),
        )
        path = folder / f"{number}-{_NOT_IN_NAMES.sub('-', moved.set)}.md"
        write_front_matter(path, asdict(front), render("gcn.md.j2", front=front, moved=moved))
    return GoldenNotice(path, front)


def _next_number(folder: Path) -> str:
    numbers = [int(found[1]) for path in folder.glob("GCN-*.md") if (found := _NAME.fullmatch(path.name))]
    return f"GCN-{max(numbers, default=0) + 1:04d}"
