"""The parts on speed: the ladder, what was tried, and the control against itself."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.benchmark import EFFECT
from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Line,
    Missing,
    Section,
    aside,
    say,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.plots import Effect, Forest, Ladder, Span, plot
from optimizer.reporters.page.values import (
    Document,
    at,
    between,
    between_seconds,
    interval,
    median_interval,
    number,
    numbers,
    ratio,
    seconds,
    short,
    text,
    told,
)


def ladder_section(documents: Documents) -> Section:
    """Tell how the reference became the final build, a step a change."""
    run = documents.run
    found = facts.totals(run)
    if not found:
        what = "The way from the reference to a final build: no change passed, or the run ended early."
        return Section("ladder", "From reference to final build", (Missing(what, facts.reproduce(run)),))
    main = facts.workload_of(found[0])
    rows = _steps(run, found[0], main)
    others = [row for row in rows if not row.own]
    blocks: list[Block] = [_ladder(rows, main)]
    if others:
        blocks.append(
            aside(
                "Pale bars were judged on a workload of their own, which the table names: "
                "their seconds are not those of the others."
            )
        )
    blocks.append(_totals(found))
    return Section("ladder", "From reference to final build", tuple(blocks))


def _steps(run: Document, total: Document, main: tuple[str, str, str]) -> list[Span]:
    before, after = number(total, "reference_seconds"), number(total, "final_seconds")
    first = Span("reference", None, before, median_interval(numbers(total, "before_all")))
    last = Span("final build", None, after, median_interval(numbers(total, "after_all")), ratio(number(total, "ratio")))
    return [first, *(_step(change, main) for change in facts.passed(run)), last]


def _step(change: Document, main: tuple[str, str, str]) -> Span:
    return Span(
        short(text(change, "name")),
        number(change, "seconds", "before"),
        number(change, "seconds", "after"),
        median_interval(numbers(change, "seconds", "after_all")),
        ratio(number(change, "seconds", "ratio")),
        own=facts.workload_of(change) == main,
        where=facts.workload_text(facts.workload_of(change)),
    )


def _ladder(rows: Sequence[Span], main: tuple[str, str, str]) -> Block:
    shown = [row for row in rows if row.after and row.after > 0 and (row.before is None or row.before > 0)]
    title = f"Time of {facts.workload_phrase(main)}, after each change that stayed"
    figures = table(
        title,
        ("build", "#before", "#after", "#after, 95 % interval of the median", "#before / after", "judged on"),
        [
            (
                Code(row.name),
                seconds(row.before) if row.before else "-",
                seconds(row.after),
                between_seconds(row.low_high),
                row.told or "-",
                row.where or facts.workload_text(main),
            )
            for row in rows
        ],
    )
    about = (
        f"A row for the reference, each accepted change and the final build, on a log scale. "
        f"It begins at {seconds(shown[0].after)} and ends at {seconds(shown[-1].after)}."
    )
    return plot("plot-ladder", title, about, figures, Ladder(tuple(shown), seconds, log=True))


def _totals(found: Sequence[Document]) -> Block:
    return table(
        "The reference against the final build, by workload",
        ("workload", "#reference", "#final build", "#ratio, 95 %", "#CPU time", "#loading, before", "#after"),
        [
            (
                facts.workload_text(facts.workload_of(total)),
                seconds(number(total, "reference_seconds")),
                seconds(number(total, "final_seconds")),
                told(*facts.ratio_of(total)),
                told(*facts.ratio_of(total, "cpu_seconds")),
                seconds(number(total, "load_seconds", "before")),
                seconds(number(total, "load_seconds", "after")),
            )
            for total in found
        ],
    )


def tried_section(documents: Documents) -> Section:
    """Tell what was tried, with every ratio and its interval."""
    run = documents.run
    tried = facts.changes(run)
    if not tried:
        return Section("tried", "What was tried", (Missing("No change was tried.", facts.AGAIN),))
    effect = number(run, "measurement", "effect") or EFFECT
    blocks: list[Block] = [say(*_how(run, effect)), _verdicts(documents, tried)]
    rows = _effects(run, tried)
    if rows:
        blocks.insert(1, _forest(rows, effect))
    blocks.append(_figures(tried))
    blocks.append(
        aside(
            "CPU time counts all threads and workers. The first run is that of a process that finds no compiled code "
            "in memory; compiling is in none of the ratios."
        )
    )
    return Section("tried", "What was tried", tuple(blocks))


def _how(run: Document, effect: float) -> Line:
    confidence, candidates = number(run, "measurement", "confidence"), number(run, "measurement", "candidates")
    text_ = f"Before over after, so more than 1 is better. A ratio within {effect - 1:.0%} of 1 counts as no effect"
    if confidence is None:
        return (f"{text_}; a verdict rests on the 95 % interval of each figure.",)
    many = f" over {values.plural(candidates, 'candidate')}" if candidates else ""
    looks = at(run, "measurement", "looks")
    looked = f" and up to {values.plural(len(looks), 'look')} at the figures" if isinstance(looks, list) else ""
    sure = f"{confidence:.2%}".replace(".00%", "%")
    return (
        f"{text_}. A verdict rests on the wide interval (thin line), which holds with {sure} for the whole run"
        f"{many}{looked}; the 95 % interval (thick) is that of the one figure.",
    )


def _effects(run: Document, tried: Sequence[Document]) -> list[Effect]:
    rows = []
    aa = number(run, "aa_control", "ratio")
    if aa is not None and aa > 0:
        fine = at(run, "aa_control", "passed") is not False
        bounds = interval(run, "aa_control", "bounds")
        rows.append(
            Effect("control again (A/A)", aa, interval(run, "aa_control", "ci95"), bounds, None if fine else False)
        )
    for change in tried:
        found, ci95 = facts.ratio_of(change, "seconds")
        if found and found > 0:
            good = facts.good(text(change, "verdict"))
            rows.append(Effect(short(text(change, "name")), found, ci95, interval(change, "seconds", "bounds"), good))
    for total in facts.totals(run)[:1]:
        found, ci95 = facts.ratio_of(total)
        if found and found > 0:
            rows.append(Effect("all that stayed", found, ci95, interval(total, "bounds"), good=True))
    return rows


def _forest(rows: Sequence[Effect], effect: float) -> Block:
    title = "Ratio of each change, with its intervals"
    figures = table(
        title,
        ("change", "#ratio", "#95 % interval", "#interval of the verdict"),
        [(Code(row.name), ratio(row.ratio), between(row.ci95), between(row.bounds)) for row in rows],
    )
    best = max(rows, key=lambda row: row.ratio)
    about = (
        f"A row a change, the control measured against itself first. The band is 1 within {effect - 1:.0%}. "
        f"The largest ratio is {ratio(best.ratio)}, {best.name}."
    )
    return plot("plot-ratios", title, about, figures, Forest(tuple(rows), effect))


def _verdicts(documents: Documents, tried: Sequence[Document]) -> Block:
    heads = ("change", "verdict", "#before", "#after", "#ratio, 95 %", "#pairs", "judged on", "notice")
    rows = [
        (
            facts.name_of(change),
            facts.verdict_of(change),
            seconds(number(change, "seconds", "before")),
            seconds(number(change, "seconds", "after")),
            told(*facts.ratio_of(change, "seconds")),
            values.count(number(change, "seconds", "pairs")),
            facts.workload_text(facts.workload_of(change)),
            facts.notice_of(documents, change),
        )
        for change in tried
    ]
    return table("Every change, in the order in which it was tried", heads, rows)


def _figures(tried: Sequence[Document]) -> Block:
    heads = ("change", "#CPU time, warm", "#first run", "#loading", "#compiling once", "does worst on", "#there")
    rows = [
        (
            facts.name_of(change),
            told(*facts.ratio_of(change, "cpu_seconds")),
            told(*facts.ratio_of(change, "cold")),
            told(*facts.ratio_of(change, "load")),
            seconds(number(change, "compile_seconds")),
            text(change, "worst", "workload"),
            ratio(number(change, "worst", "ratio")),
        )
        for change in tried
    ]
    return table("Other figures of each change: before over after, with the 95 % interval", heads, rows)
