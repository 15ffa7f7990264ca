"""Whether the accepted build and its notices agree, line by line, and whether every golden set has its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.config import Config
from optimizer.ecn import ACCEPTED, PROPOSED, Notice, notices
from optimizer.golden import Golden
from optimizer.golden_notice import golden_notices
from optimizer.outcomes import NOTICES, Outcome
from optimizer.subject import Candidate


@dataclass(frozen=True)
class _Line:
    """A line of the build."""

    name: str
    ecn: str
    folder: str

    @property
    def renewal(self) -> str:
        """The commands that write and accept a notice for it."""
        return f"write a new one: optimize --only {self.name} --from build, then optimize ecn accept with its number"


def check_notices(config: Config, first: Golden) -> list[Outcome]:
    """Return an outcome a line of the build: whether its notice is there, accepted, and for these very sources.

    A notice that is accepted, and that no line has, is an outcome, too: the build and its notices never disagree.

    `first` is the golden set that candidates are proven on.

    Raises:
        InputError: where a notice is damaged.
    """
    folder = config.reports / "ecn"
    have = list(notices(folder))
    known = {one.name: one for one in config.subject.candidates()}
    found = []
    for name, ecn in config.subject.accepted().items():
        line = _Line(name, ecn, config.relative(folder))
        error = _fault(line, have, known, first.digest)
        path = config.relative(known[name].path if name in known else config.subject.build_file)
        found.append(Outcome(f"{name} ({ecn})", "", (), NOTICES, ok=not error, error=error, path=path))
    return found + [_without_line(config, notice) for notice in have if _is_without_line(config, notice)]


def _is_without_line(config: Config, notice: Notice) -> bool:
    """Whether a notice is accepted, and no line of the build has its number."""
    return notice.front.status == ACCEPTED and notice.front.ecn not in config.subject.accepted().values()


def _without_line(config: Config, notice: Notice) -> Outcome:
    """Return the outcome of a notice that is accepted for a build which does not have it."""
    front, build = notice.front, config.relative(config.subject.build_file)
    error = (
        f"{front.ecn} is accepted, and no line of {build} has it; put the line back, or withdraw the notice: "
        f'optimize ecn withdraw {front.ecn} --why "..."'
    )
    label, path = f"{front.optimization} ({front.ecn})", config.relative(notice.path)
    return Outcome(label, "", (), NOTICES, ok=False, error=error, path=path)


def _fault(line: _Line, have: Sequence[Notice], known: Mapping[str, Candidate], golden_digest: str) -> str:
    """Return what is wrong with a line of the build and what to do about it, or nothing."""
    its = [notice for notice in have if notice.front.ecn == line.ecn]
    if not its:
        return f"{line.ecn} is not in {line.folder}; restore it from version control, or {line.renewal}"
    if len(its) > 1:
        files = " and ".join(notice.path.name for notice in its)
        return f"{line.ecn} is the number of two notices, {files}; keep one, and give the other a number of its own"
    front = its[0].front
    if line.name not in known:
        return f"{line.name} is in the build, and not in the catalog; delete its line, or restore its file"
    if front.optimization != line.name:
        return f"{line.ecn} is the notice of {front.optimization}; {line.renewal}"
    if front.status == PROPOSED:
        return f"{line.ecn} is proposed, not accepted; delete the line, then: optimize ecn accept {line.ecn}"
    if front.status != ACCEPTED:
        return f"{line.ecn} is {front.status}, not accepted; {line.renewal}"
    if front.source_digest != known[line.name].source_digest:
        return f"{line.name} was edited since {line.ecn} was accepted; {line.renewal}"
    if front.golden_digest != golden_digest:
        return f"the golden set is not the one that {line.ecn} was proven on; {line.renewal}"
    return ""


def check_golden_notices(config: Config, goldens: Sequence[Golden]) -> list[Outcome]:
    """Return an outcome a golden set that has a change notice: whether it is the set that its latest one tells of.

    Raises:
        InputError: where a notice is damaged.
    """
    latest = {notice.front.set: notice for notice in golden_notices(config.golden / "notices")}
    found = []
    for golden in goldens:
        if (notice := latest.get(golden.spec.name)) is None:
            continue
        number, error = notice.front.gcn, ""
        if notice.front.digest_after != golden.digest:
            error = (
                f"golden set {golden.spec.name} is not the one of its latest change notice, {number}; restore both "
                'from version control, or record the set anew: optimize golden record --reason "..."'
            )
        path = config.relative(golden.folder / "manifest.json")
        found.append(Outcome(f"{golden.spec.name} ({number})", "", (), NOTICES, ok=not error, error=error, path=path))
    return found
