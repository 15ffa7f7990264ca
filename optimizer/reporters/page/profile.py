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
from optimizer.reporters.page.plots import Bars, plot
from optimizer.reporters.page.values import (
    Document,
    count,
    items,
    names,
    number,
    records,
    seconds,
    share,
    text,
)

_COMMAND = "optimize profile"
_SHOWN = 12
_LINES, _WITH_LINES = 4, 6


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
    blocks += _failures(documents)
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
    for which, document, folder in (
        ("control", documents.before, documents.before_folder),
        ("final build", documents.after, documents.after_folder),
    ):
        for name, value in items(document, "files"):
            if (
                isinstance(value, str)
                and value.endswith(".html")
                and folder
                and (href := documents.link(_inside(folder, value)))
            ):
                yield Link(f"{name.replace('_', ' ')} of the {which}", href)
    if href := documents.link(documents.folder / "profile.html"):
        yield Link("call tree of the control", href)


def _inside(folder: Path, value: object) -> Path:
    """Return the page that a document names in its folder; nothing outside of it is pointed at."""
    found = (folder / str(value)).resolve()
    return found if found.is_relative_to(folder.resolve()) and found.suffix == ".html" else folder / "none"


def _failures(documents: Documents) -> Iterator[Block]:
    """Yield what a profile did not see, and why."""
    for which, document in (("control", documents.before), ("final build", documents.after)):
        for kind, why in items(document, "failures"):
            yield aside(f"The profile of the {which} has no part on {kind}: {why}.")


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
    lines = list(_costly(spots[:_WITH_LINES]))
    if lines:
        blocks.append(Heading("Their costliest lines"))
        blocks += lines
    return Section("hotspots", title, tuple(blocks))


def _spots(spots: list[Document]) -> Block:
    heads = ("function", "where", "component", "#time", "#share", "what could help")
    rows: list[tuple[Inline | Line, ...]] = [
        (
            Code(text(spot, "function")),
            Code(facts.place_of(spot)),
            text(spot, "component"),
            seconds(number(spot, "seconds")),
            share(number(spot, "share")),
            "; ".join(f"{text(one, 'focus')}: {text(one, 'why')}" for one in records(spot, "advice")) or "-",
        )
        for spot in spots
    ]
    return table("The costliest functions", heads, rows)


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
        yield Listing(f"{text(spot, 'function')}, {facts.place_of(spot)}: share of the function, hits, line", told)
