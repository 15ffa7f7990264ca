"""The parts on memory, input and output, caches, cores and repeated work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
            _asked(both),
        )
    ]
    blocks += _caches(both)
    blocks += _repeated(document)
    return Section("system", title, tuple(blocks))


def _counted(word: str) -> Callable[[float | None], str]:
    return lambda value: values.plural(value, word) if value is not None else values.NOT_MEASURED


_ASKED: tuple[tuple[str, tuple[str, str], Callable[[float | None], str]], ...] = (
    ("the data's file", ("io", "data_bytes"), size),
    ("read through system calls", ("io", "read_bytes"), size),
    ("calls to read", ("io", "read_calls"), _counted("call")),
    ("read while loading", ("io", "load_read_bytes"), size),
    ("read from the device", ("io", "device_read_bytes"), size),
    ("written through system calls", ("io", "written_bytes"), size),
    ("written to the device", ("io", "device_written_bytes"), size),
    ("waits", ("io", "waits"), _counted("wait")),
    ("waiting for input and output", ("io", "wait_seconds"), seconds),
    ("off the processor", ("io", "off_cpu_seconds"), seconds),
    ("major page faults", ("io", "major_faults"), _counted("fault")),
    ("minor page faults", ("io", "minor_faults"), _counted("fault")),
    ("workers", ("parallel", "workers"), _counted("worker")),
    ("parallel efficiency", ("parallel", "efficiency"), share),
    ("wall time of what is parallel", ("parallel", "wall_seconds"), seconds),
    ("processor time of what is parallel", ("parallel", "cpu_seconds"), seconds),
)


def _asked(both: list[tuple[str, Document]]) -> list[tuple[str, ...]]:
    """Return the figures that a document has a place for, measured or not."""
    return [
        (told, *(unit(number(one, *path)) for _, one in both))
        for told, path, unit in _ASKED
        if any(path[1] in dict(items(one, path[0])) for _, one in both)
    ]


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
    on = text(document, "redundant_on")
    where = f", seen on {on}" if on else ""
    found = {
        f"The same call with the same arguments, in a run of the control{where}": records(document, "redundant"),
        "Calls that the next run over the same data makes again": records(document, "known_by_next_run"),
    }
    for caption, calls in found.items():
        rows = [
            (
                *facts.function_of(one),
                count(number(one, "calls")),
                count(number(one, "distinct")),
                count(number(one, "repeated")),
                seconds(number(one, "seconds_repeated")),
            )
            for one in calls[:10]
        ]
        heads = ("function", "where", "#calls", "#with other arguments", "#repeated", "#time repeated")
        if rows:
            yield table(caption, heads, rows)
    if not any(found.values()):
        yield aside("No call was found that is repeated with the same arguments.")
    if left := dict(items(document, "not_compared")):
        told = ", ".join(f"{count(number(left, why))} since {why}" for why in left)
        yield aside(f"Functions that were not compared: {told}.")
