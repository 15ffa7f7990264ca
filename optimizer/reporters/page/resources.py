"""The parts on memory, input and output, caches, cores and repeated work."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Heading,
    Inline,
    Items,
    Line,
    Missing,
    Section,
    aside,
    say,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.plots import Ladder, Span, plot
from optimizer.reporters.page.values import (
    Document,
    at,
    count,
    items,
    number,
    ratio,
    records,
    seconds,
    share,
    short,
    size,
    text,
)

_COMMAND = "optimize profile"


def memory_section(documents: Documents) -> Section:
    """Tell what memory the builds took, and where it is allocated."""
    run, title = documents.run, "Memory"
    rows = [
        Span(
            short(text(change, "name")),
            _mib(number(change, key, "before")),
            _mib(number(change, key, "after")),
            told=ratio(number(change, key, "ratio")) if number(change, key, "ratio") else "",
        )
        for change in facts.changes(run)
        if number(change, key := "peak" if number(change, "peak", "after") else "peak_bytes", "after")
    ]
    for total in facts.totals(run)[:1]:
        if number(total, "peak", "after"):
            first, last = (_mib(number(total, "peak", which)) for which in ("before", "after"))
            rows.append(Span("the whole", first, last, told=ratio(number(total, "peak", "ratio"))))
    blocks: list[Block] = [_peaks(rows)] if rows else [Missing("Peak memory of each build.", facts.reproduce(run))]
    for name, document in (("control", documents.before), ("final build", documents.after)):
        blocks += _allocations(name, document)
    if documents.before is None:
        blocks.append(Missing("Where memory is allocated, and whether any is lost.", _COMMAND))
    return Section("memory", title, tuple(blocks))


def _mib(value: float | None) -> float | None:
    return value / 2**20 if value is not None else None


def _mib_text(value: float | None) -> str:
    return f"{value:,.0f} MiB" if value is not None else values.NOT_MEASURED


def _peaks(rows: list[Span]) -> Block:
    title = "Peak resident memory of a whole process, before and after"

    figures = table(
        title,
        ("change", "#before", "#after", "#before / after"),
        [
            (Code(row.name), _mib_text(row.before), _mib_text(row.after), row.told or values.NOT_MEASURED)
            for row in rows
        ],
    )
    about = (
        f"A bar a change, from before to after; loading is part of it. The last ends at {_mib_text(rows[-1].after)}."
    )
    return plot("plot-memory", title, about, figures, Ladder(tuple(rows), _mib_text, log=False))


def _allocations(name: str, document: Document | None) -> list[Block]:
    memory = at(document, "memory")
    if not memory:
        return []
    told = say(
        f"Under the memory profiler the {name} reached {size(number(memory, 'peak_bytes'))} in "
        f"{count(number(memory, 'allocations'))} allocations of {size(number(memory, 'allocated_bytes'))} in all."
    )
    heads = ("function", "where", "#bytes", "#allocations")
    rows = [
        (
            Code(text(one, "function")),
            Code(facts.place_of(one)),
            size(number(one, "bytes")),
            count(number(one, "allocations")),
        )
        for one in records(memory, "top")[:8]
    ]
    lost = [
        (
            Code(text(one, "function")),
            Code(facts.place_of(one)),
            size(number(one, "bytes")),
            size(number(one, "per_run_bytes")),
        )
        for one in records(memory, "leaks")
    ]
    blocks: list[Block] = [Heading(f"Allocations of the {name}"), told]
    if rows:
        blocks.append(table(f"Where the {name} allocates most", heads, rows))
    if lost:
        heads = ("function", "where", "#kept", "#more with every run")
        blocks.append(table(f"Memory of the {name} that grows from run to run", heads, lost))
    else:
        blocks.append(aside("Nothing was found that grows from run to run."))
    return blocks


def system_section(documents: Documents) -> Section:
    """Tell of input and output, caches, cores and repeated work."""
    document, title = documents.before, "Input and output, caches, cores, repeated work"
    if document is None:
        return Section("system", title, (Missing("What the control asks of the machine.", _COMMAND),))
    both = [("control", document), *([("final build", documents.after)] if documents.after else [])]
    blocks: list[Block] = [
        table(
            "What a run asks of the machine",
            ("figure", *(f"#{name}" for name, _ in both)),
            [(told, *(unit(number(one, *path)) for _, one in both)) for told, path, unit in _ASKED],
        )
    ]
    blocks += _caches(both)
    blocks += _repeated(document)
    return Section("system", title, tuple(blocks))


_ASKED = (
    ("read through system calls", ("io", "read_bytes"), size),
    ("written", ("io", "written_bytes"), size),
    ("read from the device", ("io", "device_read_bytes"), size),
    (
        "calls to read",
        ("io", "read_calls"),
        lambda value: values.plural(value, "call") if value is not None else values.NOT_MEASURED,
    ),
    ("waiting for input and output", ("io", "wait_seconds"), seconds),
    (
        "major page faults",
        ("io", "major_faults"),
        lambda value: values.plural(value, "fault") if value is not None else values.NOT_MEASURED,
    ),
    (
        "minor page faults",
        ("io", "minor_faults"),
        lambda value: values.plural(value, "fault") if value is not None else values.NOT_MEASURED,
    ),
    (
        "workers",
        ("parallel", "workers"),
        lambda value: values.plural(value, "worker") if value is not None else values.NOT_MEASURED,
    ),
    ("parallel efficiency", ("parallel", "efficiency"), share),
    ("wall time of what is parallel", ("parallel", "wall_seconds"), seconds),
    ("CPU time of what is parallel", ("parallel", "cpu_seconds"), seconds),
)


def _caches(both: list[tuple[str, Document]]) -> Iterator[Block]:
    rows: list[tuple[Inline | Line, ...]] = []
    for build, document in both:
        for name, found in items(document, "caches", "own"):
            hits, misses = (count(number(found, key)) for key in ("hits", "misses"))
            rows.append((Code(name), build, hits, misses, share(number(found, "rate"))))
    if rows:
        yield table("Our own caches", ("cache", "build", "#hits", "#misses", "#found"), rows)
    hardware = at(both[0][1], "caches", "hardware")
    if isinstance(hardware, str) and hardware:
        yield aside(f"Caches of the processor: {hardware}.")
    counters: list[Line] = [
        (f"{name.replace('_', ' ')}: {values.figure(value, '')}",) for name, value in items(hardware)
    ]
    if counters:
        yield Heading("Counters of the processor")
        yield Items(tuple(counters))


def _repeated(document: Document) -> Iterator[Block]:
    rows = [
        (
            Code(text(one, "function")),
            Code(facts.place_of(one)),
            count(number(one, "calls")),
            count(number(one, "distinct")),
            count(number(one, "repeated")),
            seconds(number(one, "seconds_repeated")),
        )
        for one in records(document, "redundant")[:10]
    ]
    if rows:
        heads = ("function", "where", "#calls", "#with other arguments", "#repeated", "#time repeated")
        yield table("The same call with the same arguments, in the control", heads, rows)
    else:
        yield aside("No call was found that is repeated with the same arguments.")
