"""What a report is made of: sections of blocks, which the page and the Markdown both show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from optimizer.reporters.page.values import NOT_MEASURED


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a command, as it is typed."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Strong:
    """What a reader must not miss."""

    text: str
    kind: ClassVar[str] = "strong"


@dataclass(frozen=True, slots=True)
class Link:
    """A way to a file beside the report, or to a place in it; `code` where the text is a name."""

    text: str
    href: str
    code: bool = False
    kind: ClassVar[str] = "link"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, told by its word and a sign, never by a colour alone."""

    text: str
    good: bool | None
    kind: ClassVar[str] = "verdict"

    @property
    def sign(self) -> str:
        """A sign for the eye."""
        return "✓" if self.good else "○" if self.good is None else "✕"

    @property
    def tone(self) -> str:
        """The class that colours it."""
        return "good" if self.good else "open" if self.good is None else "bad"


Inline = str | Code | Strong | Link | Verdict
Line = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and whether it holds figures, which stand to the right."""

    head: str
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first cell of a row is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `small` for what is said beside."""

    line: Line
    small: bool = False
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where the order matters."""

    lines: tuple[Line, ...]
    numbered: bool = False
    kind: ClassVar[str] = "items"


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines of text as they are, with what they are."""

    label: str
    text: str
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing for wide and for narrow pages, what it shows in words, and its figures as a table."""

    name: str
    title: str
    about: str
    wide: str
    narrow: str
    table: Table
    kind: ClassVar[str] = "plot"


@dataclass(frozen=True, slots=True)
class Missing:
    """What was not measured, and the command that measures it."""

    what: str
    command: str
    kind: ClassVar[str] = "missing"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind: ClassVar[str] = "heading"


Block = Table | Paragraph | Items | Listing | Plot | Missing | Heading


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with a place in its contents."""

    name: str
    title: str
    blocks: tuple[Block, ...] = field(default=())


def line(*parts: Inline) -> Line:
    """Return parts of text as one line."""
    return parts


def say(*parts: Inline) -> Paragraph:
    """Return a paragraph."""
    return Paragraph(parts)


def aside(*parts: Inline) -> Paragraph:
    """Return a paragraph of what is said beside."""
    return Paragraph(parts, small=True)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Inline | Line]]) -> Table:
    """Return a table; a heading that begins with # is one of figures."""
    columns = tuple(Column(head.removeprefix("#"), head.startswith("#")) for head in heads)
    return Table(caption, columns, tuple(tuple(_cell(cell) for cell in row) for row in rows))


def _cell(cell: Inline | Line) -> Line:
    found = cell if isinstance(cell, tuple) else (cell,)
    return found if any(part for part in found) else (NOT_MEASURED,)


def joined(parts: Iterable[Inline], between: str = ", ") -> Line:
    """Return parts with a separator between."""
    found: list[Inline] = []
    for part in parts:
        found += [between, part] if found else [part]
    return tuple(found)


def codes(texts: Iterable[str]) -> Line:
    """Return names with commas between."""
    return joined(Code(one) for one in texts)
