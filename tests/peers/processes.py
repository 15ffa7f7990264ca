"""Starting the sides: each a process, in the environment that it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def run_side(module: str, *arguments: str, python: str = sys.executable, quiet: bool = False) -> str:
    """Run a module of this package to its end; return what it has printed, which is also shown unless `quiet`.

    Raises:
        RuntimeError: where it fails, with the last that it said.
    """
    command = [python, "-W", "ignore", "-m", f"peers.{module}", *arguments]
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if not quiet and line.startswith("  "):
                print(line, end="", flush=True)
    if process.returncode:
        raise RuntimeError(f"peers.{module} failed:\n{''.join(lines[-15:])}")
    return "".join(lines)
