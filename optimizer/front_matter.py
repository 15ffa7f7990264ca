"""Files of Markdown below a front matter of YAML: for people, with fields that programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from optimizer.errors import InputError
from optimizer.files import write_text

_HINT = "Correct it by hand, or restore it from version control"


def read_front_matter(path: Path, names: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Return the fields of these names, and the text below them.

    Raises:
        InputError: where the front matter can't be read or lacks a field; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 ({error})", where=path, hint=_HINT) from error
    parts = re.split(r"^---[ \t]*$\n?", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) != 3 or parts[0].strip():
        raise InputError("has no front matter between two lines of ---", where=path, hint=_HINT)
    try:
        fields = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        place = " ".join(str(error).split())
        raise InputError(f"the front matter is not YAML ({place})", where=path, hint=_HINT) from error
    if not isinstance(fields, dict):
        raise InputError("the front matter is not a list of fields", where=path, hint=_HINT)
    if missing := [name for name in names if name not in fields]:
        raise InputError(f"the front matter lacks {', '.join(missing)}", where=path, hint=_HINT)
    return {name: fields[name] for name in names}, parts[2].lstrip("\n")


def refuse_values(path: Path, names: list[str]) -> None:
    """Raise where fields have values that are not of their kind.

    Raises:
        InputError: where there is a name.
    """
    if names:
        raise InputError(f"the front matter has no good value for {', '.join(names)}", where=path, hint=_HINT)


def write_front_matter(path: Path, fields: Mapping[str, Any], body: str) -> None:
    """Write a file whole or not at all."""
    front = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=1_000)
    write_text(path, f"---\n{front}---\n\n{body}")
