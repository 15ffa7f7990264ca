"""One run: profile the control, try candidates one at a time, keep what passed, and tell of all of it."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from optimizer.attribution import attribute
from optimizer.benchmark import Workload, ratio_of
from optimizer.budget import Budget
from optimizer.config import Config
from optimizer.decision import EXACT, Decision, Evidence, Verdict, decide
from optimizer.errors import CheckError, InputError
from optimizer.experiment import Bench, Trial, digests_under, run_trial
from optimizer.files import write_json, write_with
from optimizer.hardware import hardware_profile
from optimizer.limits import NO_LIMITS, Limits
from optimizer.machine_settings import settings_of
from optimizer.ordering import next_of, with_required
from optimizer.processes import Processes
from optimizer.profiling import ALL_KINDS, hotspots_of, order_reason, profile_build
from optimizer.progress import Progress
from optimizer.recommendations import settings_of_kinds
from optimizer.run import Change, Control, Profile, Run, Total, build_text, new_run
from optimizer.static_look import look
from optimizer.stats import plan_for
from optimizer.subject import Build, Candidate
from optimizer.totals import measure_totals

__all__ = ["Change", "Control", "Profile", "Run", "Runner", "Total", "build_text", "chosen", "new_run"]


def chosen(config: Config, focus: str, only: Sequence[str], start: Build) -> list[Candidate]:
    """Return the candidates of a focus, or those that are named, without what is in the build already."""
    everything = list(config.subject.candidates())
    names = [one.name for one in everything]
    if unknown := [name for name in only if name not in names]:
        raise InputError(f"unknown optimization {unknown[0]!r}", hint=f"Choose from {', '.join(names)}")
    if only:
        return [one for one in everything if one.name in only and one.name not in start]
    return [one for one in everything if focus in ("all", one.focus) and one.name not in start]


class Runner:
    """Carries a run out."""

    def __init__(
        self,
        config: Config,
        run: Run,
        progress: Progress,
        matrix: str = "quick",
        *,
        kinds: Collection[str] = ALL_KINDS,
        budget: Budget | None = None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self._config = config
        self._run = run
        self._progress = progress
        self._matrix = matrix
        self._kinds = kinds
        self._budget = budget or Budget()
        run.budget_seconds = self._budget.seconds
        self.processes = Processes(config, run.folder / "jobs", limits=limits)
        self._scratch = run.folder / "jobs" / "scratch"

    def start(self, start: Build, candidates: Sequence[Candidate]) -> None:
        """Load the data once, to refuse it early, note the reference's bits, and profile the control."""
        run = self._run
        run.first = run.final = start
        run.plan = plan_for(max(1, len(candidates)))
        workloads = [run.workload, *(self.workload_of(candidate) for candidate in candidates)]
        own = workloads if run.focus == "all" or not candidates else workloads[1:]
        self._scenarios = list(dict.fromkeys(workload.scenario for workload in own))
        run.profile = self._profile = self._profiled(start, "before")
        found = run.profile.document
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
        self._look_at_machine()
        run.documents["limits"] = self.processes.limits.as_document()

    def _look_at_machine(self) -> None:
        """Measure the machine, and note the settings that it calls for."""
        run = self._run
        with self._progress.stage("Measuring memory and storage"):
            profile = hardware_profile(measure=True, folder=run.folder)
        settings_for = settings_of(self._config.subject, run.data["symbols"])
        run.documents["settings"] = settings_for(profile)
        run.hardware = profile | {"settings_of_kinds": settings_of_kinds(settings_for)}

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
                self._profile = self._profiled(self._run.final)
            document = self._profile.document
            focuses = {one["focus"]: one["share"] for one in document["advice"]}
            candidate = next_of(pending, self._profile.shares, focuses)
            pending.remove(candidate)
            why = order_reason(document, candidate)
            self._run.order.append({"name": candidate.name, "focus": candidate.focus, "why": why})
            number = len(candidates) - len(pending)
            deadline = self._budget.deadline(len(pending) + 2)  # this one, those that wait, and the end
            change = self._untried(candidate) or self._tried(candidate, f"{number} of {len(candidates)}", deadline)
            self._run.changes.append(change)
            yield change

    def _profiled(self, build: Build, kept_as: str = "") -> Profile:
        """Profile a build: in all kinds of the run where that is to be kept with it, else only where its time goes."""
        job = self._run.workload.job() | {
            "scenarios": self._scenarios,
            "warm_up": list(self._config.subject.common_scenarios),
        }
        folder = self._run.folder / f"profile-{kept_as}" if kept_as else self._scratch / "profile"
        kinds = self._kinds if kept_as else ()
        with self._progress.stage(f"Profiling {build_text(build)}"):
            found = profile_build(self.processes, build, job, folder, tick=self._progress.tick, kinds=kinds)
        if kept_as:
            told = self._run.documents.setdefault("profile", {"before": None, "after": None})
            told[kept_as] = f"{folder.name}.json"
        elif self._run.profile is not None:  # what the lines and the repeated calls have told is still what is known
            first = self._run.profile
            found = found | {"evidence": first.document["evidence"], "evidence_of": build_text(first.build)}
        return Profile(build, tuple(found["scenarios"]), found["seconds"], hotspots_of(found), found)

    def _untried(self, candidate: Candidate) -> Change | None:
        """Return what is to be told of a candidate that can't be tried."""
        run = self._run
        refused = {change.candidate.name for change in run.changes if change.decision.verdict not in EXACT}
        if blocked := [name for name in candidate.requires if name in refused]:
            decision = Decision(Verdict.FAILED, f"not tried: it requires {', '.join(blocked)}, which was refused")
        elif self._budget.over:
            decision = Decision(Verdict.INCONCLUSIVE, "not tried: the time budget of the run was over")
        else:
            return None
        evidence = Evidence(scenarios=0, plan=run.plan)
        workload = self.workload_of(candidate)
        return Change(candidate, workload, run.final, run.final, (), self._profile, evidence, decision)

    def _tried(self, candidate: Candidate, place: str, deadline: float | None) -> Change:
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
                repeat_control=self._repeats_control(workload),
                seed=len(run.changes),
                plan=run.plan,
                deadline=deadline,
            )
        run.controls += self._controls(workload, trial)
        evidence = replace(trial.evidence, remarks=self._remarks(candidate, trial.evidence))
        decision = decide(evidence)
        if run.aa_passed is False and decision.verdict in EXACT:
            reason = f"the measurement is void: the control differs from itself, {run.aa}"
            decision = Decision(Verdict.INCONCLUSIVE, reason)
        if decision.passed:
            run.final = build
        elif decision.verdict in EXACT:
            run.final = control  # what joined was in a build that is exact
        return Change(candidate, workload, control, build, joined, self._profile, evidence, decision)

    def _repeats_control(self, workload: Workload) -> bool:
        """Whether the control is measured against itself, too: once for each way in which processes are set up.

        Noise alone is kept from later candidates by the random order of every round. What the order can't even out
        is a difference that sticks to an arm, and that can only come from the folder in which an arm keeps its caches.
        """
        return all(one.workload.keeps != workload.keeps or one.passed is None for one in self._run.controls)

    def _controls(self, workload: Workload, trial: Trial) -> list[Control]:
        if trial.control_again is None or trial.evidence.before is None:
            return []
        one, other = trial.evidence.before.judged(), trial.control_again.judged()
        return [Control(workload, ratio_of(one, other), self._run.plan.bounds(one, other))]

    def _remarks(self, candidate: Candidate, evidence: Evidence) -> tuple[str, ...]:
        fused = evidence.determinism.fused if evidence.determinism else ()
        return (
            *(str(remark) for remark in look(self._config.subject, candidate)),
            *(f"{text}: a fused multiply-add rounds once where the source rounds twice" for text in fused),
        )

    def finish(self, *, attributes: bool = False) -> None:
        """Measure the reference against what the run ended with, profile that, and clear the scratch files away.

        Where `attributes` says so, what each change is worth alone and left out is measured, too.
        """
        run = self._run
        if run.final:
            run.totals = measure_totals(self._bench, run, self._progress, self._budget, parts_after=attributes)
            if run.final != run.first:
                self._profiled(run.final, "after")
            if attributes:
                self._attribute()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _attribute(self) -> None:
        run = self._run
        ratios = {change.candidate.name: change.evidence.ratio() for change in run.passed}
        trials = {
            name: {"ratio": ratio.median, "ci95": [ratio.low, ratio.high]}
            for name, ratio in ratios.items()
            if ratio is not None
        }
        with self._progress.stage(f"Measuring what each of {len(run.final)} changes is worth"):
            found = attribute(
                self.processes,
                run.workload,
                run.final,
                self._config.subject,
                tick=self._progress.tick,
                caches=self._scratch / "attribution",
                trials=trials,
                deadline=self._budget.deadline(1),
                own_workloads=not run.scenario_given,
            )
        write_json(run.folder / "attribution.json", found)
