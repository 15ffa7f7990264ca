"""Reading figures out of documents, and writing them with their units.

A document may be old, cut short, or edited by hand: what is not there, or not of its kind, reads as not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from optimizer.reporters.templates import seconds as seconds_of
from optimizer.stats import paired_ratio

Document = Mapping[str, Any]
Interval = tuple[float, float]

NOT_MEASURED = "not measured"
_KIBI = 1024
_MOST = 1e18  # no figure of a run is as large: neither seconds, nor bytes, nor rows


def at(document: object, *path: str) -> Any:
    """Return what stands at a path of keys, or None."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def number(document: object, *path: str) -> float | None:
    """Return the finite number at a path, or None."""
    return _finite(at(document, *path))


def text(document: object, *path: str) -> str:
    """Return the text at a path; empty where there is none."""
    value = at(document, *path)
    return value if isinstance(value, str) else ""


def names(document: object, *path: str) -> list[str]:
    """Return the list of texts at a path."""
    value = at(document, *path)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def numbers(document: object, *path: str) -> list[float]:
    """Return the list of finite numbers at a path."""
    value = at(document, *path)
    found = [_finite(one) for one in value] if isinstance(value, list) else []
    return [one for one in found if one is not None]


def records(document: object, *path: str) -> list[Document]:
    """Return the list of objects at a path."""
    value = at(document, *path)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def items(document: object, *path: str) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of the object at a path."""
    value = at(document, *path)
    if isinstance(value, Mapping):
        yield from ((str(key), one) for key, one in value.items())


def interval(document: object, *path: str) -> Interval | None:
    """Return the interval of ratios at a path, or None."""
    found = numbers(document, *path)
    return (found[0], found[1]) if len(found) == 2 and 0 < found[0] <= found[1] else None


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_MOST < value < _MOST else None


def median_interval(values: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of the median of a sample, or None where it is too small for one.

    The values are set against ones, so that their ratios are the values, and their interval is that of order
    statistics (optimizer.stats).
    """
    if any(value <= 0 for value in values):
        return None
    try:
        found = paired_ratio(values, [1.0] * len(values))
    except ValueError:
        return None
    return found.low, found.high


def middle(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return median(values) if values else None


def seconds(value: float | None) -> str:
    """Return a time with a fitting unit."""
    if value is None:
        return NOT_MEASURED
    if value == 0:
        return "0 s"
    return f"{value / 60:.1f} min" if value >= 600 else seconds_of(value)


def size(value: float | None) -> str:
    """Return a size with a fitting unit, in powers of 1,024."""
    if value is None:
        return NOT_MEASURED
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < _KIBI or unit == "GiB":
            break
        value /= _KIBI
    return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 100 else f"{value:.3g} {unit}"


def ratio(value: float | None) -> str:
    """Return a ratio as people write it: 1.5x."""
    if value is None:
        return NOT_MEASURED
    if 0.9 <= value < 1.1:
        return f"{value:.3f}x"  # close to no effect, a thousandth counts
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}x" if value >= 0.1 else f"{value:.2g}x"


def between(found: Interval | None) -> str:
    """Return an interval of ratios."""
    return f"{ratio(found[0])[:-1]} to {ratio(found[1])}" if found else NOT_MEASURED


def told(value: float | None, ci95: Interval | None) -> str:
    """Return a ratio with its interval: 1.5x (1.4 to 1.6)."""
    return f"{ratio(value)} ({between(ci95)[:-1]})" if value is not None and ci95 else ratio(value)


def between_seconds(found: Interval | None) -> str:
    """Return an interval of times."""
    return f"{seconds(found[0])} to {seconds(found[1])}" if found else NOT_MEASURED


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    if value is None:
        return NOT_MEASURED
    return f"{value:.1%}" if 0 < abs(value) < 0.1 else f"{value:.0%}"


def count(value: float | None) -> str:
    """Return a number of things."""
    return NOT_MEASURED if value is None else f"{value:,.0f}"


def plural(value: float, word: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{value:,.0f} {word}" if value == 1 else f"{value:,.0f} {many or word + 's'}"


def figure(value: object, unit: str) -> str:
    """Return a figure of a document with the unit that it names: seconds, bytes, ratio, share, or any other."""
    found = _finite(value)
    if found is None:
        return value if isinstance(value, str) and value else NOT_MEASURED
    known = {"seconds": seconds, "s": seconds, "bytes": size, "B": size, "ratio": ratio, "x": ratio, "share": share}
    if unit in known:
        return known[unit](found)
    if unit in ("bytes per second", "bytes/s", "B/s"):
        return f"{size(found)}/s"
    if found == 1 and unit.endswith("s"):
        unit = unit.removesuffix("s")
    return f"{found:,.0f} {unit}".strip() if found == int(found) else f"{found:,.4g} {unit}".strip()


def short(name: str) -> str:
    """Return an optimization's name without its focus."""
    return name.rsplit("/", 1)[-1]
