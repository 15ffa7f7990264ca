"""Reading a page of the report as a browser's parser does, for the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "link", "input"}


@dataclass
class Element:
    """An element with its attributes, its text, and what is in it."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = field(default=None, repr=False)
    content: list[Element | str] = field(default_factory=list, repr=False)

    @property
    def children(self) -> list[Element]:
        """The elements right in it."""
        return [one for one in self.content if isinstance(one, Element)]

    def all(self, *tags: str) -> list[Element]:
        """Return the elements of these tags that are in it, in order."""
        found = []
        for child in self.children:
            found += [child] if not tags or child.tag in tags else []
            found += child.all(*tags)
        return found

    def one(self, tag: str) -> Element:
        """Return the only element of a tag."""
        (found,) = self.all(tag)
        return found

    @property
    def text(self) -> str:
        """All of its text."""
        return " ".join(self._said().split())

    def _said(self) -> str:
        return "".join(one if isinstance(one, str) else one._said() for one in self.content)

    def inside(self, *tags: str) -> bool:
        """Whether it is in an element of one of these tags."""
        return self.parent is not None and (self.parent.tag in tags or self.parent.inside(*tags))

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs}, self.at)
        self.at.content.append(element)
        if tag not in _VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.content.append(Element(tag, {key: value or "" for key, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.content.append(data)


def read_page(html: str) -> Element:
    """Return the root of a page.

    Raises:
        AssertionError: where an element is closed that is not the open one, or one stays open.
    """
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.at is parser.root, f"<{parser.at.tag}> is not closed"
    return parser.root
