"""The sweep: one run after another, a row for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.digest import result_digest
from engine.metrics import metrics_of
from engine.model import Settings
from engine.pipeline import Feed, Pipeline
from engine.trials import Trial, TrialRow, seeded


def run_trials(
    pipeline: Pipeline, feed: Feed, trials: Sequence[Trial], settings: Settings
) -> Iterator[tuple[int, TrialRow]]:
    """Run every trial, in the order given; yield its place and its row as it is done."""
    for place, trial in enumerate(trials):
        yield place, run_trial(pipeline, feed, trial, settings)


def run_trial(pipeline: Pipeline, feed: Feed, trial: Trial, settings: Settings) -> TrialRow:
    """Run one trial, with chance seeded by it. A trial that raises is a row with its error."""
    try:
        with seeded(trial.seed):
            result = pipeline.run(feed, trial.make(), settings)
        return TrialRow(metrics_of(result, settings), result_digest(result), None)
    except Exception as error:  # noqa: BLE001 - whatever a strategy raises belongs to its row
        return TrialRow(None, None, f"{type(error).__name__}: {error}")
