"""The ladder of a workload: each rung with what it gained over the one before, and all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.catalog import accepted_build
from tests.races.contenders import MATRICES, REFERENCE, STORE
from tests.races.rounds import Found


@dataclass(frozen=True)
class Rung:
    """A step: seconds over the processes, the ratio to the step before, and to the reference."""

    name: str
    median: float
    least: float
    most: float
    gained: float | None
    together: float

    @property
    def short(self) -> str:
        """Return the name without its focus, in words."""
        return self.name.rpartition("/")[2].replace("_", " ")


def ladder(found: Found, workload: str) -> list[Rung]:
    """Return the reference, the rungs in the order of the build, and the final builds; nothing without a reference."""
    steps = {REFERENCE, STORE, MATRICES, *accepted_build()}
    return list(_rungs(found, workload, [name for name in found.contenders(workload) if name in steps]))


def _rungs(found: Found, workload: str, names: list[str]) -> Iterator[Rung]:
    whole = found.median(workload, REFERENCE)
    if whole is None:
        return
    before: float | None = None
    for name in names:
        times = found.times[workload, name]
        middle = found.median(workload, name) or whole
        is_step = before is not None and name != MATRICES  # another way in, not a step further
        yield Rung(
            name, middle, min(times), max(times), before / middle if is_step and before else None, whole / middle
        )
        if name != MATRICES:
            before = middle
