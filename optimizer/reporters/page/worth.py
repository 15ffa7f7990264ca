"""The parts on what each change is worth, and on why it was tried when it was."""

from __future__ import annotations

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import Block, Code, Inline, Line, Missing, Section, aside, codes, say, table
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import Document, names, number, records, seconds, short, text, told


def attribution_section(documents: Documents) -> Section:
    """Tell what each change is worth alone, on the build, and left out of it."""
    document = documents.attribution
    title = "What each change is worth"
    if document is None or not records(document, "changes"):
        what = "Each change alone on the reference, and the final build without it."
        return Section("attribution", title, (Missing(what, f"{facts.reproduce(documents.run)} --attribute"),))
    first = say(
        "Gains do not add up: two changes can save the same time twice, or only together. Alone is the reference over "
        "the reference with it; on the build is its trial; left out is the final build without it over the whole. "
        "Close to 1x left out means that the rest does without it."
    )
    heads = ("change", "#alone", "#on the build", "#left out", "with it", "judged on")
    where = text(document, "workload") or facts.workload_text(facts.workload_of(document))
    rows = [
        (
            Code(short(text(change, "name"))),
            told(*facts.ratio_of(change, "alone")),
            told(*facts.ratio_of(change, "on_build")),
            told(*facts.ratio_of(change, "left_out")),
            _company(change),
            text(change, "workload") or where,
        )
        for change in records(document, "changes")
    ]
    caption = "What each change is worth: ratio, and 95 % interval"
    blocks: list[Block] = [first, table(caption, heads, rows)]
    failed = [one for one in records(document, "changes") if text(one, "error")]
    blocks += [aside(Code(short(text(one, "name"))), f": {text(one, 'error')}.") for one in failed]
    whole = records(document, "workloads") or [document]
    blocks.append(
        table(
            "The reference and the final build in the same rounds",
            ("workload", "#reference", "#final build", "#ratio, 95 %"),
            [
                (
                    text(one, "workload") or where,
                    seconds(number(one, "reference_seconds")),
                    seconds(number(one, "final_seconds")),
                    told(*facts.ratio_of(one, "whole")),
                )
                for one in whole
            ],
        )
    )
    return Section("attribution", title, tuple(blocks))


def _company(change: Document) -> Line:
    """Return what had to join the reference with a change, and what had to leave the build with it."""
    parts: list[Inline] = []
    for how, key in (("alone with ", "alone_with"), ("left out with ", "left_out_with")):
        if others := names(change, key):
            parts += ["; " if parts else "", how, *codes(short(one) for one in others)]
    return tuple(parts) or ("nothing",)


def order_section(documents: Documents) -> Section:
    """Tell in which order the changes were tried, and why."""
    run = documents.run
    rows: list[tuple[Inline | Line, ...]] = [
        (Code(short(text(one, "name"))), text(one, "focus"), text(one, "why")) for one in records(run, "order")
    ]
    blocks: list[Block] = [say("Tried next is what the profile of the build so far gives the most reason for.")]
    if not rows:
        rows = [
            (
                facts.name_of(change),
                text(change, "focus"),
                f"its component, {text(change, 'component') or 'unknown'}, took "
                f"{values.share(number(change, 'share'))} of the time of the build so far",
            )
            for change in facts.changes(run)
        ]
    if not rows:
        return Section("order", "Why in this order", (Missing("The order of the candidates.", facts.AGAIN),))
    blocks.append(table("Candidates in the order in which they were tried", ("change", "focus", "why then"), rows))
    return Section("order", "Why in this order", tuple(blocks))
