"""Where the project is and what it names under `[tool.optimize]`."""

from __future__ import annotations

import importlib
import os
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from optimizer.errors import InputError
from optimizer.subject import Subject


@dataclass(frozen=True)
class Config:
    """The project's settings; paths are absolute."""

    root: Path
    subject_name: str
    golden: Path
    reports: Path
    data: tuple[Path, ...]
    benchmarks: Path | None = None

    @cached_property
    def subject(self) -> Subject:
        """The engine, imported by its name."""
        return load_subject(self.subject_name, self.root)

    def relative(self, path: Path) -> str:
        """Return the path as it reads from the project's folder, so that no notice names a machine's own folders.

        What stands further away than beside the project's folder is told by its name alone.
        """
        relative = Path(os.path.relpath(path, self.root))
        return path.name if relative.parts[:2] == ("..", "..") else relative.as_posix()


def find_config(start: Path) -> Config:
    """Return the settings of the project that `start` is in.

    Raises:
        InputError: where no folder upwards has a pyproject.toml with `[tool.optimize]`.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("optimize")
        except (OSError, ValueError) as error:
            raise InputError(f"can't be read ({error})", where=path) from error
        if table is not None:
            return _config(folder, table)
    hint = "Run optimize inside a project whose pyproject.toml has [tool.optimize]"
    raise InputError("no project here", where=start, hint=hint)


def _config(root: Path, table: dict[str, object]) -> Config:
    name = table.get("subject")
    if not isinstance(name, str) or ":" not in name:
        hint = 'Write subject = "module:object"'
        raise InputError("[tool.optimize] names no subject", where=root / "pyproject.toml", hint=hint)
    folders = cast("list[str]", table.get("data", ["data"]))
    benchmarks = table.get("benchmarks")
    return Config(
        root=root,
        subject_name=name,
        golden=root / str(table.get("golden", "golden")),
        reports=root / str(table.get("reports", "reports")),
        data=tuple(root / folder for folder in folders),
        benchmarks=None if benchmarks is None else root / str(benchmarks),
    )


def load_subject(name: str, root: Path) -> Subject:
    """Import the object `module:object`, from the project's folder first."""
    module, _, attribute = name.partition(":")
    if sys.path[0] != str(root):
        sys.path.insert(0, str(root))
    try:
        subject = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        hint = "It is named under [tool.optimize] in pyproject.toml"
        raise InputError(f"the subject can't be imported ({error})", where=name, hint=hint) from error
    return cast("Subject", subject)
