"""Reading and writing files that others rely on."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optimizer.errors import InputError
from optimizer.limits import is_full_disk


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all: `write` is given a temporary name beside it, which then takes its place.

    Raises:
        OSError: where it can't be written, with the file's name; so, too, where the disk is full and Polars writes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, name):
            error.filename = str(path)  # a disk that is full says so without a name
        if is_full_disk(error) and not isinstance(error, OSError):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_with(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, *, hint: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: where the file is missing or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("is missing", where=path, hint=hint) from error
    except (OSError, ValueError) as error:
        raise InputError(f"is damaged ({error})", where=path, hint=hint) from error
    if not isinstance(value, dict):
        raise InputError("is damaged (not a JSON object)", where=path, hint=hint)
    return value
