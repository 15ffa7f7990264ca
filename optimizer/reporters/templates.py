"""The one owner of the Jinja environments: what goes into a page or a notice is escaped here."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parents[2] / "ecn_templates"
_MARKDOWN = re.compile(r"([\\`*\[\]<>|#~]|(?<!\w)_|_(?!\w))")


def escape_markdown(value: object, *, strip: bool = True) -> str:
    """Return text that Markdown shows as it is, on one line."""
    text = " ".join(str(value).split()) if strip else re.sub(r"\s+", " ", str(value))
    return _MARKDOWN.sub(r"\\\1", text)


def code_span(value: object) -> str:
    """Return text as a code span, on one line, whatever backquotes it has."""
    text = " ".join(str(value).split())
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def prose(value: object) -> str:
    """Return text in which code spans stay code and all else is shown as it is."""
    parts = re.split(r"`([^`]*)`", str(value))
    return "".join(
        code_span(part) if place % 2 else escape_markdown(part, strip=False) for place, part in enumerate(parts)
    )


def fenced(value: object) -> str:
    """Return text as a code block, whatever backquotes it has."""
    text = str(value)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def span(value: object) -> str:
    """Return a part of a line as Markdown shows it, with the spaces at its ends."""
    return escape_markdown(value, strip=False)


def href(value: object) -> str:
    """Return the address of a link, in which nothing ends it early."""
    return quote(str(value), safe="/#.-_~")


def percent(value: float) -> str:
    """Return a share as a percentage."""
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def seconds(value: float) -> str:
    """Return a time with a fitting unit."""
    if value >= 1.0:
        return f"{value:.2f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"


def mebibytes(value: float) -> str:
    """Return a size in MiB."""
    return f"{value / 2**20:.0f} MiB"


def render(template: str, **values: object) -> str:
    """Return a template filled in: HTML is escaped throughout, Markdown where a filter says so."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "md": escape_markdown,
        "code": code_span,
        "prose": prose,
        "span": span,
        "href": href,
        "fenced": fenced,
        "percent": percent,
        "seconds": seconds,
        "mib": mebibytes,
    }
    return environment.get_template(template).render(values)
