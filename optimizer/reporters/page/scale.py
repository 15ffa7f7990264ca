"""The part on growth: seconds and bytes against the size of the market."""

from __future__ import annotations

from collections.abc import Callable

from optimizer.reporters.page import values
from optimizer.reporters.page.blocks import Block, Code, Inline, Line, Missing, Section, aside, say, table
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.plots import Curve, Curves, Panel, plot
from optimizer.reporters.page.values import Document, count, number, numbers, records, seconds, size, text

_AXES = {"symbols": "symbols", "timestamps": "timestamps"}
_QUANTITIES = {"seconds": ("seconds_median", 1.0), "bytes": ("peak_bytes", 2.0**20)}
_TICKS: dict[str, Callable[[float], str]] = {"seconds": seconds, "bytes": lambda value: f"{value:,.0f} MiB"}
_NAMES = {"seconds": "Time of a run", "bytes": "Peak memory"}


def scaling_section(documents: Documents) -> Section:
    """Tell how time and memory grow, with the fitted exponents."""
    document, title = documents.scaling, "How it grows"
    points = records(document, "points")
    if document is None or not points:
        return Section("scaling", title, (Missing("Time and memory against the market's size.", "optimize scale"),))
    blocks: list[Block] = [
        say(
            "Both scales are logarithmic, so a straight line is a power: ∝ n^1 grows as the market does, less than 1 "
            "grows more slowly, since part of the time is the same at every size."
        ),
        _curves(document, points),
    ]
    fits = records(document, "fits")
    if fits:
        blocks.append(table("Fitted exponents", _HEADS, [_fit(fit) for fit in fits]))
    failed = [(*_size_of(point), text(point, "error")) for point in points if text(point, "error")]
    failed += [(*_size_of(point), f"left out: {text(point, 'why')}") for point in records(document, "left_out")]
    if failed:
        heads = ("build", "#symbols", "#timestamps", "what happened")
        blocks.append(table("Sizes without a figure", heads, failed))
    if command := text(document, "command"):
        blocks.append(aside("Measured by ", Code(command), f"{_under(document)}."))
    return Section("scaling", title, tuple(blocks))


def _under(document: Document) -> str:
    """Return what else is known of the measurement."""
    scenario, base = text(document, "scenario"), number(document, "baseline_bytes")
    memory, cores = (number(document, "limits", key) for key in ("memory_bytes", "cores"))
    told = f" on {scenario}" if scenario else ""
    told += f", under a limit of {size(memory)}" if memory is not None else ""
    told += f", under a limit of {values.plural(cores, 'core')}" if cores is not None else ""
    return told + (f". A process without data takes {size(base)}" if base is not None else "")


_HEADS = ("build", "against", "of", "#exponent", "#95 % interval", "#R², a share", "#points")


def _fit(fit: Document) -> tuple[Inline | Line, ...]:
    exponent, low, high = (number(fit, key) for key in ("exponent", "low", "high"))
    both = f"n^{low:.2f} to n^{high:.2f}" if low is not None and high is not None else values.NOT_MEASURED
    return (
        text(fit, "build"),
        text(fit, "axis"),
        text(fit, "quantity"),
        f"n^{exponent:.2f}" if exponent is not None else values.NOT_MEASURED,
        both,
        f"{number(fit, 'r2'):.3f}" if number(fit, "r2") is not None else values.NOT_MEASURED,
        _many(fit),
    )


def _many(fit: Document) -> str:
    found = number(fit, "points")
    return values.plural(found, "point") if found is not None else values.NOT_MEASURED


def _size_of(point: Document) -> tuple[str, str, str]:
    return text(point, "build"), count(number(point, "symbols")), count(number(point, "timestamps"))


def _curves(document: Document, points: list[Document]) -> Block:
    panels = []
    for axis, along in _AXES.items():
        for quantity, (key, unit) in _QUANTITIES.items():
            found = _of(document, points, axis, quantity, key, unit)
            if found:
                panels.append(Panel(f"{_NAMES[quantity]} against {along}", along, _TICKS[quantity], tuple(found)))
    heads = ("build", "#symbols", "#timestamps", "#bars", "#time, median", "#time, from and to", "#peak memory")
    title = "Time and memory against the size of the market"
    figures = table(title, heads, [_point(point) for point in points])
    if not panels:
        return figures
    about = "; ".join(f"{panel.name}: " + ", ".join(_grows(curve) for curve in panel.curves) for panel in panels)
    return plot("plot-scaling", title, f"{about}.", figures, Curves(tuple(panels)))


def _grows(curve: Curve) -> str:
    power = f"as n to the power {curve.exponent:.2f}" if curve.exponent is not None else "without a fitted exponent"
    return f"{curve.name} {power}"


def _point(point: Document) -> tuple[str, ...]:
    every = numbers(point, "seconds_all")
    between = f"{seconds(min(every))} to {seconds(max(every))}" if every else values.NOT_MEASURED
    figures = (count(number(point, "rows")), seconds(number(point, "seconds_median")), between)
    return (*_size_of(point), *figures, size(number(point, "peak_bytes")))


def _of(document: Document, points: list[Document], axis: str, quantity: str, key: str, unit: float) -> list[Curve]:
    """Return a curve a build, the last of which is the final one."""
    found = []
    for build in dict.fromkeys(text(point, "build") for point in points):
        pairs = [
            (x, y / unit)
            for point in points
            if text(point, "build") == build and text(point, "axis") == axis
            if (x := number(point, axis) or 0.0) > 0 and (y := number(point, key) or 0.0) > 0
        ]
        if len(pairs) >= 2:
            fits = [one for one in records(document, "fits") if _is(one, build, axis, quantity)]
            found.append(Curve(build, tuple(sorted(pairs)), number(fits[0], "exponent") if fits else None))
    return found


def _is(fit: Document, build: str, axis: str, quantity: str) -> bool:
    return (text(fit, "build"), text(fit, "axis"), text(fit, "quantity")) == (build, axis, quantity)
