"""What several parts of the report ask a run's document for."""

from __future__ import annotations

import shlex

from optimizer.decision import PASSED, REFUSED
from optimizer.reporters.page.blocks import Code, Inline, Link, Verdict
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import Document, Interval, at, interval, items, names, number, records, short, text

AGAIN = "optimize"
_FIGURES = {"run": "warm", "cold": "first run", "kept": "first run, kept caches"}
_PHRASES = {"run": "a warm run of", "cold": "the first run of", "kept": "the first run with kept caches of"}


def changes(run: Document) -> list[Document]:
    """Return the changes that were tried, in order."""
    return records(run, "changes")


def passed(run: Document) -> list[Document]:
    """Return the changes that joined the build."""
    return [change for change in changes(run) if text(change, "verdict") in PASSED]


def refused(run: Document) -> list[Document]:
    """Return the changes that were refused: other bits, or slower, or failed."""
    return [change for change in changes(run) if text(change, "verdict") in REFUSED]


def good(verdict: str) -> bool | None:
    """Return whether a verdict is a good one; None where it is neither good nor bad."""
    return True if verdict in PASSED else False if verdict in REFUSED else None


def verdict_of(change: Document) -> Verdict:
    """Return the verdict on a change."""
    word = text(change, "verdict") or "unknown"
    return Verdict(word, good(word))


def name_of(change: Document) -> Code:
    """Return the name of a change."""
    return Code(short(text(change, "name") or "without a name"))


def title_of(documents: Documents, change: Document) -> str:
    """Return the title of a change, from the run or else from its notice."""
    notice = documents.notices.get(text(change, "ecn"))
    return (text(change, "title") or (notice.front.title if notice else "")).rstrip(".")


def notice_of(documents: Documents, change: Document) -> Inline:
    """Return the number of a change's notice, with the way to it where the notice is there."""
    number = text(change, "ecn")
    href = documents.notice_link(number)
    return Link(number, href) if href else number or "none"


def workload_of(document: Document) -> tuple[str, str, str]:
    """Return what a change or a total was judged on: scenario, figure, file."""
    given = at(document, "workload")
    source = given if not isinstance(given, str) else document
    scenario = given if isinstance(given, str) else text(given, "scenario")
    return scenario, text(source, "figure") or "run", text(source, "data")


def workload_text(workload: tuple[str, str, str]) -> str:
    """Return a workload in words."""
    scenario, figure, file = workload
    if figure == "load":
        kind = file.rpartition(".")[2] if "." in file else "the file"
        return f"loading {kind}"
    return f"{scenario or 'unknown'}, {_FIGURES.get(figure, figure)}"


def workload_phrase(workload: tuple[str, str, str]) -> str:
    """Return a workload as the subject of a sentence."""
    scenario, figure, _ = workload
    return f"{_PHRASES[figure]} {scenario}" if figure in _PHRASES and scenario else workload_text(workload)


def ratio_of(document: Document | None, *path: str) -> tuple[float | None, Interval | None]:
    """Return the ratio and the 95 % interval at a path."""
    return number(document, *path, "ratio"), interval(document, *path, "ci95")


def totals(run: Document) -> list[Document]:
    """Return the totals: the reference against the final build, by workload; the first is the main one."""
    found = records(run, "totals") or [at(run, "total")]
    return [one for one in found if number(one, "ratio") is not None]


def exact(run: Document) -> bool:
    """Whether every change that passed gave the same bits in every scenario and in every cell."""
    return all(
        at(change, "parity", "exact") is True
        and number(change, "determinism", "cells") == number(change, "determinism", "identical")
        for change in passed(run)
    )


def hardware_of(documents: Documents) -> Document:
    """Return the hardware, by preference as the run has it, with what only `optimize hardware` measures added."""
    own, measured = dict(items(documents.run, "hardware")), documents.hardware or {}
    same = not own or at(own, "machine") is None or at(own, "machine") == at(measured, "machine")
    known = {key: value for key, value in own.items() if value is not None}
    return {**measured, **known} if same else own


def place_of(spot: Document) -> str:
    """Return where a function is."""
    line = number(spot, "line")
    return text(spot, "file") + (f":{line:.0f}" if line is not None else "")


def function_of(spot: Document) -> tuple[Code, Code]:
    """Return a function, and where it is."""
    return Code(text(spot, "function")), Code(place_of(spot))


def reproduce(run: Document, *, only: str = "", start: list[str] | None = None) -> str:
    """Return the command that carries a run out again, as far as its document tells."""
    parts = [AGAIN]
    tried = [text(change, "name") for change in changes(run)]
    focus = text(run, "focus")
    if only:
        parts += ["--only", only]
    elif focus and focus != "all":
        parts += ["--focus", focus]
    elif len(tried) == 1:
        parts += ["--only", tried[0]]
    first = names(run, "build_before") if start is None else start
    if first:
        parts += ["--from", ",".join(first)]
    if not at(run, "data", "generated") and text(run, "data", "path"):
        parts += ["--data", text(run, "data", "path")]
    return shlex.join(parts)
