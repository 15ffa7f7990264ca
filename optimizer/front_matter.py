"""Files of Markdown below a front matter of YAML: for people, with fields that programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from optimizer.errors import InputError
from optimizer.files import write_text
from optimizer.printable import printable

_HINT = "Correct it by hand, or restore it from version control"


@dataclass(frozen=True)
class FrontMatter:
    """The fields of a file, the line of the file that each begins on (1 is the first), and the text below them."""

    fields: dict[str, Any]
    body: str
    lines: Mapping[str, int] = field(default_factory=dict)


def read_fields(path: Path, names: Sequence[str], optional: Sequence[str] | None = None) -> FrontMatter:
    """Return the fields of a file: those of these names, which must be there, and the optional ones that are.

    Where `optional` is None, fields of other names are passed over; else they are refused.

    Raises:
        InputError: where the front matter can't be read, lacks a field, or has one twice; the message names the field
            and, where it stands on one, the line of the file.
    """
    front, body = _parts(path)
    try:
        lines = _lines(path, front)
        fields = yaml.safe_load(front)
    except yaml.YAMLError as error:
        raise refused(path, f"the front matter is not YAML ({_problem(error)})", _line_of(error)) from error
    except RecursionError as error:
        raise refused(path, "the front matter has lists within lists without end") from error
    except ValueError as error:  # a date that is none, a number beyond all numbers
        raise refused(path, f"the front matter has a value that is none ({error})") from error
    if missing := [name for name in names if name not in fields]:
        raise refused(path, f"the front matter lacks {', '.join(missing)}")
    if optional is not None and (unknown := [name for name in fields if name not in (*names, *optional)]):
        known = "Fields are: " + ", ".join((*names, *optional))
        raise refused(path, "the front matter has a field of no known name", lines.get(str(unknown[0])), known)
    wanted = {name: fields[name] for name in (*names, *(optional or ())) if name in fields}
    return FrontMatter(wanted, body, lines)


def read_front_matter(path: Path, names: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Return the fields of these names, and the text below them.

    Raises:
        InputError: where the front matter can't be read or lacks a field; the message names it.
    """
    found = read_fields(path, names)
    return found.fields, found.body


def refuse_values(path: Path, names: Sequence[str], lines: Mapping[str, int] | None = None) -> None:
    """Raise where fields have values that are not of their kind.

    Raises:
        InputError: where there is a name.
    """
    if names:
        line = (lines or {}).get(names[0])
        raise refused(path, f"the front matter has no good value for {', '.join(names)}", line)


def refused(path: Path, what: str, line: int | None = None, hint: str = _HINT) -> InputError:
    """Return the error of a file, with the line that it is about."""
    return InputError(what, where=path if line is None else f"{path}, line {line}", hint=hint)


def write_front_matter(path: Path, fields: Mapping[str, Any], body: str) -> None:
    """Write a file whole or not at all."""
    front = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=1_000)
    write_text(path, f"---\n{front}---\n\n{body}")


def _parts(path: Path) -> tuple[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise refused(path, f"is not UTF-8 ({error})") from error
    parts = re.split(r"^---[ \t]*$\n?", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) != 3 or parts[0].strip():
        raise refused(path, "has no front matter between two lines of ---")
    return parts[0] + parts[1], parts[2].lstrip("\n")  # with the empty lines above it, so that lines are numbered right


def _lines(path: Path, front: str) -> dict[str, int]:
    """Return the line of the file that each field begins on; the first line of the file is that of ---."""
    for event in yaml.parse(front, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):  # a few of them can stand for more text than there is memory
            line = None if event.start_mark is None else event.start_mark.line + 2
            raise refused(path, "the front matter refers back to itself with *", line)
    node = yaml.compose(front, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise refused(path, "the front matter is not a list of fields")
    found: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 2
        if not isinstance(key, yaml.ScalarNode):
            raise refused(path, "the front matter has a field without a name", line)
        if key.value in found:
            raise refused(path, "the front matter has a field twice", line)
        found[key.value] = line
    return found


def _line_of(error: yaml.YAMLError) -> int | None:
    """Return the line of the file on which an error is: that of a quote that is opened, not the one it runs on to."""
    opened = str(getattr(error, "context", None) or "").startswith("while scanning")
    mark = getattr(error, "context_mark" if opened else "problem_mark", None)
    return None if mark is None else int(mark.line) + 2


def _problem(error: yaml.YAMLError) -> str:
    """Return what is wrong in YAML's words; what stands in the file is not repeated, since nothing vouches for it."""
    return printable(getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read")
