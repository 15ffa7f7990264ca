"""The life of a notice: what people may decide on it, and what has to hold for that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from optimizer.ecn import Notice, find_notice, locked, notices, set_status
from optimizer.ecn_front import ACCEPTED, PROPOSED, REJECTED, SUPERSEDED, WITHDRAWN
from optimizer.errors import InputError
from optimizer.ledger import Ledger, keep
from optimizer.printable import printable
from optimizer.subject import Subject

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    PROPOSED: (ACCEPTED, REJECTED, WITHDRAWN),
    ACCEPTED: (SUPERSEDED, REJECTED, WITHDRAWN),  # the last two once its line has left the build
    REJECTED: (),
    WITHDRAWN: (),
    SUPERSEDED: (),
}
"""What may become of a notice. Measuring a proposal anew renews a notice that no person has decided on."""
ACCEPTABLE = ("faster", "leaner")
_NAMES = {ACCEPTED: "accepted", REJECTED: "rejected", WITHDRAWN: "withdrawn", SUPERSEDED: "superseded"}


def accept(
    subject: Subject, folder: Path, number: str, *, golden_digest: str, why: str = ""
) -> tuple[Notice, tuple[str, ...]]:
    """Put a notice's change into the accepted build; it supersedes what was accepted for the same optimization.

    Raises:
        InputError: where the notice does not recommend the change, was edited since it was written, where the build is
            not the one that it was measured on, or where its sources or the golden set have changed since.
    """
    with locked(folder):
        notice = find_notice(folder, number)
        _refuse_unsound(subject, notice, golden_digest)
        front = notice.front
        build = subject.accept(front.optimization, front.ecn)
        same = [old for old in notices(folder) if old.front.optimization == front.optimization]
        done = [_set(notice, ACCEPTED, why)]
        told = f"{front.ecn} was accepted in its place"
        done += [_set(old, SUPERSEDED, told) for old in same if old.front.status == ACCEPTED]
    _record(folder, done)
    return done[0], build


def reject(subject: Subject, folder: Path, number: str, *, why: str) -> Notice:
    """Reject a notice: its reviewer does not want the change.

    Raises:
        InputError: where there is no reason, where it can't be rejected any more, or is in the accepted build.
    """
    return _leave(subject, folder, number, REJECTED, why)


def withdraw(subject: Subject, folder: Path, number: str, *, why: str) -> Notice:
    """Withdraw a notice: who proposed it, or rolled it back, does not stand by it any more.

    Raises:
        InputError: where there is no reason, where it can't be withdrawn any more, or is in the accepted build.
    """
    return _leave(subject, folder, number, WITHDRAWN, why)


def _leave(subject: Subject, folder: Path, number: str, status: str, why: str) -> Notice:
    if not why.strip():
        raise InputError("a decision needs a reason", hint='Say why: --why "..."')
    with locked(folder):
        notice = find_notice(folder, number)
        _refuse_transition(notice, status)
        _refuse_in_build(subject, notice, status)
        done = _set(notice, status, why)
    _record(folder, [done])
    return done


def _refuse_transition(notice: Notice, status: str) -> None:
    """Raise where the table does not let a notice become this."""
    front = notice.front
    if status in TRANSITIONS[front.status]:
        return
    may = TRANSITIONS[front.status]
    hint = f"It can become {' or '.join(may)}" if may else "That is its end: propose the change anew by measuring it"
    if status == ACCEPTED:
        hint = "Only a proposed change can be accepted"
    raise InputError(f"{front.ecn} is {front.status}, and can't be {_NAMES[status]}", where=notice.path, hint=hint)


def _refuse_in_build(subject: Subject, notice: Notice, status: str) -> None:
    """Raise where the accepted build stands on this notice: a build and its notices never disagree."""
    front = notice.front
    accepted = subject.accepted()
    if accepted.get(front.optimization) != front.ecn:
        return
    known = {one.name: one for one in subject.candidates()}
    users = [name for name in accepted if name in known and front.optimization in known[name].requires]
    more = f", and those of what requires it ({', '.join(users)})" if users else ""
    hint = f"Delete its line{more} first, then decide, then run optimize check"
    told = f"{front.ecn} is in the accepted build, and can't be {_NAMES[status]} there"
    raise InputError(told, where=subject.build_file.name, hint=hint)


def _refuse_unsound(subject: Subject, notice: Notice, golden_digest: str) -> None:
    """Raise where a notice can't be accepted."""
    front = notice.front
    if front.verdict not in ACCEPTABLE:
        hint = f"Only {' and '.join(ACCEPTABLE)} changes join the build"
        raise InputError(f"{front.ecn} found the change {front.verdict}", where=notice.path, hint=hint)
    _refuse_transition(notice, ACCEPTED)
    if front.seal is not None and front.seal != notice.seal:
        told = f"{front.ecn} was edited since it was written: its seal is broken"
        hint = f"optimize ecn verify {front.ecn} says where; restore it from version control"
        raise InputError(told, where=notice.path, hint=hint)
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


def _set(notice: Notice, status: str, why: str) -> Notice:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return set_status(notice, status, why=printable(why) or None, at=at)


def _record(folder: Path, done: list[Notice]) -> None:
    """Put decisions into the ledger beside the folder, where that can be written."""

    def write(ledger: Ledger) -> None:
        for notice in done:
            front = notice.front
            ledger.append_decision(front.ecn, front.status, front.why or "", seal=notice.seal, at=front.decided_at)

    keep(folder.parent, write)
