"""The sweep: one run after another, a row for each."""

from __future__ import annotations

from collections.abc import Sequence

from engine.digest import result_digest
from engine.metrics import metrics_of
from engine.model import Settings
from engine.pipeline import Feed, RunComponent
from engine.trials import Trial, TrialRow


def run_trials(run: RunComponent, feed: Feed, trials: Sequence[Trial], settings: Settings) -> list[TrialRow]:
    """Run every trial, in the order given. A trial that raises is a row with its error, and the others go on."""
    rows = []
    for trial in trials:
        try:
            result = run(feed, trial.make(), settings)
            rows.append(TrialRow(metrics_of(result, settings), result_digest(result), None))
        except Exception as error:  # noqa: BLE001 - whatever a strategy raises belongs to its row
            rows.append(TrialRow(None, None, f"{type(error).__name__}: {error}"))
    return rows
