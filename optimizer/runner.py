"""One run: profile the control, try candidates one at a time, keep what passed, and tell of all of it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.benchmark import COLD, EFFECT, KEPT, LOAD, Arm, Workload, measure, ratio_of
from optimizer.config import Config
from optimizer.decision import EXACT, REFUSED, Decision, Evidence, Verdict, decide
from optimizer.errors import CheckError, InputError
from optimizer.experiment import CANDIDATE, CONTROL, Bench, digests_under, run_trial
from optimizer.files import sha256_of, write_with
from optimizer.golden import Golden
from optimizer.hardware import hardware_profile
from optimizer.ordering import next_of, with_required
from optimizer.processes import Processes
from optimizer.profilers.cpu import Hotspot, by_component
from optimizer.progress import Progress
from optimizer.static_look import look
from optimizer.stats import Ratio
from optimizer.subject import Build, Candidate


@dataclass(frozen=True)
class Profile:
    """Where a control's time went."""

    build: Build
    scenarios: tuple[str, ...]
    seconds: float
    hotspots: list[Hotspot]

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
class Total:
    """What the run came to on one workload: the reference against the final build."""

    workload: Workload
    before: Arm
    after: Arm

    def seconds(self, arm: Arm) -> list[float]:
        """Return the figure of an arm, for each process."""
        return arm.figure(self.workload.scenario, self.workload.figure)

    @property
    def ratio(self) -> Ratio | None:
        """The reference's time over the final build's."""
        return ratio_of(self.seconds(self.before), self.seconds(self.after))


@dataclass
class Run:
    """A run and all that it found; `workload` is the default one, or that of the scenario which was asked for."""

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
    aa: Ratio | None = None
    first: Build = ()
    final: Build = ()
    totals: list[Total] = field(default_factory=list)

    @property
    def aa_passed(self) -> bool | None:
        """Whether the control measured against itself showed no difference; None where nothing was measured."""
        return None if self.aa is None else not (self.aa.low > EFFECT or self.aa.high < 1 / EFFECT)

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


def chosen(config: Config, focus: str, only: Sequence[str], start: Build) -> list[Candidate]:
    """Return the candidates of a focus, or those that are named, without what is in the build already."""
    everything = list(config.subject.candidates())
    names = [one.name for one in everything]
    if unknown := [name for name in only if name not in names]:
        raise InputError(f"unknown optimization {unknown[0]!r}", hint=f"Choose from {', '.join(names)}")
    if only:
        return [one for one in everything if one.name in only and one.name not in start]
    return [one for one in everything if focus in ("all", one.focus) and one.name not in start]


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


class Runner:
    """Carries a run out."""

    def __init__(self, config: Config, run: Run, progress: Progress, matrix: str = "quick") -> None:
        self._config = config
        self._run = run
        self._progress = progress
        self._matrix = matrix
        self.processes = Processes(config, run.folder / "jobs")
        self._scratch = run.folder / "jobs" / "scratch"

    def start(self, start: Build, candidates: Sequence[Candidate]) -> None:
        """Load the data once, to refuse it early, note the reference's bits, and profile the control."""
        run = self._run
        run.first = run.final = start
        workloads = [run.workload, *(self.workload_of(candidate) for candidate in candidates)]
        own = workloads if run.focus == "all" or not candidates else workloads[1:]
        self._scenarios = list(dict.fromkeys(workload.scenario for workload in own))
        found = self._profiled(start, run.folder)
        with self._progress.stage(f"Noting the reference's results on {len(workloads)} workloads"):
            expected = digests_under(self.processes, (), workloads)
            if start and digests_under(self.processes, start, workloads) != expected:
                raise CheckError(
                    "the accepted build does not give the reference's bits on this data: see optimize check --data"
                )
        subject = self._config.subject
        self._bench = Bench(
            subject, self.processes, run.golden, expected, self._scratch, self._progress.tick, self._matrix
        )
        run.notes = found["notes"]
        run.data |= {name: found[name] for name in ("symbols", "timestamps", "rows")}
        run.profile = self._profile = _profile_of(start, found)

    def workload_of(self, candidate: Candidate) -> Workload:
        """Return what a candidate is judged on, with the data in the form that it needs."""
        run, spec = self._run, candidate.workload
        others = self._config.subject.common_scenarios
        if run.scenario_given:
            return replace(run.workload, others=others)
        data = self._data_as(spec.form) if spec.form else run.workload.data
        return Workload(data, run.workload.on_bad_bars, spec.scenario, spec.figure, others)

    def _data_as(self, form: str) -> str:
        """Return the data in a file of this form; written once, among the scratch files."""
        source = Path(self._run.workload.data)
        target = self._scratch / "data" / f"{source.stem}{form}"
        if source.suffix == form:
            return str(source)
        if not target.exists():
            write_with(target, lambda path: self._config.subject.write_as(form, source, path))
        return str(target)

    def try_all(self, candidates: Sequence[Candidate]) -> Iterator[Change]:
        """Try candidates one at a time, always that for the costliest component of the control of the moment."""
        pending = list(candidates)
        while pending:
            if self._profile.build != self._run.final:
                self._profile = _profile_of(self._run.final, self._profiled(self._run.final, self._scratch))
            candidate = next_of(pending, self._profile.shares)
            pending.remove(candidate)
            number = len(candidates) - len(pending)
            change = self._blocked(candidate) or self._tried(candidate, f"{number} of {len(candidates)}")
            self._run.changes.append(change)
            yield change

    def _profiled(self, build: Build, folder: Path) -> dict[str, Any]:
        with self._progress.stage(f"Profiling {build_text(build)}"):
            job = self._run.workload.job() | {
                "scenarios": self._scenarios,
                "warm_up": list(self._config.subject.common_scenarios),
                "folder": str(folder),
            }
            seen = self.processes.run("profile", build, job)
        if seen.refused is not None:
            raise seen.refused
        if seen.result is None:
            raise CheckError(f"{build_text(build)} failed: {seen.error}")
        return seen.result

    def _blocked(self, candidate: Candidate) -> Change | None:
        run = self._run
        refused = {change.candidate.name for change in run.changes if change.decision.verdict not in EXACT}
        blocked = [name for name in candidate.requires if name in refused]
        if not blocked:
            return None
        decision = Decision(Verdict.FAILED, f"not tried: it requires {', '.join(blocked)}, which was refused")
        workload = self.workload_of(candidate)
        return Change(candidate, workload, run.final, run.final, (), self._profile, Evidence(scenarios=0), decision)

    def _tried(self, candidate: Candidate, place: str) -> Change:
        """Try one candidate on top of what has passed so far; it joins the control where it passes."""
        run = self._run
        control, joined = with_required(self._config.subject, run.final, candidate)
        build = self._config.subject.extend(control, candidate.name)
        if joined:
            self._progress.say(f"Joined the control, since {candidate.name} requires it: {', '.join(joined)}")
        with self._progress.stage(f"Trying {place}: {candidate.name}"):
            workload = self.workload_of(candidate)
            trial = run_trial(
                self._bench,
                candidate.name,
                workload,
                control,
                build,
                repeat_control=run.aa is None,
                seed=len(run.changes),
            )
        if trial.control_again is not None and trial.evidence.before is not None:
            run.aa = ratio_of(trial.evidence.before.judged(), trial.control_again.judged())
        fused = trial.evidence.determinism.fused if trial.evidence.determinism else ()
        remarks = (
            *(str(remark) for remark in look(self._config.subject, candidate)),
            *(f"{text}: a fused multiply-add rounds once where the source rounds twice" for text in fused),
        )
        evidence = replace(trial.evidence, remarks=remarks)
        decision = decide(evidence)
        if run.aa_passed is False and decision.verdict in EXACT:
            reason = f"the measurement is void: the control differs from itself, {run.aa}"
            decision = Decision(Verdict.INCONCLUSIVE, reason)
        if decision.passed:
            run.final = build
        elif decision.verdict in EXACT:
            run.final = control  # what joined was in a build that is exact
        return Change(candidate, workload, control, build, joined, self._profile, evidence, decision)

    def finish(self) -> None:
        """Measure the reference against what the run ended with, and clear the scratch files away."""
        run = self._run
        if run.final:
            wanted = [change.workload for change in run.passed]
            if run.focus == "all" or run.scenario_given or not wanted:
                wanted.insert(0, run.workload)
            for data in dict.fromkeys(workload.data for workload in wanted):
                run.totals += self._totals([workload for workload in wanted if workload.data == data])
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _totals(self, workloads: Sequence[Workload]) -> list[Total]:
        """Measure workloads on one file in the same processes; caches are kept where one of them is about that."""
        keeps = any(workload.keeps for workload in workloads)
        asked = {(one.scenario, KEPT if keeps and one.figure == COLD else one.figure) for one in workloads}
        figures = sorted(one for one in asked if one[1] != LOAD)
        figures.sort(key=lambda one: one != (workloads[0].scenario, workloads[0].figure))
        if keeps:
            figures.insert(0 if workloads[0].figure == LOAD else len(figures), (workloads[0].scenario, LOAD))
        first = replace(workloads[0], others=tuple(scenario for scenario, _ in figures), keep_caches=keeps)
        with self._progress.stage(f"Measuring the reference against the final build: {len(figures)} figures"):
            arms = measure(
                self.processes,
                first,
                {CONTROL: (), CANDIDATE: self._run.final},
                judged=(CONTROL, CANDIDATE),
                seed=0,
                tick=self._progress.tick,
                caches=self._scratch / "totals" / Path(first.data).name,
            )
        for arm in arms.values():
            if arm.error or self._bench.differing(arm):
                raise CheckError(f"{build_text(arm.build)} failed at the end: {arm.error or 'it gives other bits'}")
        return [
            Total(Workload(first.data, first.on_bad_bars, scenario, figure), arms[CONTROL], arms[CANDIDATE])
            for scenario, figure in figures
        ]


def _profile_of(build: Build, found: dict[str, Any]) -> Profile:
    spots = [Hotspot(**spot) for spot in found["hotspots"]]
    return Profile(build, tuple(found["scenarios"]), found["seconds"], spots)


def build_text(build: Build) -> str:
    """Return a build as people read it."""
    return f"[{', '.join(build)}]" if build else "the reference"
