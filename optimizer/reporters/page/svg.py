"""Drawings as SVG: the same bytes for the same figures, coloured by the page that they stand in.

Matplotlib is imported when the first drawing is made, since that takes a while, and no state of pyplot is touched.
What it writes is then cut down to what a page needs: no colour but the page's own, no name that two drawings share,
no font, no address.
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

INK, DIM, RULE, MARK, PALE, BAD, BAND = "#000001", "#000002", "#000003", "#000004", "#000005", "#000006", "#000007"
_COLOURS = {
    INK: "var(--ink)",
    DIM: "var(--dim)",
    RULE: "var(--rule)",
    MARK: "var(--mark)",
    PALE: "var(--pale)",
    BAD: "var(--bad)",
    BAND: "var(--band)",
}
WIDE, NARROW = 840, 358
_POINTS = 72  # a point of Matplotlib's is a pixel of the page's
_STYLE: Any = {
    "svg.hashsalt": "exact-change",  # else the names inside are drawn at random
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": DIM,
    "xtick.color": DIM,
    "ytick.color": DIM,
}
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_SVG, _HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_NO_TURN = re.compile(r"\s*rotate\(-?0 [^)]*\)\s*")
_KEPT = ("font-size", "font-weight", "text-anchor", "fill", "stroke", "opacity", "clip-path")


def drawing(name: str, title: str, about: str, size: tuple[int, int], draw: Callable[[Any], None]) -> str:
    """Return what `draw` puts on a Matplotlib figure of this size, in pixels, as SVG without a size of its own.

    To a screen reader it is an image with a title and with words about it.
    """
    width, height = size
    with _matplotlib() as mpl:
        figure = mpl.figure.Figure(figsize=(width / _POINTS, height / _POINTS))
        figure.patch.set_visible(False)
        draw(figure)
        written = io.StringIO()
        canvas = mpl.backends.backend_svg.FigureCanvasSVG(figure)
        canvas.print_svg(written, metadata=_METADATA)
    return _cut_down(written.getvalue(), name, title, about)


def axes_of(figure: Any, left: float, top: float, width: float, height: float) -> Any:
    """Return axes at a place in pixels from the upper left, with no frame."""
    whole_width, whole_height = figure.get_size_inches() * _POINTS
    place = (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=3, pad=4, which="major")
    axes.tick_params(length=0, which="minor")
    axes.set_axisbelow(True)
    return axes


def label(text: str, most: int = 40) -> str:
    """Return text that can stand in a drawing: on one line, without control characters, not too long."""
    plain = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


@contextmanager
def _matplotlib() -> Iterator[Any]:
    """Give Matplotlib with its own defaults and this style, whatever a user's settings say."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of its font cache, which is no concern of the reader's
    try:
        import matplotlib as mpl
        import matplotlib.backends.backend_svg
        import matplotlib.figure

        with warnings.catch_warnings(), mpl.rc_context():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # the page's font has it
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            yield mpl
    finally:
        log.setLevel(level)


def _cut_down(written: str, name: str, title: str, about: str) -> str:
    root = ET.fromstring(written)  # noqa: S314 - Matplotlib has written it a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    used = _used(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.attrib = dict(_attributes(element, name, used))
        if element.tag != "text":
            element.text = None
        element.tail = None
    names = {"title": title, "desc": about}
    for place, (tag, said) in enumerate(names.items()):
        told = ET.Element(tag, id=f"{name}-{tag}")
        told.text = label(said, len(said))
        root.insert(place, told)
    root.attrib = {
        "class": "plot",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": " ".join(f"{name}-{tag}" for tag in names),
    }
    return ET.tostring(root, encoding="unicode")


def _used(root: ET.Element) -> set[str]:
    found = set()
    for element in root.iter():
        found |= {element.attrib[_HREF][1:]} if _HREF in element.attrib else set()
        found |= {one for value in element.attrib.values() for one in _REFERENCE.findall(value)}
    return found


def _attributes(element: ET.Element, name: str, used: set[str]) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        if key == "id":
            if value in used:
                yield "id", f"{name}-{value}"
        elif key == _HREF:
            yield "href", f"#{name}-{value[1:]}"
        elif key == "style":
            if style := _styled(value):
                yield "style", style
        elif key == "d":
            yield key, " ".join(value.split())
        elif key != "transform" or not _NO_TURN.fullmatch(value):
            yield key, _REFERENCE.sub(rf"url(#{name}-\1)", value)


def _styled(value: str) -> str:
    """Return a style with the page's colours, without a font."""
    parts = [part.strip() for part in value.split(";")]
    kept = [part for part in parts if part.startswith(_KEPT)]
    return ";".join(re.sub(r"#[0-9a-f]{6}", lambda found: _COLOURS[found[0]], part) for part in kept)
