"""The parts on the profiles: where the time and the memory went, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Heading,
    Inline,
    Items,
    Line,
    Link,
    Listing,
    Missing,
    Section,
    aside,
    joined,
    say,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.plots import Bars, Ladder, Span, plot
from optimizer.reporters.page.values import (
    Document,
    at,
    count,
    items,
    names,
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
_SHOWN = 12
_LINES = 4


def profile_section(documents: Documents) -> Section:
    """Tell where the time went before and after, by component."""
    before, after = documents.before, documents.after
    shares = [dict(_shares(document)) for document in (before, after)]
    title = "Where the time goes"
    blocks: list[Block] = []
    if not any(shares):
        shares[0] = _from_run(documents.run)
    if any(shares):
        parts = list(dict.fromkeys(name for found in shares for name in found))
        blocks += [_profiled(before, after), _components(parts, shares, before, after)]
    else:
        blocks.append(Missing("The profile of the control.", _COMMAND))
    if after is None:
        blocks.append(Missing("The profile of the final build.", f"{_COMMAND} --from build"))
    links = list(_links(documents))
    if links:
        blocks.append(say("Beside this page: ", *joined(links), "."))
    return Section("profile", title, tuple(blocks))


def _shares(document: Document | None) -> Iterator[tuple[str, float]]:
    for name, value in items(document, "components"):
        found = number({"value": value}, "value")
        if found is not None and found >= 0.0005:
            yield name, found


def _from_run(run: Document) -> dict[str, float]:
    """Return the shares by component from the hotspots of the run's own document."""
    found: dict[str, float] = {}
    for spot in records(run, "hotspots"):
        component = text(spot, "component") or "shared"
        found[component] = found.get(component, 0.0) + (number(spot, "share") or 0.0)
    return found


def _profiled(before: Document | None, after: Document | None) -> Block:
    told = []
    for name, document in (("The control", before), ("the final build", after)):
        if document is not None:
            what = ", ".join(names(document, "scenarios")) or "one run"
            told.append(f"{name} took {seconds(number(document, 'seconds'))} under the profiler for {what}")
    return say("; ".join(told) + "." if told else "Of the control, from the run's own document.")


def _components(
    parts: list[str], shares: list[dict[str, float]], before: Document | None, after: Document | None
) -> Block:
    whole = [number(document, "seconds") for document in (before, after)]

    def cells(name: str) -> tuple[Inline | Line, ...]:
        found: list[Inline | Line] = [name]
        for part, total in zip(shares, whole, strict=True):
            value = part.get(name, 0.0 if part else None)
            found += [share(value), seconds(value * total if value is not None and total is not None else None)]
        return tuple(found)

    title = "Share of the time by component: pale before, dark after"
    figures = table(
        title,
        ("component", "#share before", "#time before", "#share after", "#time after"),
        [cells(one) for one in parts],
    )
    rows = [(one, *_pair(*(part.get(one, 0.0) if part else None for part in shares))) for one in parts]
    first = max(parts, key=lambda one: shares[0].get(one, 0.0))
    about = f"Two bars a component: pale is the control, dark the final build. Before, most went to {first}."
    return plot("plot-profile", title, about, figures, Bars(tuple(rows)))


def _pair(before: float | None, after: float | None) -> tuple[float | None, float | None]:
    return before, after


def _links(documents: Documents) -> Iterator[Link]:
    """Yield the ways to the files of the profiles that are there."""
    for which, document in (("control", documents.before), ("final build", documents.after)):
        for name, value in items(document, "files"):
            if isinstance(value, str) and (href := documents.link(_inside(documents, value))):
                yield Link(f"{name.replace('_', ' ')} of the {which}", href)
    if href := documents.link(documents.folder / "profile.html"):
        yield Link("call tree of the control", href)


def _inside(documents: Documents, value: str) -> Path:
    """Return the file that a document names, in the run's folder; nothing outside of it is pointed at."""
    found = (documents.folder / value).resolve()
    return found if found.is_relative_to(documents.folder.resolve()) else documents.folder / "none"


def hotspots_section(documents: Documents) -> Section:
    """Tell which functions cost most, with their costliest lines and what could help."""
    run, title = documents.run, "Hotspots of the control"
    spots = records(documents.before, "hotspots") or records(run, "hotspots")
    if not spots:
        return Section("hotspots", title, (Missing("Functions and lines.", _COMMAND),))
    blocks: list[Block] = []
    advice = records(documents.before, "advice")
    if advice:
        heads = ("focus", "#share of the time", "why", "where")
        rows = [
            (
                text(one, "focus"),
                share(number(one, "share")),
                text(one, "why"),
                joined(Code(name) for name in names(one, "hotspots")[:4]) or "-",
            )
            for one in advice
        ]
        blocks.append(table("What could help, by focus, the largest share first", heads, rows))
    blocks.append(_spots(spots[:_SHOWN]))
    if len(spots) > _SHOWN:
        blocks.append(aside(f"{values.plural(len(spots) - _SHOWN, 'more function')} in the profile's document."))
    lines = list(_costly(spots[:_SHOWN]))
    if lines:
        blocks.append(Heading("Their costliest lines"))
        blocks += lines
    return Section("hotspots", title, tuple(blocks))


def _spots(spots: list[Document]) -> Block:
    heads = ("function", "where", "component", "#time", "#share", "what could help")
    rows: list[tuple[Inline | Line, ...]] = [
        (
            Code(text(spot, "function")),
            Code(_place(spot)),
            text(spot, "component"),
            seconds(number(spot, "seconds")),
            share(number(spot, "share")),
            "; ".join(f"{text(one, 'focus')}: {text(one, 'why')}" for one in records(spot, "advice")) or "-",
        )
        for spot in spots
    ]
    return table("The costliest functions", heads, rows)


def _place(spot: Document) -> str:
    line = number(spot, "line")
    return text(spot, "file") + (f":{line:.0f}" if line is not None else "")


def _costly(spots: list[Document]) -> Iterator[Block]:
    for spot in spots:
        lines = sorted(records(spot, "lines"), key=lambda one: -(number(one, "share") or 0.0))[:_LINES]
        if not lines:
            continue
        width = max(len(count(number(one, "hits"))) for one in lines)
        told = "\n".join(
            f"{share(number(one, 'share')):>6}  {count(number(one, 'hits')):>{width}} hits  "
            f"{number(one, 'line') or 0:>4.0f}  {text(one, 'text').strip()}"
            for one in sorted(lines, key=lambda one: number(one, "line") or 0.0)
        )
        yield Listing(f"{text(spot, 'function')}, {_place(spot)}: share of the function, hits, line", told)


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
        (Code(text(one, "function")), Code(_place(one)), size(number(one, "bytes")), count(number(one, "allocations")))
        for one in records(memory, "top")[:8]
    ]
    lost = [
        (Code(text(one, "function")), Code(_place(one)), size(number(one, "bytes")), size(number(one, "per_run_bytes")))
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
            Code(_place(one)),
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
