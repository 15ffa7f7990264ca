"""The notice of one candidate, written for the reviewer who will sign it."""

from __future__ import annotations

import shlex
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.benchmark import EFFECT, FIGURES, Arm, ratio_of
from optimizer.config import Config
from optimizer.decision import REFUSED
from optimizer.ecn import PROPOSED, REJECTED, Front, Notice, write_notice
from optimizer.hardware import hardware_line
from optimizer.limits import Limits
from optimizer.machine_settings import NAMES
from optimizer.notice_claims import claims
from optimizer.profilers.cpu import shown
from optimizer.reporters.machine import setting
from optimizer.reporters.templates import mebibytes, percent, render, seconds
from optimizer.reporters.texts import aa_verdict, worst_text
from optimizer.runner import Change, Run, build_text

_NUMBER = "ECN-0000"  # stands in the text until the number is known
_FIGURES = (
    ("a run, warm", Arm.warm, seconds),
    ("its processor time, all threads and processes", Arm.cpu, seconds),
    ("the first run", Arm.cold, seconds),
    ("loading and laying out the data", Arm.load, seconds),
    ("laying out all outputs as tables", Arm.tables, seconds),
    ("loading, a run and its tables", Arm.whole, seconds),
    ("peak memory of the process", Arm.peak, mebibytes),
)


def write_change(config: Config, run: Run, change: Change, folder: Path) -> tuple[Notice, bool]:
    """Write the notice of a change; return it, and whether it was written."""
    return write_notice(folder, _front(config, run, change), _body(config, run, change, folder.parent))


def _front(config: Config, run: Run, change: Change) -> Front:
    claimed = claims(config, run, change)
    return Front(
        ecn=_NUMBER,
        title=change.candidate.title,
        status=REJECTED if change.decision.verdict in REFUSED else PROPOSED,
        focus=change.candidate.focus,
        optimization=change.candidate.name,
        build_before=change.control,
        build_after=config.subject.extend(change.control, change.candidate.name),
        golden_digest=run.golden.digest,
        source_digest=change.candidate.source_digest,
        hardware=hardware_line(run.hardware),
        verdict=str(change.decision.verdict),
        run=run.run_id,
        **claimed,
    )


def _body(config: Config, run: Run, change: Change, out: Path) -> str:
    candidate, evidence, decision = change.candidate, change.evidence, change.decision
    ratio = evidence.ratio()
    runs = [run_ for arm in (evidence.before, evidence.after) if arm is not None for run_ in arm.digests()]
    return render(
        "ecn.md.j2",
        ecn=_NUMBER,
        title=candidate.title.rstrip("."),
        verdict_line=f"{str(decision.verdict).capitalize()}: {decision.reason}.",
        name=candidate.name,
        component=candidate.component,
        control_text=build_text(change.control),
        joined=change.joined,
        profile=_profile(change),
        turn=next((one["why"] for one in run.order if one["name"] == candidate.name), ""),
        profiled=", ".join(change.profile.scenarios),
        scenario=change.workload.scenario,
        judged=FIGURES[change.workload.figure],
        keeps=change.workload.keeps,
        file=Path(change.workload.data).name,
        worst=worst_text(change),
        counts=_counts(change),
        others=[(name, str(found)) for name, found in evidence.other_ratios().items()],
        how=candidate.how,
        exact=candidate.exact,
        risk=candidate.risk,
        source=config.relative(candidate.path),
        source_digest=candidate.source_digest,
        tried=evidence.scenarios > 0,
        reason=decision.reason,
        golden=_golden(run, change),
        measured_runs=len(runs),
        parity_verdict="the same bits" if not evidence.diverged else evidence.diverged,
        determinism=evidence.determinism,
        compile_seconds=evidence.determinism.compile_seconds if evidence.determinism else 0.0,
        remarks=evidence.remarks,
        divergence=str(evidence.divergence) if evidence.divergence else "",
        data=run.data,
        pairs=ratio.pairs if ratio else 0,
        figures=_figures(change) if ratio else [],
        held=_held(run, change),
        settings=_settings(run),
        memory=_memory(change),
        aa=f"{run.control.bounds} on {run.control.workload.label}, {run.control.bounds.pairs} pairs"
        if run.control and run.control.bounds
        else "",
        aa_verdict=aa_verdict(run),
        hardware_text=_hardware(run),
        build_file=config.relative(config.subject.build_file),
        build_line=f'"{candidate.name}" = "{_NUMBER}"',
        reproduce=_reproduce(run, change),
        verify=_about("verify", config, out),
        sign=_about("accept", config, out),
        withdraw=_about("withdraw", config, out) + ' --why "..."',
        accept=decision.passed,
    )


def _held(run: Run, change: Change) -> str:
    """Return what the verdict rests on, in a sentence."""
    bounds, plan = change.evidence.bounds(), run.plan
    if bounds is None:
        return ""
    among = f"{plan.candidates} candidates" if plan.candidates > 1 else "one candidate"
    looks = ", ".join(map(str, plan.looks))
    return (
        f"The verdict rests on {bounds.low:.3g} to {bounds.high:.3g}, which holds the median with {bounds.level:.2%} "
        f"at every look together (after {looks} pairs), so that all verdicts of the run, on {among}, hold with "
        f"{plan.family_confidence:.0%}; a change within {EFFECT - 1:.0%} counts as none"
    )


def _hardware(run: Run) -> str:
    """Return the machine, and the limits that the processes had, if any."""
    limits = Limits(**run.documents.get("limits", {}))
    return hardware_line(run.hardware) + (f"; measured under {limits}" if limits else "")


def _settings(run: Run) -> list[dict[str, str]]:
    """Return the settings that the engine derives for this machine and market, each with its reason."""
    found = run.documents.get("settings")
    return [{"name": name, "value": setting(found[name]), "why": found["why"][name]} for name in NAMES] if found else []


def _profile(change: Change) -> dict[str, Any]:
    component = change.candidate.component
    spots = [spot for spot in shown(change.profile.hotspots) if spot.component == component]
    return {
        "build_text": build_text(change.profile.build),
        "seconds": change.profile.seconds,
        "share": change.profile.shares.get(component, 0.0),
        "spots": spots[:4],
        "advice": [
            f"{spot['function']}: {one['why']}"
            for spot in change.profile.document.get("hotspots", ())
            for one in spot["advice"]
            if spot["component"] == component and one["focus"] == change.candidate.focus
        ][:3],
        "others": [f"{name} {percent(share)}" for name, share in change.profile.shares.items() if name != component],
    }


def _golden(run: Run, change: Change) -> dict[str, Any]:
    measured = change.evidence.before is not None
    diverged = change.evidence.diverged and not measured
    verdict = change.evidence.diverged if diverged else change.evidence.error if not measured else ""
    return {
        "name": run.golden.spec.name,
        "digest": run.golden.digest,
        "cases": len(run.golden.spec.cases),
        "verdict": verdict or "the same bits",
    }


def _figures(change: Change) -> list[dict[str, str]]:
    before, after = change.evidence.before, change.evidence.after
    if before is None or after is None:
        return []
    return [
        {
            "name": name,
            "before": text(median(figure(before))),
            "after": text(median(figure(after))),
            "ratio": str(ratio_of(figure(before), figure(after))),
        }
        for name, figure, text in _FIGURES
    ]


def _counts(change: Change) -> list[str]:
    """Return what was counted in the first run of the judged scenario, where it differs."""
    before = change.evidence.before.counts() if change.evidence.before else {}
    after = change.evidence.after.counts() if change.evidence.after else {}
    names = sorted(name for name in {*before, *after} if before.get(name, 0) != after.get(name, 0))
    return [f"{name}: {before.get(name, 0):,} before, {after.get(name, 0):,} after" for name in names]


def _memory(change: Change) -> dict[str, str] | None:
    before, after = change.evidence.before, change.evidence.after
    if before is None or after is None or not after.results():
        return None
    return {"before": mebibytes(median(before.peak())), "after": mebibytes(median(after.peak()))}


def _about(verb: str, config: Config, out: Path) -> str:
    """Return the command that does something with the notice, where it stands."""
    elsewhere = [] if out == config.reports.resolve() else ["--out", config.relative(out)]
    return shlex.join(["optimize", "ecn", verb, _NUMBER, *elsewhere])


def _reproduce(run: Run, change: Change) -> str:
    parts = ["optimize", "--only", change.candidate.name]
    if change.control:
        parts += ["--from", ",".join(change.control)]
    if not run.data.get("generated"):
        parts += ["--data", str(run.data["path"])]
    if run.workload.on_bad_bars != "refuse":
        parts += ["--on-bad-bars", run.workload.on_bad_bars]
    if run.scenario_given:
        parts += ["--scenario", run.workload.scenario]
    return shlex.join(parts)
