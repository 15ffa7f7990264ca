"""`optimize` without a subcommand: one run, from its first profile to its report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from optimizer.budget import Budget
from optimizer.commands.shared import first_golden, workload
from optimizer.config import Config
from optimizer.ecn import notices
from optimizer.errors import InputError
from optimizer.files import read_json
from optimizer.ledger import keep
from optimizer.limits import Limits
from optimizer.ordering import without
from optimizer.profiling import ALL_KINDS
from optimizer.progress import Progress, make_console
from optimizer.reporters.notice import write_change
from optimizer.reporters.pages import write_pages
from optimizer.reporters.run_json import write_run
from optimizer.reporters.terminal import print_change, print_order, print_profile, print_summary
from optimizer.runner import Run, Runner, chosen, new_run
from optimizer.subject import Build, Candidate

FULL, QUICK = "full", "quick"
PROFILES = (FULL, QUICK)


@dataclass(frozen=True)
class Asked:
    """What the command line asks of a run; `budget` is in minutes."""

    focus: str
    data: Path | None
    on_bad_bars: str
    scenario: str | None
    only: Sequence[str]
    start: str
    matrix: str
    out: Path | None
    budget: float | None
    limits: Limits
    attributes: bool
    profile: str


def run_command(config: Config, asked: Asked) -> int:
    """Carry a run out, and return the exit code."""
    known = (*config.subject.focuses, "all")
    if asked.focus not in known:
        raise InputError(f"unknown focus {asked.focus!r}", hint=f"Choose from {', '.join(known)}")
    progress = Progress(make_console())
    first = _start(config, asked.start, asked.only)
    candidates = chosen(config, asked.focus, asked.only, first)
    if not candidates:
        rest = "that is not in the accepted build" if first else "yet"
        progress.say(
            f"Focus {asked.focus} has no candidate {rest}. See optimize catalog, or add a file: CONTRIBUTING.md"
        )
        return 0
    out = (asked.out or config.reports).resolve()
    asked.limits.check()
    held_to = first_golden(config)
    wanted = workload(config, out, asked.data, asked.on_bad_bars, asked.scenario)
    list(notices(out / "ecn"))  # a damaged notice is told before anything is measured
    run = new_run(config, out, asked.focus, held_to, wanted, scenario_given=asked.scenario is not None)
    run.data["generated"] = asked.data is None
    budget = Budget(asked.budget * 60.0 if asked.budget is not None else None)
    kinds = ALL_KINDS if asked.profile == FULL else ()
    runner = Runner(config, run, progress, asked.matrix, kinds=kinds, budget=budget, limits=asked.limits)
    return _carry_out(config, runner, run, candidates, first, out, progress, attributes=asked.attributes)


def _start(config: Config, start: str, only: Sequence[str]) -> Build:
    """Return the build that a run starts at; the accepted one without what is to be tried, where that is in it."""
    if start == "reference":
        return ()
    accepted = without(config.subject, tuple(config.subject.accepted()), only)
    build = accepted if start == "build" else tuple(start.split(","))
    config.subject.check_build(build)
    return build


def _carry_out(
    config: Config,
    runner: Runner,
    run: Run,
    candidates: Sequence[Candidate],
    first: Build,
    out: Path,
    progress: Progress,
    *,
    attributes: bool,
) -> int:
    ecns: dict[str, str] = {}
    try:
        runner.start(first, candidates)
        print_profile(progress.console, run)
        for change in runner.try_all(candidates):
            notice, written = write_change(config, run, change, out / "ecn")
            ecns[change.candidate.name] = notice.front.ecn
            kept = "" if written else " (decided on before, left as it is)"
            print_order(progress.console, run)
            print_change(progress.console, change, f"{notice.front.ecn}{kept}")
        runner.finish(attributes=attributes)
    except BaseException:
        runner.processes.stop()
        _leave_whole(run, ecns)
        raise
    _tell(run, ecns, out)
    print_summary(progress.console, run, ecns, config.relative(out))
    return run.exit_code


def _tell(run: Run, ecns: dict[str, str], out: Path) -> None:
    """Write the run's document, append it to the ledger, and renew the report."""
    write_run(run, ecns)
    document = read_json(run.folder / "run.json", hint="")
    keep(out, lambda ledger: ledger.append_run(document))
    write_pages(run, out, ecns)


def _leave_whole(run: Run, ecns: dict[str, str]) -> None:
    """Keep what an interrupted run has found out, since its notices name it; leave nothing where it found nothing."""
    if run.changes:
        with suppress(OSError):  # what ended the run is told, not that a full disk does not take this either
            write_run(run, ecns)
        return
    shutil.rmtree(run.folder, ignore_errors=True)
    with suppress(OSError):
        run.folder.parent.rmdir()  # where it was the first run
