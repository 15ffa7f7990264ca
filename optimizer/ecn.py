"""Engine Change Notices: files that people review, with a front matter that programs read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock

from optimizer.ecn_front import (
    ACCEPTED,
    NUMBER,
    OPTIONAL,
    PROPOSED,
    REJECTED,
    REQUIRED,
    STATUSES,
    SUPERSEDED,
    WITHDRAWN,
    Front,
    body_digest,
    front_of,
    seal_of,
)
from optimizer.ecn_numbers import NAME, take_number
from optimizer.errors import InputError
from optimizer.front_matter import read_fields, refuse_values, write_front_matter
from optimizer.ledger import keep
from optimizer.printable import printable

__all__ = ["ACCEPTED", "PROPOSED", "REJECTED", "STATUSES", "SUPERSEDED", "WITHDRAWN", "Front", "Notice", "seal_of"]


@dataclass(frozen=True)
class Notice:
    """A notice as it stands in its file."""

    path: Path
    front: Front
    body: str

    @property
    def seal(self) -> str:
        """The seal over what it claims now, whatever seal its file has."""
        return seal_of(self.front, self.body)


def read_notice(path: Path) -> Notice:
    """Read a notice; the fields that are newer than the first notices may be missing.

    Raises:
        InputError: where the front matter can't be read, lacks a field, or has one of another kind or name; the
            message names the field and its line.
    """
    found = read_fields(path, REQUIRED, OPTIONAL)
    front, wrong = front_of(found.fields)
    if front is None:
        refuse_values(path, wrong, found.lines)
    assert front is not None, "refuse_values has raised"  # noqa: S101
    return Notice(path, front, found.body)


def notices(folder: Path) -> Iterator[Notice]:
    """Yield the notices of a folder, by number."""
    for path in sorted(folder.glob("ECN-*.md")):
        if NAME.fullmatch(path.name):
            yield read_notice(path)


def find_notice(folder: Path, number: str) -> Notice:
    """Return the notice of this number; another one that is damaged is in nobody's way.

    Raises:
        InputError: where there is none, or more than one.
    """
    wanted = number.upper()
    there = sorted(path for path in folder.glob("ECN-*.md") if NAME.fullmatch(path.name))
    if found := [path for path in there if path.name.startswith(f"{wanted}-") and NUMBER.fullmatch(wanted)]:
        if len(found) > 1:
            files = ", ".join(path.name for path in found)
            raise InputError(f"{wanted} is the number of {len(found)} notices: {files}", where=folder, hint="Keep one")
        notice = read_notice(found[0])
        if notice.front.ecn != wanted:
            hint = "Give file and notice the same number"
            raise InputError(f"is the file of {wanted} and says {notice.front.ecn}", where=found[0], hint=hint)
        return notice
    known = dict.fromkeys(path.name[: path.name.index("-", 4)] for path in there)
    hint = f"There are: {', '.join(known)}" if known else f"There is none in {folder}; optimize writes them"
    raise InputError(f"no notice {number!r}", where=folder, hint=hint)


def write_notice(folder: Path, front: Front, body: str) -> tuple[Notice, bool]:
    """Write a notice under its number, sealed; return it, and whether it was written.

    The same proposal measured again keeps its number: its notice is renewed, or left as it is where a person has
    decided on it. What was written is in the ledger beside the folder, too, where that can be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    front = replace(front, title=printable(front.title), hardware=printable(front.hardware))
    with locked(folder):
        existing = list(notices(folder))
        same = next((old for old in reversed(existing) if old.front.is_same_proposal(front)), None)
        if same is not None and (same.front.status not in (PROPOSED, REJECTED) or same.front.decided_at):
            return same, False
        number = same.front.ecn if same else take_number(folder)
        path = same.path if same else folder / f"{number}-{front.optimization.split('/')[-1]}.md"
        text = body.replace(front.ecn, number)
        named = replace(front, ecn=number, seal=None, decided_at=None, why=None)
        notice = Notice(path, replace(named, seal=seal_of(named, text)), text)
        save(notice)
    keep(folder.parent, lambda ledger: ledger.append_notice(notice.front.written(), body_digest(text)))
    return notice, True


def set_status(notice: Notice, status: str, *, why: str | None = None, at: str | None = None) -> Notice:
    """Change a notice's status in its file; no seal is over it. Whether it may be changed so, decide() knows."""
    front = replace(notice.front, status=status)
    if at is not None:
        front = replace(front, decided_at=at, why=why)
    changed = replace(notice, front=front)
    save(changed)
    return changed


def locked(folder: Path) -> AbstractContextManager[object]:
    """Return the lock of a folder of notices: one process at a time gives numbers and decides."""
    return FileLock(folder / ".numbers.lock")


def save(notice: Notice) -> None:
    """Write a notice's file, whole or not at all."""
    write_front_matter(notice.path, notice.front.written(), notice.body)
