"""What each change of a build is worth: alone, on top of what stood before it, and left out of the whole.

The three differ where changes work on the same time: what is left of it for one depends on the others. Alone is the
reference against the reference with the change and what that requires; on the build is the ratio of its trial; left
out is the build without it, and without what requires it, against the build.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.benchmark import Arm, Workload, measure, ratio_of
from optimizer.errors import CheckError
from optimizer.files import write_with
from optimizer.ordering import with_required, without
from optimizer.processes import Processes
from optimizer.subject import Build, Candidate, Subject

ROUNDS = 6  # the fewest that give an interval
_REFERENCE: Build = ()
_Tick = Callable[[str], None]


@dataclass(frozen=True)
class Arms:
    """The builds that tell what one change is worth."""

    name: str
    alone: Build
    left_out: Build
    final: Build

    @property
    def alone_with(self) -> list[str]:
        """What had to join the reference for it."""
        return [name for name in self.alone if name != self.name]

    @property
    def left_out_with(self) -> list[str]:
        """What had to go with it, since it requires it."""
        return [name for name in self.final if name not in self.left_out and name != self.name]


def arms_of(subject: Subject, final: Build, candidate: Candidate) -> Arms:
    """Return the builds that tell what a change of a build is worth."""
    control, _ = with_required(subject, _REFERENCE, candidate)
    alone = subject.extend(control, candidate.name)
    return Arms(candidate.name, alone, without(subject, final, [candidate.name]), final)


def attribute(
    processes: Processes,
    workload: Workload,
    final: Build,
    subject: Subject,
    *,
    tick: _Tick,
    caches: Path,
    rounds: int = ROUNDS,
    trials: Mapping[str, Mapping[str, Any]],
    deadline: float | None = None,
    own_workloads: bool = True,
) -> dict[str, Any]:
    """Measure what each change of a build is worth, and return it as attribution.json has it.

    Each is judged on its own workload, so that what speeds up loading is not looked for in a warm run. All builds of
    a workload run in the same rounds, in random order, each in a fresh process; every measured run is held to the
    reference's digests, and a build that fails, or gives other bits, is told and not ranked.

    Args:
        processes: what starts them.
        workload: the default one, with the data.
        final: the build.
        subject: the engine.
        tick: is told what is being done.
        caches: a folder for kept caches and for the data in other forms.
        rounds: how many; below six there is no interval, and so no ratio.
        trials: by the name of a change, the `ratio` and `ci95` of its trial.
        deadline: the `time.monotonic()` after which no round begins.
        own_workloads: False where all is judged on the given workload.

    Returns:
        Ratios are before over after: above 1, the change is a gain. What was not measured is None.

    Raises:
        CheckError: where the reference or the build itself fails, or the build gives other bits.
    """
    known = {one.name: one for one in subject.candidates()}
    groups: dict[Workload, list[Arms]] = {replace(workload, others=()): []}
    for name in final:
        own = _own(subject, workload, known[name], caches) if own_workloads else replace(workload, others=())
        groups.setdefault(own, []).append(arms_of(subject, final, known[name]))
    left = sum(_cost(arms) for arms in groups.values())
    told: dict[str, dict[str, Any]] = {}
    totals = []
    for number, (one, arms) in enumerate(groups.items()):
        until = _share(deadline, _cost(arms) / left)
        left -= _cost(arms)
        measured = _measured(processes, one, arms, final, number, rounds, until, tick, caches / f"{number}")
        totals.append(_total(one, measured, final))
        told |= {arm.name: _told(arm, one, measured, trials.get(arm.name)) for arm in arms}
    return {
        "schema": 1,
        "workload": workload.label,
        "data": Path(workload.data).name,
        "rounds": rounds,
        "final": list(final),
        "reference_seconds": totals[0]["reference_seconds"],
        "final_seconds": totals[0]["final_seconds"],
        "workloads": totals,
        "changes": [told[name] for name in final],
    }


def _own(subject: Subject, workload: Workload, candidate: Candidate, folder: Path) -> Workload:
    """Return what a change is judged on, with the data in the form that it needs."""
    spec, source = candidate.workload, Path(workload.data)
    data = source
    if spec.form and spec.form != source.suffix:
        data = folder / "data" / f"{source.stem}{spec.form}"
        if not data.exists():
            write_with(data, lambda path: subject.write_as(spec.form or "", source, path))
    return Workload(str(data), workload.on_bad_bars, spec.scenario, spec.figure)


def _cost(arms: Sequence[Arms]) -> int:
    """Return how many builds are measured for these changes."""
    return 2 + 2 * len(arms)


def _share(deadline: float | None, share: float) -> float | None:
    """Return when a part of the work is to end, that takes this share of what is left of the time."""
    now = time.monotonic()
    return None if deadline is None else now + max(0.0, deadline - now) * share


def _measured(
    processes: Processes,
    workload: Workload,
    arms: Sequence[Arms],
    final: Build,
    seed: int,
    rounds: int,
    deadline: float | None,
    tick: _Tick,
    caches: Path,
) -> dict[Build, Arm | str]:
    """Measure all builds of a workload; a build that fails, or gives other bits, has the reason in place of its runs.

    A failure ends a measurement, which then begins again without that build.
    """
    builds = {"reference": _REFERENCE, "final build": final}
    for arm in arms:
        builds |= {f"{arm.name} alone": arm.alone, f"without {arm.name}": arm.left_out}
    first = {build: name for name, build in reversed(builds.items())}  # one process for what is the same build
    wanted = {name: build for name, build in builds.items() if first[build] == name}
    found: dict[Build, Arm | str] = {}
    while True:
        seen = measure(
            processes,
            workload,
            wanted,
            judged=None,
            seed=seed,
            tick=lambda text: tick(f"{workload.label}: {text}"),
            caches=caches,
            most_rounds=rounds,
            deadline=deadline,
        )
        failed = [name for name, arm in seen.items() if arm.error]
        if not failed:
            break
        for name in failed:
            found[wanted.pop(name)] = seen[name].error
        if _REFERENCE in found or final in found:
            break
    expected = next((dict([one]) for one in seen["reference"].digests()), {})
    found |= {arm.build: _differing(arm, expected) or arm for arm in seen.values() if arm.build not in found}
    for build in (_REFERENCE, final):
        if isinstance(reason := found[build], str):
            raise CheckError(f"{'the final build' if build else 'the reference'} can't be measured: {reason}")
    return found


def _differing(arm: Arm, expected: Mapping[str, Mapping[str, str]]) -> str:
    """Return the scenario on which a run of an arm did not give the bits of the reference, in words."""
    return next((f"gives other bits on {one}" for one, digests in arm.digests() if digests != expected[one]), "")


def _total(workload: Workload, measured: Mapping[Build, Arm | str], final: Build) -> dict[str, Any]:
    before, after = measured[_REFERENCE], measured[final]
    assert isinstance(before, Arm)  # noqa: S101 - seen to in _measured
    assert isinstance(after, Arm)  # noqa: S101 - as above
    return {
        "workload": workload.label,
        "data": Path(workload.data).name,
        "reference_seconds": median(before.judged()) if before.judged() else None,
        "final_seconds": median(after.judged()) if after.judged() else None,
        "whole": _ratio(before, after),
    }


def _told(
    arms: Arms, workload: Workload, measured: Mapping[Build, Arm | str], trial: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what is known of one change."""
    errors = {
        how: reason
        for how, build in (("alone", arms.alone), ("left out", arms.left_out))
        if isinstance(reason := measured[build], str)
    }
    return {
        "name": arms.name,
        "workload": workload.label,
        "alone": _ratio(measured[_REFERENCE], measured[arms.alone]),
        "on_build": None if trial is None else {"ratio": trial["ratio"], "ci95": list(trial["ci95"])},
        "left_out": _ratio(measured[arms.left_out], measured[arms.final]),
        "alone_with": arms.alone_with,
        "left_out_with": arms.left_out_with,
        "error": "; ".join(f"{how}: {reason}" for how, reason in errors.items()) or None,
    }


def _ratio(before: Arm | str, after: Arm | str) -> dict[str, Any] | None:
    if isinstance(before, str) or isinstance(after, str):
        return None
    ratio = ratio_of(before.judged(), after.judged())
    return None if ratio is None else {"ratio": ratio.median, "ci95": [ratio.low, ratio.high]}
