"""Compiled code is kept by what it was made from, and the engine runs where nothing is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.jit import numba

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
