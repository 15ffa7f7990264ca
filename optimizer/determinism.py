"""Determinism: the same digests in every environment that must not matter.

The cells of a matrix (optimizer.knobs) turn the knobs of the environment in fresh processes. A knob whose canary does
not move is reported as having no effect here, never as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.around import LOAD
from optimizer.cells import Cells, Seen
from optimizer.comparing import located, read_outputs
from optimizer.culprits import culprits, unsteady
from optimizer.errors import InputError
from optimizer.golden import Golden
from optimizer.holding import CheckResult, judge
from optimizer.knobs import (
    COLD_CODE,
    COMPILED,
    INTERPRETED,
    KEPT,
    MATRICES,
    NUMBA,
    OPTIMIZED,
    RACE,
    TARGET,
    WARM_CODE,
    Deed,
    Setting,
    matrix_of,
)
from optimizer.parity import Divergence
from optimizer.processes import Processes
from optimizer.subject import Build

_COMPILING = (NUMBA, TARGET, OPTIMIZED, INTERPRETED)


_PYTHONS = "other versions of Python: run the check under each of them"


@dataclass(frozen=True)
class Determinism:
    """What the cells gave: how many, how many had the golden bits, and which settings did nothing here.

    `differing` names the knobs under which the bits differ, with the cases and what kind of code varies so;
    `divergence` is the first of them in full. `turned` are the settings whose canaries moved, `not_run` what no cell
    of this process can turn.
    """

    cells: int
    identical: int
    no_effect: tuple[str, ...]
    differing: str
    compile_seconds: float
    divergence: Divergence | None = None
    turned: tuple[str, ...] = ()
    matrix: str = "quick"
    not_run: tuple[str, ...] = (_PYTHONS,)
    fused: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every cell gave the golden bits."""
        return self.identical == self.cells


def examine(
    golden: Golden, processes: Processes, build: Build, scratch: Path, *, matrix: str = "quick"
) -> tuple[CheckResult, Determinism | None]:
    """Hold a build to a golden set in every cell of a matrix, quick or full.

    The first cell runs every case twice, with what it has computed before at hand the second time. Where it does not
    give the golden bits, and gives the same other bits in a second process, there is no more to be said: that is a
    divergence, or a failure.

    Raises:
        InputError: where there is no matrix of this name.
    """
    if matrix not in MATRICES:
        raise InputError(f"unknown matrix {matrix!r}", hint=f"Choose from {', '.join(MATRICES)}")
    cells = Cells(golden, processes, build, scratch)
    home, *others = cells.run_all(matrix_of(matrix, processes.knobs))
    result = judge(golden, home.observation.result, home.observation.error, home.folder, processes, build)
    if not result.exact:
        return result, _from_run_to_run(cells, home, matrix, result.divergence)
    divergence = _first_divergence(golden, processes, [one for one in others if not one.exact])
    return result, _summed(cells, [home, *others], matrix, divergence)


def _from_run_to_run(cells: Cells, home: Seen, matrix: str, divergence: Divergence | None) -> Determinism | None:
    """Tell whether what is wrong is not the same in a second process; None where it is: that is a divergence."""
    if not home.observation.ok:
        return None
    again = cells.alone(None, home.failed)
    if not again.observation.ok:
        return None
    moving = [name for name in home.failed if again.digests[name] != home.digests[name]]
    if not moving:
        return None
    return Determinism(2, 0, (), str(unsteady(home, moving)), 0.0, divergence, (), matrix)


def _summed(cells: Cells, seen: Sequence[Seen], matrix: str, divergence: Divergence | None) -> Determinism:
    differing = [one for one in seen if not one.exact]
    moved = {setting: _moved(setting, seen) for one in seen for setting in one.cell.settings}
    return Determinism(
        cells=len(seen),
        identical=len(seen) - len(differing),
        no_effect=tuple(_no_effect(moved, seen)),
        differing="; ".join(map(str, culprits(cells, differing))) if differing else "",
        compile_seconds=_compile_seconds(seen),
        divergence=divergence,
        turned=tuple(setting.name for setting, effect in moved.items() if effect),
        matrix=matrix,
        fused=tuple(text for one in seen for text in (one.observation.result or {}).get("fused", ())),
    )


def _moved(setting: Setting, seen: Sequence[Seen]) -> bool:
    """Whether a setting had an effect in a cell that stands: on its canary, on kept files, or on what was counted."""
    home, *others = seen
    inside = [one for one in others if setting in one.cell.settings and one.observation.ok]
    if setting in home.cell.settings:
        return any(_canary(one, setting) != _canary(home, setting) for one in others if one.observation.ok)
    if setting.deed is Deed.SMALL and not any(one.cases for one in inside):
        return False
    if setting.knob.canary:
        compiles = setting.knob not in _COMPILING or _compiles(seen)
        return compiles and any(_canary(one, setting) not in (None, _canary(home, setting)) for one in inside)
    if setting.deed is Deed.REVERSE:
        return any(one.cases > 1 for one in inside)
    if setting.deed:
        return any(setting.deed in one.deeds for one in inside)
    elsewhere = frozenset[str]().union(*(one.counted for one in seen if not _turns_own(one)))
    return any(one.counted - elsewhere for one in inside)


def _turns_own(seen: Seen) -> bool:
    """Whether a cell turns a knob of the subject's own."""
    return any(not setting.knob.canary and not setting.deed for setting in seen.cell.settings)


def _canary(seen: Seen, setting: Setting) -> str | None:
    return seen.observation.canaries.get(setting.knob.canary)


def _compiles(seen: Sequence[Seen]) -> bool:
    return seen[0].observation.canaries.get(COMPILED.canary) != "0"


def _no_effect(moved: Mapping[Setting, bool], seen: Sequence[Seen]) -> Iterator[str]:
    """Tell the settings that did nothing, with the reason where it lies in the build."""
    for setting, effect in moved.items():
        if effect:
            continue
        why = ""
        if not _compiles(seen) and (setting.knob in _COMPILING or setting.deed is Deed.CODE):
            why = " (this build compiles nothing)"
        elif setting.deed is Deed.CODE:
            why = " (this build keeps no compiled code)"
        elif setting.deed in KEPT:
            why = " (this build keeps nothing on disk)"
        yield f"{setting.name}{why}"
    races = [one.observation.canaries[RACE.canary] for one in seen if RACE.canary in one.observation.canaries]
    if not any(not race.startswith("1 of") for race in races):
        yield "repeats (nothing varied from run to run)"


def _compile_seconds(seen: Iterable[Seen]) -> float:
    """Return what compiling took: the first run with an empty code cache less that with a full one."""
    first = {setting: one.first_seconds for one in seen for setting in one.cell.settings}
    compiles = any(Deed.CODE in one.deeds for one in seen if COLD_CODE in one.cell.settings)
    return first[COLD_CODE] - first[WARM_CODE] if compiles else 0.0


def _first_divergence(golden: Golden, processes: Processes, differing: Sequence[Seen]) -> Divergence | None:
    """Return where the first cell that gave other bits did so first, where what was recorded is kept."""
    for one in differing:
        for name in one.failed:
            expected, obtained = golden.expected(name), read_outputs(one.folder / name)
            if expected is None or not obtained:
                continue
            bars = read_outputs(one.folder / name.split("/")[0], [LOAD]).get(LOAD)
            label = f"{golden.spec.name}/{name}"
            if found := located(processes, expected=expected, obtained=obtained, bars=bars, name=label):
                return found
    return None
