"""The parts on how far the figures can be trusted: the control against itself, and the instrument's errors."""

from __future__ import annotations

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Inline,
    Line,
    Missing,
    Paragraph,
    Section,
    Verdict,
    aside,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import (
    Document,
    at,
    between,
    interval,
    number,
    ratio,
    records,
    share,
    text,
    told,
)

_CALIBRATE = "make calibrate"


def control_section(documents: Documents) -> Section:
    """Tell what the control gave against itself."""
    run = documents.run
    found = number(run, "aa_control", "ratio")
    if found is None and interval(run, "aa_control", "bounds") is None:
        what = "The control against itself (A/A): it is measured with the first change that is exact."
        return Section("control", "The control against itself", (Missing(what, facts.reproduce(run)),))
    fine = at(run, "aa_control", "passed") is not False
    pairs = number(run, "aa_control", "pairs")
    bounds = interval(run, "aa_control", "bounds")
    line: Line = (
        Verdict("passed" if fine else "failed", fine),
        f": ratio {ratio(found)}, 95 % interval {between(interval(run, 'aa_control', 'ci95'))}",
        f", interval of the verdict {between(bounds)}" if bounds else "",
        f", {values.plural(pairs, 'pair')}" if pairs else "",
        ". The same build stood on both sides: "
        + ("no difference was found, so a ratio of this run can be believed." if fine else "")
        + (
            ""
            if fine
            else "a difference was found, so this run's figures are void. Measure again on a quieter machine."
        ),
    )
    blocks: list[Block] = [Paragraph(line)]
    if len(others := records(run, "aa_controls")) > 1:
        blocks.append(
            table("Every time that the control was measured against itself", _CONTROLS, map(_control, others))
        )
    return Section("control", "The control against itself", tuple(blocks))


_CONTROLS = ("workload", "what was found", "#ratio, 95 %", "#interval of the verdict", "#pairs")


def _control(control: Document) -> tuple[Inline, ...]:
    fine = at(control, "passed")
    return (
        text(control, "workload"),
        Verdict("a difference" if fine is False else "no difference", fine if isinstance(fine, bool) else None),
        told(*facts.ratio_of(control)),
        between(interval(control, "bounds")),
        values.count(number(control, "pairs")),
    )


def calibration_section(documents: Documents) -> Section:
    """Tell how often the instrument errs, and which effects it finds."""
    document, title = documents.calibration, "How far the instrument can be trusted"
    if document is None:
        what = "How often two equal builds are called different, and which true effects are found."
        return Section("calibration", title, (Missing(what, _CALIBRATE),))
    blocks: list[Block] = [_equal(document), _found(document)]
    told = text(document, "hardware") or text(document, "hardware", "cpu")
    command = text(document, "command") or _CALIBRATE
    blocks.append(aside("Measured by ", Code(command), f" on {told}." if told else "."))
    return Section("calibration", title, tuple(blocks))


def _equal(document: Document) -> Block:
    rows = [
        (
            text(one, "condition"),
            values.plural(number(one, "runs") or 0, "run"),
            values.plural(number(one, "called") or 0, "run"),
            share(number(one, "share")),
            share(number(one, "upper95")),
        )
        for one in records(document, "aa")
    ]
    heads = ("machine", "#of", "#called faster or slower", "#share", "#at most, with 95 %")
    return table("Two equal builds, held against each other", heads, rows)


def _found(document: Document) -> Block:
    rows = []
    for one in records(document, "effects"):
        runs = [values.plural(number(one, key) or 0, "run") for key in ("runs", "found", "slower", "inconclusive")]
        true = number(one, "true_ratio")
        rows.append(
            (
                f"{share(number(one, 'effect'))} less work",
                ratio(true),
                *runs,
                share(number(one, "share")),
                ratio(number(one, "median_ratio")),
            )
        )
    heads = ("true effect", "#true ratio", "#of", "#found", "#called slower", "#left open", "#share", "#median ratio")
    return table("A true effect, injected", heads, rows)
