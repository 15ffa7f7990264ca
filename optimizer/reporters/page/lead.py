"""The beginning of the report: what came out, in a sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.hardware import hardware_line
from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import Code, Inline, Line, Strong
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import Document, at, between, interval, number, ratio, seconds, short, text

_MOST_NAMED = 4


@dataclass(frozen=True)
class Key:
    """A figure that stands out: its name, the figure with its unit, and what it means."""

    name: str
    figure: str
    about: str


def lead_of(documents: Documents) -> Line:
    """Return what came of the run, in a sentence or two."""
    run = documents.run
    tried, stayed = facts.changes(run), facts.passed(run)
    if at(run, "aa_control", "passed") is False:
        differed = ratio(number(run, "aa_control", "ratio"))
        return (
            Strong("The measurement is void."),
            f" The control differed from itself ({differed}), so no ratio of this run counts.",
        )
    if not tried:
        return (Strong("Nothing was tried,"), " so there is nothing to decide.")
    if not stayed:
        return (Strong(f"None of {values.plural(len(tried), 'change')} passed,"), " so the build stays as it was.")
    found = facts.totals(run)
    kept = f"{len(stayed)} of {values.plural(len(tried), 'change')} passed"
    if not found:
        return (Strong(f"{kept},"), " and the whole was not measured.")
    return (
        f"With {values.plural(len(stayed), 'change')} the engine is ",
        Strong(f"{ratio(number(found[0], 'ratio'))} as fast"),
        f" ({between(interval(found[0], 'ci95'))}): {facts.workload_phrase(facts.workload_of(found[0]))} takes "
        f"{seconds(number(found[0], 'final_seconds'))} where the reference takes "
        f"{seconds(number(found[0], 'reference_seconds'))}, ",
        Strong(_exactness(run)),
    )


def _exactness(run: Document) -> str:
    if not facts.exact(run):
        return "but the same bits were not shown everywhere."
    held = max((number(change, "parity", "scenarios") or 0 for change in facts.passed(run)), default=0)
    cells = max((number(change, "determinism", "cells") or 0 for change in facts.passed(run)), default=0)
    return f"with the same bits in {values.plural(held, 'scenario')} and {values.plural(cells, 'environment')}."


def action_of(documents: Documents) -> Line:
    """Return what to do, with the command."""
    run = documents.run
    if at(run, "aa_control", "passed") is False:
        return ("Accept nothing. Measure again on a quieter machine: ", Code(facts.reproduce(run)), ".")
    parts: list[Inline] = []
    open_ = [change for change in facts.passed(run) if _status(documents, change) == "proposed"]
    if open_:
        then = "then accept in that order, beginning with " if len(open_) > 1 else "then accept it: "
        parts += [f"Review {_notices(open_)}, {then}"]
        parts += [Code(f"optimize ecn accept {text(open_[0], 'ecn')}"), ". "]
    elif facts.passed(run):
        parts.append("Nothing waits for a signature. ")
    refused = facts.refused(run)
    if refused:
        parts.append("Do not merge ")
        for place, change in enumerate(refused[:_MOST_NAMED]):
            parts += ([", "] if place else []) + [facts.name_of(change), f" ({text(change, 'verdict')})"]
        more = len(refused) - _MOST_NAMED
        parts.append(f" and {more} more. " if more > 0 else ". ")
    if not parts:
        return ("Nothing is to be signed. ", "The notices tell why each change was left out.")
    return tuple(parts)


def _status(documents: Documents, change: Document) -> str:
    notice = documents.notices.get(text(change, "ecn"))
    return notice.front.status if notice else ""


def _notices(changes: list[Document]) -> str:
    numbers = [text(change, "ecn") for change in changes]
    if len(numbers) <= _MOST_NAMED:
        return ", ".join(numbers)
    return f"{values.plural(len(numbers), 'notice')} from {numbers[0]} to {numbers[-1]}"


def keys_of(documents: Documents) -> list[Key]:
    """Return the figures that stand out."""
    run = documents.run
    found = facts.totals(run)
    total: Document = found[0] if found else {}
    stayed, tried = facts.passed(run), facts.changes(run)
    best = max(stayed, key=lambda change: number(change, "seconds", "ratio") or 0.0, default={})
    peak = at(total, "peak") or {}
    aa = at(run, "aa_control")
    return [
        Key(
            "Whole",
            ratio(number(total, "ratio")),
            f"95 %: {between(interval(total, 'ci95'))}" if interval(total, "ci95") else "no interval",
        ),
        Key("Largest step", ratio(number(best, "seconds", "ratio")), short(text(best, "name")) or "no change passed"),
        Key(
            "Peak memory",
            values.size(number(peak, "after")),
            f"{values.size(number(peak, 'before'))} with the reference",
        ),
        Key("Stayed", values.plural(len(stayed), "change"), f"of {values.plural(len(tried), 'change')} tried"),
        Key("A/A control", ratio(number(aa, "ratio")), _control(aa)),
    ]


def _control(aa: object) -> str:
    passed = at(aa, "passed")
    word = "not measured" if passed is None else "passed" if passed else "failed: void"
    return f"{word}; 95 %: {between(interval(aa, 'ci95'))}" if interval(aa, "ci95") else word


def about_of(documents: Documents) -> list[Line]:
    """Return what was measured, when and where."""
    run = documents.run
    data = at(run, "data")
    sizes = [f"{values.count(number(data, key))} {word}" for key, word in _SIZES if number(data, key) is not None]
    lines: list[Line] = [(f"{text(data, 'path') or 'Unknown data'}: {', '.join(sizes) or 'of unknown size'}.",)]
    lines += [(note,) for note in values.names(data, "notes")]
    try:
        lines.append((f"{hardware_line(dict(facts.hardware_of(documents)))}.",))
    except (KeyError, TypeError, ValueError):
        lines.append(("The hardware is not in the run's document.",))
    return lines


_SIZES = (("symbols", "symbols"), ("timestamps", "timestamps"), ("rows", "bars"))
