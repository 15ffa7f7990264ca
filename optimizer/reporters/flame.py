"""A flame graph of where the time goes, as one page that needs no network and no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.reporters.templates import render

_WIDTH, _HEIGHT = 1200.0, 18
_LEAST_WIDTH = 0.5
_LETTER = 6.6
_MOST_DEEP = 120


@dataclass(frozen=True)
class Frame:
    """A box: the function, what it is about, and where it stands; x and width in units of the picture."""

    function: str
    label: str
    about: str
    engine: bool
    x: float
    y: int
    width: float


def flame_graph(tree: Mapping[str, Any] | None, about: str) -> str:
    """Return the page: a box is as wide as the time that its function and all it called took, callers above."""
    frames = list(_frames(tree, 0.0, 0, float(tree["seconds"]) or 1.0)) if tree else []
    height = (max((frame.y for frame in frames), default=0)) + _HEIGHT
    seconds = float(tree["seconds"]) if tree else 0.0
    return render(
        "flame.html.j2", frames=frames, width=_WIDTH, height=height, box=_HEIGHT - 1, total=seconds, about=about
    )


def _frames(one: Mapping[str, Any], x: float, depth: int, total: float) -> Iterator[Frame]:
    width = one["seconds"] / total * _WIDTH
    if width < _LEAST_WIDTH or depth > _MOST_DEEP:
        return
    share = one["seconds"] / total
    about = f"{one['function']} {one['place']}: {one['seconds'] * 1e3:.3g} ms, {share:.1%}"
    letters = int((width - 4.0) / _LETTER)
    label = one["function"] if len(one["function"]) <= letters else one["function"][:letters] if letters > 2 else ""
    yield Frame(one["function"], label, about, one["engine"], round(x, 2), depth * _HEIGHT, round(width, 2))
    for child in one["below"]:
        yield from _frames(child, x, depth + 1, total)
        x += child["seconds"] / total * _WIDTH
