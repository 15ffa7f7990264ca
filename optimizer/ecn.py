"""Engine Change Notices: files that people review, with a front matter that programs read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from optimizer.errors import InputError
from optimizer.front_matter import read_front_matter, refuse_values, write_front_matter
from optimizer.subject import Subject

_NAME = re.compile(r"ECN-(\d{4,})-[\w.-]+\.md")
PROPOSED, ACCEPTED, REJECTED, SUPERSEDED = "proposed", "accepted", "rejected", "superseded"
_ACCEPTABLE = ("faster", "leaner")


@dataclass(frozen=True)
class Front:
    """The front matter of a notice."""

    ecn: str
    title: str
    status: str
    focus: str
    optimization: str
    build_before: tuple[str, ...]
    build_after: tuple[str, ...]
    golden_digest: str
    source_digest: str
    hardware: str
    verdict: str
    ratio: float | None
    ci95: tuple[float, float] | None
    run: str

    def is_same_proposal(self, other: Front) -> bool:
        """Whether the other notice proposes the same sources for the same build, proven on the same golden set."""
        return (self.optimization, self.build_before, self.source_digest, self.golden_digest) == (
            other.optimization,
            other.build_before,
            other.source_digest,
            other.golden_digest,
        )


@dataclass(frozen=True)
class Notice:
    """A notice as it stands in its file."""

    path: Path
    front: Front
    body: str


def read_notice(path: Path) -> Notice:
    """Read a notice.

    Raises:
        InputError: where the front matter can't be read or lacks a field; the message names it.
    """
    found, body = read_front_matter(path, tuple(Front.__dataclass_fields__))
    values = {name: _frozen(value) for name, value in found.items()}
    refuse_values(path, [name for name, value in values.items() if not _fits(name, value)])
    return Notice(path, Front(**values), body)


_LISTS, _FIGURES = ("build_before", "build_after"), ("ratio", "ci95")


def _fits(name: str, value: object) -> bool:
    """Whether a field has a value of its kind."""
    if name in _FIGURES and value is None:
        return True
    if name == "ratio":
        return isinstance(value, float | int)
    kind = float | int if name == "ci95" else str
    if name in (*_LISTS, "ci95"):
        return isinstance(value, tuple) and all(isinstance(one, kind) for one in value)
    return isinstance(value, str)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def notices(folder: Path) -> Iterator[Notice]:
    """Yield the notices of a folder, by number."""
    for path in sorted(folder.glob("ECN-*.md")):
        if _NAME.fullmatch(path.name):
            yield read_notice(path)


def find_notice(folder: Path, number: str) -> Notice:
    """Return the notice of this number."""
    known = []
    for notice in notices(folder):
        if notice.front.ecn == number.upper():
            return notice
        known.append(notice.front.ecn)
    hint = f"There are: {', '.join(known)}" if known else f"There is none in {folder}; optimize writes them"
    raise InputError(f"no notice {number!r}", where=folder, hint=hint)


def write_notice(folder: Path, front: Front, body: str) -> tuple[Notice, bool]:
    """Write a notice under its number; return it, and whether it was written.

    The same proposal measured again keeps its number: its notice is renewed, or left as it is where a person has
    accepted or withdrawn it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".numbers.lock"):
        existing = list(notices(folder))
        same = next((old for old in existing if old.front.is_same_proposal(front)), None)
        if same is not None and same.front.status not in (PROPOSED, REJECTED):
            return same, False
        number = same.front.ecn if same else _next_number(folder)
        path = same.path if same else folder / f"{number}-{front.optimization.split('/')[-1]}.md"
        notice = Notice(path, Front(**{**asdict(front), "ecn": number}), body.replace(front.ecn, number))
        _write(notice)
        return notice, True


def set_status(notice: Notice, status: str) -> Notice:
    """Change a notice's status in its file."""
    changed = Notice(notice.path, Front(**{**asdict(notice.front), "status": status}), notice.body)
    _write(changed)
    return changed


def accept(subject: Subject, folder: Path, number: str, *, golden_digest: str) -> tuple[Notice, tuple[str, ...]]:
    """Put a notice's change into the accepted build; it supersedes what was accepted for the same optimization.

    Raises:
        InputError: where the notice does not recommend the change, where the build is not the one that it was
            measured on, or where its sources or the golden set have changed since.
    """
    notice = find_notice(folder, number)
    front = notice.front
    if front.verdict not in _ACCEPTABLE:
        hint = f"Only {' and '.join(_ACCEPTABLE)} changes join the build"
        raise InputError(f"{front.ecn} found the change {front.verdict}", where=notice.path, hint=hint)
    if front.status != PROPOSED:
        raise InputError(
            f"{front.ecn} is {front.status}", where=notice.path, hint="Only a proposed change can be accepted"
        )
    known = {candidate.name: candidate for candidate in subject.candidates()}
    hint = f"Measure it again: optimize --only {front.optimization} --from build"
    if front.optimization not in known:
        raise InputError(f"{front.optimization} is no longer there", where=notice.path)
    if known[front.optimization].source_digest != front.source_digest:
        raise InputError(f"{front.optimization} was edited since {front.ecn} was written", where=notice.path, hint=hint)
    if front.golden_digest != golden_digest:
        raise InputError(f"the golden set is not the one that {front.ecn} was proven on", where=notice.path, hint=hint)
    accepted = tuple(subject.accepted())
    if front.optimization not in accepted and accepted != front.build_before:
        wanted = [name for name in front.build_before if name not in accepted]
        first = f"Accept the notices of {', '.join(wanted)} first, or measure" if wanted else "Measure"
        before, now = (", ".join(build) for build in (front.build_before, accepted))
        raise InputError(
            f"{front.ecn} was measured on [{before}], the accepted build is [{now}]",
            where=notice.path,
            hint=f"{first} it on the accepted build: optimize --only {front.optimization} --from build",
        )
    build = subject.accept(front.optimization, front.ecn)
    for old in notices(folder):
        if old.front.optimization == front.optimization and old.front.status == ACCEPTED:
            set_status(old, SUPERSEDED)
    return set_status(notice, ACCEPTED), build


def _next_number(folder: Path) -> str:
    numbers = [int(found[1]) for path in folder.glob("ECN-*.md") if (found := _NAME.fullmatch(path.name))]
    return f"ECN-{max(numbers, default=0) + 1:04d}"


def _write(notice: Notice) -> None:
    fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(notice.front).items()}
    write_front_matter(notice.path, fields, notice.body)
