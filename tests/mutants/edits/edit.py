"""One edit: its name, its operator, and the text that it changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A text that stands once in `file`, below engine/, and what it becomes; it is tried by the build of `on`."""

    name: str
    operator: str
    right: str
    wrong: str
    file: str
    on: str
    equivalent: str = ""


def edits(file: str, *rows: tuple[str, ...], on: str = "") -> list[Edit]:
    """Return the edits of a file; that of an optimization is tried by its own build."""
    if not on:
        focus, name = file.removesuffix(".py").split("/")[-2:]
        on = f"{focus.replace('_', '-')}/{name}"
    return [Edit(name, operator, right, wrong, file, on, *why) for name, operator, right, wrong, *why in rows]
