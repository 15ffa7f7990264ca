"""The stages of the attack: the real commands, and what they say of a variant."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.project import Copy, optimize

LOOK, PARITY, MATRIX, FUZZER = "static look", "parity", "matrix", "fuzzer"

JOB_SECONDS = 90  # ten times what a job takes that runs the golden set: a variant may never end


@dataclass(frozen=True)
class Said:
    """What a stage said: whether it refused the variant, and one line of its report."""

    refused: bool
    line: str


class BrokenAttackError(Exception):
    """A command neither passed nor refused a variant: nothing can be said."""


def look(folder: Path, *names: str) -> Counter[str]:
    """Return the remarks of the static look at a project's optimizations, or at these, without their lines' numbers."""
    done = optimize(folder, "look", *names)
    if done.returncode != 0:
        raise BrokenAttackError(_tail(done))
    return Counter(
        re.sub(r"\.py:\d+:", ".py:", line) for line in done.stdout.splitlines() if re.search(r"\.py:\d+:", line)
    )


def parity(copy: Copy) -> Said:
    """Hold the build to the golden set."""
    build = ",".join(copy.build)
    return _said(copy, "check", "--set", "generated", "--matrix", "none", "--build", build, timeout=JOB_SECONDS)


def matrix(copy: Copy) -> Said:
    """Hold the build to the golden set in every cell of the matrix."""
    return _said(copy, "check", "--set", "generated", "--matrix", "full", "--build", ",".join(copy.build))


def fuzzer(copy: Copy) -> Said:
    """Compare the build with the reference on what the fuzzer draws."""
    return _said(copy, "fuzz", "--minutes", "1", "--seed", "0", "--build", ",".join(copy.build))


STAGES: dict[str, Callable[[Copy], Said]] = {PARITY: parity, MATRIX: matrix, FUZZER: fuzzer}
"""Those that can refuse, in the order in which they are asked: the next one where the one before has passed."""


def _said(copy: Copy, *command: str, timeout: int = 900) -> Said:
    done = optimize(copy.folder, *command, timeout=timeout)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise BrokenAttackError(f"optimize {' '.join(command)}: code {done.returncode}: {_tail(done)}")
    return Said(done.returncode == 1, _line_of(done))


def _line_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a report that tells most: where it first differs, or the error."""
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for begin in ("first at", "error", "differs", "NONDETERMINISTIC", "DIVERGED", "FAILED"):
        found = [line for line in lines if line.startswith(begin)]
        if found:
            return found[0].removeprefix(begin).strip()[:160]
    return ""


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
