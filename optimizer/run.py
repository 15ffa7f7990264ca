"""What a run is, and all that it found."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.benchmark import Arm, Workload, is_faster, is_slower, ratio_of
from optimizer.config import Config
from optimizer.decision import REFUSED, Decision, Evidence
from optimizer.files import sha256_of
from optimizer.golden import Golden
from optimizer.hardware import hardware_profile
from optimizer.profilers.cpu import Hotspot, by_component
from optimizer.stats import Plan, Ratio, plan_for
from optimizer.subject import Build, Candidate


@dataclass(frozen=True)
class Profile:
    """Where a control's time went."""

    build: Build
    scenarios: tuple[str, ...]
    seconds: float
    hotspots: list[Hotspot]
    document: Mapping[str, Any] = field(default_factory=dict)  # as optimizer.profiling writes it

    @property
    def shares(self) -> dict[str, float]:
        """Each component's share of the time, the largest first."""
        return by_component(self.hotspots)


@dataclass(frozen=True)
class Change:
    """One candidate, what it was tried on, and what came of it."""

    candidate: Candidate
    workload: Workload
    control: Build
    build: Build
    joined: tuple[str, ...]
    profile: Profile
    evidence: Evidence
    decision: Decision


@dataclass(frozen=True)
class Control:
    """The control measured against itself; `bounds` is what it is judged by, None where the pairs were too few."""

    workload: Workload
    ratio: Ratio | None
    bounds: Ratio | None

    @property
    def passed(self) -> bool | None:
        """Whether it showed no difference; None where nothing can be said."""
        return None if self.bounds is None else not (is_faster(self.bounds) or is_slower(self.bounds))


@dataclass(frozen=True)
class Total:
    """What the run came to on one workload: the reference against the final build."""

    workload: Workload
    before: Arm
    after: Arm
    plan: Plan = field(default_factory=lambda: plan_for(1))

    def seconds(self, arm: Arm) -> list[float]:
        """Return the figure of an arm, for each process."""
        return arm.figure(self.workload.scenario, self.workload.figure)

    @property
    def ratio(self) -> Ratio | None:
        """The reference's time over the final build's, with its 95 % interval."""
        return ratio_of(self.seconds(self.before), self.seconds(self.after))

    @property
    def bounds(self) -> Ratio | None:
        """The same with the interval for all looks."""
        return self.plan.bounds(self.seconds(self.before), self.seconds(self.after))


@dataclass
class Run:
    """A run and all that it found; `workload` is the default one, or that of the scenario which was asked for.

    `order` has, for each candidate as it was tried, its name, focus, and why it was its turn. `documents` are values
    that `run.json` has as they are, such as the recommended settings.
    """

    run_id: str
    folder: Path
    focus: str
    started_at: str
    hardware: Mapping[str, object]
    golden: Golden
    workload: Workload
    scenario_given: bool
    data: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    profile: Profile | None = None
    changes: list[Change] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    plan: Plan = field(default_factory=lambda: plan_for(1))
    budget_seconds: float | None = None
    first: Build = ()
    final: Build = ()
    totals: list[Total] = field(default_factory=list)
    order: list[dict[str, str]] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)

    @property
    def control(self) -> Control | None:
        """The control measured against itself that tells most: the first that failed, or else the first."""
        judged = [one for one in self.controls if one.passed is not None]
        return next((one for one in judged if not one.passed), judged[0] if judged else None)

    @property
    def aa(self) -> Ratio | None:
        """Its ratio, with the 95 % interval."""
        return self.control.ratio if self.control else None

    @property
    def aa_passed(self) -> bool | None:
        """Whether it showed no difference; None where nothing was measured, or too little."""
        return self.control.passed if self.control else None

    @property
    def passed(self) -> list[Change]:
        """The changes that joined the build."""
        return [change for change in self.changes if change.decision.passed]

    @property
    def total(self) -> Total | None:
        """What the run came to on its first workload."""
        return self.totals[0] if self.totals else None

    @property
    def exit_code(self) -> int:
        """Return 0 where all is sound, 1 where a change was refused, 3 where the measurement is void."""
        if self.aa_passed is False:
            return 3
        return 1 if any(change.decision.verdict in REFUSED for change in self.changes) else 0


def new_run(config: Config, out: Path, focus: str, golden: Golden, workload: Workload, *, scenario_given: bool) -> Run:
    """Make the folder of a run."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    folder = out / "runs" / run_id
    (folder / "jobs").mkdir(parents=True)
    started = now.isoformat(timespec="seconds")
    run = Run(run_id, folder, focus, started, hardware_profile(), golden, workload, scenario_given)
    path = Path(workload.data)
    run.data = {"path": config.relative(path), "sha256": sha256_of(path)}
    return run


def build_text(build: Build) -> str:
    """Return a build as people read it."""
    return f"[{', '.join(build)}]" if build else "the reference"
