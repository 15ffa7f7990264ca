"""Changing the accepted build."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import tomlkit
from filelock import FileLock

from engine.catalog import BUILD_FILE, accepted_build, compose, extend
from engine.errors import InputError


def accept(name: str, ecn: str) -> tuple[str, ...]:
    """Put an optimization into the accepted build, with its notice, and return the new build.

    Where it stands there already, by another notice, it stays in its place and gets the new one.

    Raises:
        InputError: where it stands there by this notice, or what it requires does not stand there.
    """
    with FileLock(f"{BUILD_FILE}.lock"):
        accepted = accepted_build()
        if accepted.get(name) == ecn:
            raise InputError(f"{name} is in the build already, by {accepted[name]}", where=BUILD_FILE)
        build = tuple(accepted) if name in accepted else extend(tuple(accepted), name)
        compose(build)
        document = tomlkit.parse(BUILD_FILE.read_text(encoding="utf-8"))
        table = tomlkit.table()
        for entry in build:
            table.add(tomlkit.key(entry), ecn if entry == name else accepted[entry])
        document["build"] = table
        _write(BUILD_FILE, tomlkit.dumps(document))
    return build


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
