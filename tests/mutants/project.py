"""A copy of the project that a variant may change, with caches of its own."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import build_of, extend
from tests.mutants.variants import Variant

ROOT = Path(__file__).parents[2]
_SHARED = ("optimizer", "ecn_templates", "golden", "reports/ecn")  # read only


@dataclass(frozen=True)
class Copy:
    """A changed copy of the project, and the build that its change is tried in.

    That is the changed optimization on just what it requires, so that no other can hide it.
    """

    folder: Path
    build: tuple[str, ...]
    is_right: bool

    def remove(self) -> None:
        """Take it away again."""
        shutil.rmtree(self.folder)


def copy_project(folder: Path, variant: Variant) -> Copy:
    """Copy the project with a variant's change; what nothing writes to is linked."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "engine", folder / "engine")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "reports").mkdir()
    for name in _SHARED:
        (folder / name).symlink_to(ROOT / name)
    variant.apply(folder / "engine")
    build = (
        build_of(variant.optimization) if variant.source is None else _build_with(variant.source, variant.optimization)
    )
    return Copy(folder, build, variant.is_right)


def optimize(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, in a project's folder; in a copy, with an empty code cache of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EXACT_CHANGE_", "NUMBA_"))}
    own = {"XDG_CACHE_HOME": str(folder / "caches")} if folder != ROOT else {}
    return subprocess.run(
        [sys.executable, "-m", "optimizer.cli", *arguments],
        cwd=folder,
        env=kept | own | dict(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _build_with(source: Path, name: str) -> tuple[str, ...]:
    """Return the build of a candidate file on what it requires; the catalog of this process does not have it."""
    build: tuple[str, ...] = ()
    for needed in _requires(source):
        for one in build_of(needed):
            build = build if one in build else extend(build, one)
    return (*build, name)


def _requires(source: Path) -> Sequence[str]:
    """Return what a candidate's decorator says that it requires."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "requires":
            required: list[str] = ast.literal_eval(node.value)
            return required
    return []
