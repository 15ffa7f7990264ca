"""Compiled code is kept by what it was made from, and the engine runs where nothing is compiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.jit import numba
from engine.sources import PACKAGE, module_digest, named_in

SHOW = """
import numpy as np
from engine.jit import compiled, numba, prefetch

@compiled
def look(values):
    prefetch(values, 0)
    return values[0]

print(numba.config.CACHE_DIR)
print(look.__class__.__name__, look(np.ones(3)))
"""


def shown(folder: Path, **variables: str) -> list[str]:
    """Return the code cache's folder, and what a compiled function is, in a process with these variables."""
    script = folder / "look.py"
    script.write_text(SHOW)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "codes")} | variables
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_what_changes_the_code_changes_its_folder_and_plain_python_needs_none(tmp_path: Path) -> None:
    """Numba's own key leaves its level of optimization out; without Numba's compiler, a prefetch does nothing."""
    folder, look = shown(tmp_path, NUMBA_OPT="0", NUMBA_DISABLE_JIT="1")
    assert Path(folder).name != Path(numba.config.CACHE_DIR).name
    assert look == "function 1.0"


LOOKED_AT = """
from engine import compiled_features
from engine.sources import module_digest
import numpy as np
means = np.empty(3)
compiled_features.sma(np.array([1.0, 2.0, 4.0]), np.array([0, 3]), 2, means)
print(sum(compiled_features.sma.stats.cache_hits.values()))
print(means[2], module_digest("engine.compiled_features"), module_digest("engine.packed.kernel"))
"""


def test_a_copy_finds_what_another_has_compiled_and_an_edit_compiles_what_it_reaches(tmp_path: Path) -> None:
    """Code is kept by the sources that it is made of, wherever these stand."""

    def looked_at(root: Path) -> list[str]:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "codes"), "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", LOOKED_AT]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        shutil.copytree(PACKAGE, root / "engine")
    hits, mean, features, kernel = looked_at(one)
    assert (hits, mean) == ("0", "3.0")
    assert looked_at(two) == ["1", mean, features, kernel]
    edited = two / "engine" / "compiled_features.py"
    edited.write_text(edited.read_text() + "\n\nOTHER = 1\n")
    hits, mean, edited_features, same_kernel = looked_at(two)
    assert (hits, mean, same_kernel) == ("0", "3.0", kernel)
    assert edited_features != features


def test_the_digest_of_a_module_follows_its_imports_in_turn() -> None:
    assert module_digest("engine.compiled_features") != module_digest("engine.packed.kernel")
    assert module_digest("engine") is not None
    assert module_digest("numpy") is None
    assert module_digest("engine.nothing") is None


def test_a_relative_import_is_told() -> None:
    """It would not be followed, so the engine has none."""
    with pytest.raises(ValueError, match="a relative import"):
        list(named_in(b"x = 1\nfrom .other import y\n"))
    source = b"from engine.a import (  # (some)\n    b,\n)\n  import engine.c, engine.d as e\n"
    assert [name for name in named_in(source) if "." in name] == ["engine.a", "engine.c", "engine.d"]


def test_a_module_that_is_imported_from_its_package_is_followed(tmp_path: Path) -> None:
    """`from engine.large import loop`, say: what is named there may be a module."""
    shutil.copytree(PACKAGE, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    show = "from engine.sources import module_digest; print(module_digest('engine.grid'))"
    edited = tmp_path / "engine" / "large" / "loop.py"

    def digest() -> str:
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", show]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    def changes() -> bool:
        before = digest()
        edited.write_text(edited.read_text() + "# edited\n")
        return digest() != before

    assert not changes()
    importing = tmp_path / "engine" / "grid.py"
    importing.write_text(importing.read_text() + "def late():\n    from engine.large import loop\n")
    assert changes()
