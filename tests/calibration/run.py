"""Prove the rates of the instrument: `python -m tests.calibration.run`, which `make calibrate` does.

Equal builds are held against each other, on a quiet machine and beside two processes that hog it, and then builds that
do 5, 10 and 30 percent less work. All of it goes through the code that judges candidates; what is measured is a light
process, so that a comparison takes seconds. It writes reports/calibration.json and the table in docs/MEASURING.md, and
returns 1 where more than 2 % of the equal builds were called faster or slower. Run it on a machine that does nothing
else: 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.benchmark import EFFECT
from optimizer.files import write_json
from optimizer.hardware import hardware_line, hardware_profile
from optimizer.stats import plan_for
from tests.calibration.hogs import hogs
from tests.calibration.rates import MOST_CALLED, aa_row, effect_row, holds
from tests.calibration.report import source, tables, write_page
from tests.calibration.trials import Outcome, compare

ROOT = Path(__file__).parents[2]
RUNS, EFFECT_RUNS = 200, 60
FOR_THE_PAGE = 50  # comparisons for each condition: fewer say too little to be told in a document
EFFECTS = (5.0, 10.0, 30.0)
CONDITIONS = (("quiet", 0), ("two hogs", 2))
_TELL_EVERY = 10
_NAME = "tests.calibration.run"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print; return 1 where the promise is broken."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the hogs are ended, too
    is_whole = options.runs >= FOR_THE_PAGE and options.pairs is None
    effect_runs = options.effect_runs or max(1, options.runs * EFFECT_RUNS // RUNS)
    document = measured(options.runs, effect_runs, options.pairs)
    write_json(options.out / ("calibration.json" if is_whole else "calibration-part.json"), document)
    if is_whole and options.out == ROOT / "reports":
        write_page(ROOT / "docs" / "MEASURING.md", document)
    print("\n".join([*tables(document), "", source(document)]))
    if not holds(document):
        print(f"BROKEN: more than {MOST_CALLED:.0%} of the equal builds were called faster or slower")
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="A/A comparisons for each condition; 200 if not given")
    parser.add_argument(
        "--effect-runs", type=int, help="comparisons for each effect; three tenths of --runs if not given"
    )
    parser.add_argument(
        "--pairs", type=int, help="the most pairs of a comparison; as many as the plan has if not given"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="where the JSON goes")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs: at least 1")
    if options.pairs is not None and options.pairs < plan_for(1).looks[0]:
        parser.error(f"--pairs: at least {plan_for(1).looks[0]}, since fewer give no verdict")
    return options


def measured(aa_runs: int, effect_runs: int, most_pairs: int | None = None) -> dict[str, Any]:
    """Return the rates, as calibration.json has them."""
    start, plan = time.perf_counter(), plan_for(1)
    aa = []
    for condition, count in CONDITIONS:
        with hogs(count):
            aa.append(aa_row(condition, _compared(f"equal, {condition}", 0.0, aa_runs, most_pairs)))
    effects = [
        effect_row(percent, _compared(f"{percent:g} % less work", percent, effect_runs, most_pairs))
        for percent in EFFECTS
    ]
    return {
        "schema": 1,
        "command": "make calibrate"
        if aa_runs == RUNS and not most_pairs
        else " ".join(["python -m", _NAME, *sys.argv[1:]]),
        "hardware": hardware_line(hardware_profile()),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seconds": round(time.perf_counter() - start, 1),
        "smallest_effect": EFFECT,
        "looks": list(plan.looks),
        "skips": list(plan.skips),
        "per_candidate": plan.confidence,
        "most_called": MOST_CALLED,
        "aa": aa,
        "effects": effects,
    }


def _compared(name: str, percent_less: float, runs: int, most_pairs: int | None) -> list[Outcome]:
    """Compare so often, each time in an order of its own, and tell how it goes."""
    start, outcomes = time.perf_counter(), []
    for number in range(1, runs + 1):
        outcomes.append(compare(percent_less, seed=number, most_rounds=most_pairs))
        if number % _TELL_EVERY == 0 or number == runs:
            faster, slower = (sum(str(one.verdict) == verdict for one in outcomes) for verdict in ("faster", "slower"))
            took = time.perf_counter() - start
            told = f"{faster} faster, {slower} slower, {took / number:.1f} s each"
            print(f"{name:<20} {number:>4}/{runs}  {told}", flush=True)
    return outcomes


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
