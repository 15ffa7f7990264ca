"""The parts on exactness: parity, determinism, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Heading,
    Inline,
    Items,
    Line,
    Listing,
    Missing,
    Section,
    Verdict,
    aside,
    codes,
    say,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import Document, at, count, names, number, records, short, text


def exactness_section(documents: Documents) -> Section:
    """Tell what the changes gave, bit for bit, in every scenario and in every environment."""
    run, title = documents.run, "Whether anything else changed"
    tried = facts.changes(run)
    if not tried:
        return Section("exactness", title, (Missing("Parity and determinism of a change.", facts.AGAIN),))
    golden = at(run, "golden")
    scenarios = values.plural(number(golden, "scenarios") or 0, "scenario")
    first = say(
        "Each change was held to the golden set ",
        Code(text(golden, "set") or "unknown"),
        f" of {scenarios}, digest ",
        Code(text(golden, "digest")[:16] or "unknown"),
        ": every output, bit for bit. The runs that were timed were held to the reference's bits as well.",
    )
    blocks: list[Block] = [first, _parity(tried), _determinism(tried)]
    without = _without_effect(tried)
    if without:
        blocks += [
            aside("A setting without effect here proves nothing, and is told so instead of counted as passed:"),
            Items(without),
        ]
    return Section("exactness", title, tuple(blocks))


def _parity(tried: list[Document]) -> Block:
    return table(
        "Parity with the reference",
        ("change", "the bits", "#scenarios held to", "first difference", "remarks of the static look"),
        [
            (
                facts.name_of(change),
                _bits(change),
                count(number(change, "parity", "scenarios")),
                _place(at(change, "parity", "divergence")) or "none",
                values.plural(len(names(change, "remarks")), "remark"),
            )
            for change in tried
        ],
    )


def _bits(change: Document) -> Inline:
    exact = at(change, "parity", "exact")
    if exact is True:
        return Verdict("the same", good=True)
    if at(change, "parity", "divergence") or text(change, "verdict") == "diverged":
        return Verdict("differ", good=False)
    return Verdict("not shown", good=None)


def _determinism(tried: list[Document]) -> Block:
    return table(
        "Determinism: fresh processes in other environments",
        ("change", "the bits", "#cells with the golden bits", "#cells", "matrix", "differing under"),
        [
            (
                facts.name_of(change),
                _steady(change),
                count(number(change, "determinism", "identical")),
                count(number(change, "determinism", "cells")),
                text(change, "determinism", "matrix") or "none",
                text(change, "determinism", "differing") or "nothing",
            )
            for change in tried
        ],
    )


def _steady(change: Document) -> Inline:
    cells, identical = number(change, "determinism", "cells"), number(change, "determinism", "identical")
    if not cells:
        return Verdict("not shown", good=None)
    return Verdict("the same in all" if cells == identical else "differ", good=cells == identical)


def _without_effect(tried: list[Document]) -> tuple[Line, ...]:
    """Return each setting that had no effect, with the changes for which it had none."""
    found: dict[str, list[str]] = {}
    for change in tried:
        for setting in names(change, "determinism", "no_effect"):
            found.setdefault(setting, []).append(short(text(change, "name")))
    return tuple(
        (f"{setting}: ", *(codes(whose) if len(whose) < len(tried) else ("every change",)))
        for setting, whose in found.items()
    )


def refused_section(documents: Documents) -> Section:
    """Tell of every change that was refused, and show the first difference of one that diverged."""
    title = "What was refused, and why"
    blocks: list[Block] = []
    for change in facts.refused(documents.run):
        blocks.append(Heading(short(text(change, "name"))))
        blocks.append(say(facts.verdict_of(change), f": {text(change, 'reason') or 'the document gives no reason'}."))
        divergence = at(change, "parity", "divergence")
        if isinstance(divergence, Mapping):
            blocks.append(Listing("The first difference in time", "\n".join(_lines(divergence))))
    open_ = [change for change in facts.changes(documents.run) if facts.good(text(change, "verdict")) is None]
    if open_:
        blocks.append(Heading("Not refused, and left out of the build"))
        blocks.append(Items(tuple(_left(change) for change in open_)))
    if not blocks:
        blocks.append(say("Nothing was refused."))
    return Section("refused", title, tuple(blocks))


def _left(change: Document) -> Line:
    return (facts.name_of(change), ", ", facts.verdict_of(change), f": {text(change, 'reason')}.")


def _place(divergence: object) -> str:
    if not isinstance(divergence, Mapping):
        return ""
    where = text(divergence, "symbol") or "the whole account"
    field = ".".join(part for part in (text(divergence, "output"), text(divergence, "field")) if part)
    moment = text(divergence, "timestamp")
    return ", ".join(part for part in (moment, moment and where, field) if part) or "told below"


def _lines(divergence: Document) -> Iterator[str]:
    """Yield a divergence on lines, as `optimize replay` does."""
    distance = text(divergence, "distance")
    told = {
        "scenario": text(divergence, "case"),
        "first at": _place(divergence),
        "equal": text(divergence, "equal_before"),
        "expected": text(divergence, "expected"),
        "obtained": text(divergence, "obtained") + (f"   ({distance})" if distance else ""),
    }
    yield from (f"{name:<10} {value}" for name, value in told.items() if value)
    yield from names(divergence, "around")
    if replay := text(divergence, "replay"):
        yield f"{'replay':<10} {replay}"


def remarks_of(run: Document) -> list[Document]:
    """Return the changes at whose sources there is something to look."""
    return [change for change in records(run, "changes") if names(change, "remarks")]
