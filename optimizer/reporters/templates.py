"""The one owner of the Jinja environments: what goes into a page or a notice is escaped here."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parents[2] / "ecn_templates"
_MARKDOWN = re.compile(r"([\\`*\[\]<>|#~]|(?<!\w)_|_(?!\w))")


def escape_markdown(value: object) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(value).split()))


def code_span(value: object) -> str:
    """Return text as a code span, on one line, whatever backquotes it has."""
    text = " ".join(str(value).split())
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


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
        "percent": percent,
        "seconds": seconds,
        "mib": mebibytes,
    }
    return environment.get_template(template).render(values)
