"""The parts for the reader who goes on: commands, exit codes, words, notices, and the other runs."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Inline,
    Items,
    Line,
    Link,
    Listing,
    Missing,
    Section,
    Strong,
    aside,
    say,
    table,
)
from optimizer.reporters.page.documents import PAGE, Documents
from optimizer.reporters.page.values import Document, at, number, ratio, text

_EXIT = {
    0: "all is sound",
    1: "a change was refused, or a check failed",
    2: "the input or the call is wrong",
    3: "the measurement is void: the control differed from itself",
}
_WORDS = {
    "reference": "the plain Python implementation, which is the meaning of the program",
    "build": "a list of optimizations over the reference, in order",
    "control, candidate": "the build without, and with, the change on trial",
    "ratio": "the control's time over the candidate's, pair by pair of fresh processes; more than 1x is better",
    "warm": "a run that follows another in the same process: compiled code is loaded, caches are filled",
    "cold": "the first run of a process, with empty cache folders",
    "A/A": "the control measured against itself, which must show no difference",
    "parity": "equal bits, for every output of every scenario",
    "determinism": "the same bits in every environment: threads, hash seeds, time zones, processors",
    "leaner": "as fast, with at least 5 % less peak memory",
    "equivalent": "no effect beyond 2 %, shown",
    "inconclusive": "the interval holds both an effect and none",
    "ECN": "an Engine Change Notice, which a person reviews and accepts",
}


def notices_section(documents: Documents) -> Section:
    """Tell of the notices of the run's changes, and of the others."""
    title, run = "Notices", documents.run
    own = [text(change, "ecn") for change in facts.changes(run) if text(change, "ecn")]
    rows = [tuple(_notice(documents, number)) for number in dict.fromkeys(own) if number in documents.notices]
    blocks: list[Block] = []
    if rows:
        blocks.append(
            table("The notices of this run", ("notice", "change", "status", "verdict", "#ratio", "title"), rows)
        )
    else:
        blocks.append(Missing("There is no notice of this run beside the report.", facts.reproduce(run)))
    others = [number for number in documents.notices if number not in own]
    if others:
        links: list[Inline] = []
        for number in others:
            links += [", " if links else "Of other runs: ", Link(number, documents.notice_link(number))]
        blocks.append(aside(*links, "."))
    return Section("notices", title, tuple(blocks))


def _notice(documents: Documents, number: str) -> Iterator[Inline]:
    front = documents.notices[number].front
    yield Link(number, documents.notice_link(number))
    yield Code(values.short(front.optimization))
    yield front.status
    yield front.verdict
    yield ratio(front.ratio)
    yield front.title.rstrip(".")


def reproduce_section(documents: Documents) -> Section:
    """Tell how to do it again, and what the exit code means."""
    run = documents.run
    commands = [facts.reproduce(run), "optimize check"]
    commands += [
        f"optimize ecn verify {text(change, 'ecn')}" for change in facts.passed(run)[:3] if text(change, "ecn")
    ]
    data = at(run, "data")
    told = say(
        f"The data: {text(data, 'path') or 'unknown'}, SHA-256 ",
        Code(text(data, "sha256")[:16] or "unknown"),
        ". The golden set: ",
        Code(text(run, "golden", "set") or "unknown"),
        ", digest ",
        Code(text(run, "golden", "digest")[:16] or "unknown"),
        ".",
    )
    code = number(run, "exit_code")
    ended = say(
        "This run ended with ",
        Strong(f"exit code {code:.0f}" if code is not None else "an exit code that its document does not have"),
        f": {_EXIT.get(int(code), 'unknown')}." if code is not None else ".",
    )
    codes: tuple[Line, ...] = tuple((Strong(str(one)), f" {meaning}") for one, meaning in _EXIT.items())
    blocks = (Listing("Commands that repeat this run", "\n".join(commands)), told, ended, Items(codes))
    return Section("reproduce", "How to repeat it", blocks)


def words_section() -> Section:
    """Tell what the words mean."""
    lines: tuple[Line, ...] = tuple((Strong(word), f": {meaning}") for word, meaning in _WORDS.items())
    return Section("words", "Words", (Items(lines),))


def runs_section(documents: Documents) -> Section:
    """Link the other runs of this folder."""
    rows = [
        tuple(_run(documents, folder, run))
        for folder, run in documents.runs
        if folder.resolve() != documents.folder.resolve()
    ]
    if not rows:
        return Section("runs", "Other runs", (say("There is no other run in this folder."),))
    heads = ("run", "focus", "data", "#stayed", "#tried", "#ratio of the whole")
    return Section("runs", "Other runs", (table("Other runs, the newest first", heads, rows),))


def _run(documents: Documents, folder: object, run: Document) -> Iterator[Inline]:
    from pathlib import Path

    href = documents.link(Path(str(folder)) / PAGE)
    name = text(run, "run_id") or Path(str(folder)).name
    yield Link(name, href) if href else name
    yield text(run, "focus")
    yield text(run, "data", "path")
    yield values.plural(len(facts.passed(run)), "change")
    yield values.plural(len(facts.changes(run)), "change")
    yield ratio(number(run, "total", "ratio"))
