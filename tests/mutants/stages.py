"""The stages of the attack: the real commands, and what they say of a variant."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.catalog import catalog
from engine.ladder import LADDER
from engine.scenarios import WORKLOADS
from tests.mutants.project import Copy, optimize

LOOK, PARITY, MATRIX, FUZZER = "static look", "parity", "matrix", "fuzzer"

JOB_SECONDS = "60"  # many times what a job takes that runs the golden set: a variant may never end

_SHOWN = 160


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
    """Hold the build to the golden set; one for sweeps once more with workers, which so short ones do not start.

    One that is judged on a scenario of the ladder is held to the ladder's set first.
    """
    command = "check", "--fail-fast", "--matrix", "none", "--build", ",".join(copy.build)
    env = {"EXACT_CHANGE_TIMEOUT": JOB_SECONDS}
    if copy.build[-1] in _judged_on_the_ladder():
        said = _said(copy, *command, "--set", "ladder", env=env)
        if said.refused:
            return said
    said = _said(copy, *command, "--set", "generated", env=env)
    if said.refused or not copy.build[-1].startswith("parallelism/"):
        return said
    return _said(copy, *command, "--set", "generated", env={**env, "EXACT_CHANGE_WORKERS": "2"})


@cache
def _judged_on_the_ladder() -> frozenset[str]:
    scenarios = {one.name for one in LADDER}
    judged_on = {one.name: WORKLOADS[one.workload].scenario for one in catalog() if one.workload}
    return frozenset(name for name, scenario in judged_on.items() if scenario in scenarios)


def fuzzer(copy: Copy) -> Said:
    """Compare the build with the reference on what the fuzzer draws."""
    minutes = "0.25" if copy.is_right else "1"  # a wrong one takes as long as it takes to find, a right one all of it
    return _said(copy, "fuzz", "--minutes", minutes, "--seed", "0", "--build", ",".join(copy.build))


def matrix(copy: Copy) -> Said:
    """Hold the build to the golden set in every cell of the matrix."""
    cells = "quick" if copy.is_right else "full"
    return _said(copy, "check", "--set", "generated", "--matrix", cells, "--build", ",".join(copy.build))


STAGES: dict[str, Callable[[Copy], Said]] = {PARITY: parity, FUZZER: fuzzer, MATRIX: matrix}
"""Those that can refuse, in the order in which they are asked: the next one where the one before has passed."""


def _said(copy: Copy, *command: str, env: Mapping[str, str] | None = None) -> Said:
    done = optimize(copy.folder, *command, env=env)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise BrokenAttackError(f"optimize {' '.join(command)}: code {done.returncode}: {_tail(done)}")
    return Said(done.returncode == 1, _line_of(done))


def _line_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a report that tells most: where it first differs, or the error."""
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for begin in ("first at ", "error "):
        if found := [line for line in lines if line.startswith(begin)]:
            return found[0].removeprefix(begin)[:_SHOWN]
    verdicts = [number for number, line in enumerate(lines) if re.match("DIVERGED|FAILED|NONDETERMINISTIC", line)]
    return " ".join(lines[verdicts[0] + 1 :][:1])[:_SHOWN] if verdicts else ""


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
