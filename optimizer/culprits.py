"""Which knob it was: the settings of the cells that differed, turned one by one, and what to look for under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from optimizer.cells import Cells, Seen
from optimizer.knobs import HOME, RACE, Setting

_SHOWN = 3  # cases by name
_TOGETHER = "each of these alone gave the golden bits: it takes several, or it is a race"


@dataclass(frozen=True)
class Culprit:
    """A knob, or several together, under which cases did not give the golden bits."""

    name: str
    hint: str
    failed: tuple[str, ...]
    cases: int
    unstable: bool
    error: str

    def __str__(self) -> str:
        shown = ", ".join(self.failed[:_SHOWN])
        more = f" and {len(self.failed) - _SHOWN} more" if len(self.failed) > _SHOWN else ""
        parts = [f"{self.name}: {shown}{more} of {self.cases} cases", self.error]
        if self.unstable:
            parts.append("not the same twice there")
        return ": ".join(filter(None, [*parts, self.hint]))


def culprits(cells: Cells, differing: Sequence[Seen]) -> tuple[Culprit, ...]:
    """Return what makes the difference in the cells that differed.

    First nothing is turned: a difference then is one from run to run. Then each setting is turned alone, cell after
    cell, for what a knob that was found before does not account for. Where none makes a difference, all are named.
    """
    again = cells.alone(None, {name for seen in differing for name in seen.failed})
    if not again.exact:
        return (unsteady(again, again.failed),)
    guilty: dict[Setting, Seen] = {}
    together: list[Culprit] = []
    for seen in differing:
        turned = [setting for setting in seen.cell.settings if setting not in HOME.settings]
        known = {setting.knob for setting in guilty}
        left = _left(seen, turned, guilty)
        for suspects in (
            [one for one in turned if one.knob not in known],
            [one for one in turned if one.knob in known],
        ):
            if left:
                guilty |= _alone(cells, [one for one in suspects if one not in guilty], left)
                left = _left(seen, turned, guilty)
        if left:
            names = " with ".join(setting.name for setting in turned)
            together.append(_culprit(names, _TOGETHER, seen, left))
    return (*(_culprit(one.name, one.knob.hint, seen, seen.failed) for one, seen in guilty.items()), *together)


def _left(seen: Seen, turned: Sequence[Setting], guilty: Mapping[Setting, Seen]) -> list[str]:
    """Return the cases of a cell that no knob accounts for which is turned in it."""
    knobs = {setting.knob for setting in turned}
    found = {name for setting, one in guilty.items() if setting.knob in knobs for name in one.failed}
    return [name for name in seen.failed if name not in found]


def _alone(cells: Cells, suspects: Sequence[Setting], cases: Sequence[str]) -> dict[Setting, Seen]:
    """Turn settings alone, two at a time; return those that make a difference."""
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda setting: cells.alone(setting, cases), suspects))
    return {setting: one for setting, one in zip(suspects, seen, strict=True) if not one.exact}


def unsteady(seen: Seen, failed: Sequence[str]) -> Culprit:
    """Return what is to be said of cases that differ though nothing is turned."""
    return replace(_culprit(RACE.name, RACE.hint, seen, failed), unstable=False)


def _culprit(name: str, hint: str, seen: Seen, failed: Sequence[str]) -> Culprit:
    return Culprit(name, hint, tuple(failed), seen.all_cases, seen.unstable, seen.error)
