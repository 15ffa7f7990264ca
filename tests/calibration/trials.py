"""One comparison by the real code: `measure`, the plan and `decide`, on light processes that are really started."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.benchmark import Workload, measure
from optimizer.decision import Evidence, Verdict, decide
from optimizer.experiment import CANDIDATE, CONTROL
from optimizer.processes import Observation
from optimizer.stats import plan_for
from optimizer.subject import Build

_LIGHT = Path(__file__).with_name("light.py")
_STEPS = 40_000  # about 5 ms
_TIMEOUT_SECONDS = 60.0
_WORKLOAD = Workload("no data", "refuse", "loop")


@dataclass(frozen=True)
class Outcome:
    """What one comparison came to; `ratio` is the median one, `pairs` those that the verdict rests on."""

    verdict: Verdict
    ratio: float
    pairs: int

    @property
    def called(self) -> bool:
        """Whether a difference of time was called."""
        return self.verdict in (Verdict.FASTER, Verdict.SLOWER)


class LightProcesses:
    """Starts a fresh light process for each job; a build names the share of the work that it leaves out, in percent."""

    def run(
        self,
        task: str,
        build: Build,
        job: Mapping[str, Any],
        env: Mapping[str, str] | None = None,  # noqa: ARG002 - as Processes has it
        caches: Path | None = None,  # noqa: ARG002 - it keeps none
    ) -> Observation:
        """Run one job and wait for it."""
        if task != "measure":
            raise ValueError(f"a light process can't do {task!r}")
        steps = round(_STEPS * (100 - sum(map(float, build))) / 100)
        command = [sys.executable, "-I", "-S", str(_LIGHT), str(steps), str(job["most_runs"])]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS)
        told = json.loads(done.stdout)
        result = {"load_ns": told["load_ns"], "runs": {job["scenarios"][-1]: told["runs"]}}
        return Observation(result, "", {}, told["peak_bytes"])


def compare(percent_less: float, seed: int, *, most_rounds: int | None = None) -> Outcome:
    """Compare a build with one that does so many percent less of its work; 0 is an A/A comparison."""
    candidate = (str(percent_less),) if percent_less else ()
    arms = measure(
        LightProcesses(),
        _WORKLOAD,
        {CONTROL: (), CANDIDATE: candidate},
        judged=(CONTROL, CANDIDATE),
        seed=seed,
        tick=lambda _: None,
        caches=Path("unused"),
        most_rounds=most_rounds,
    )
    evidence = Evidence(scenarios=1, before=arms[CONTROL], after=arms[CANDIDATE], plan=plan_for(1))
    bounds = evidence.bounds()
    if bounds is None:
        raise ValueError(f"{evidence.pairs} pairs give no verdict")
    return Outcome(decide(evidence).verdict, bounds.median, bounds.pairs)
