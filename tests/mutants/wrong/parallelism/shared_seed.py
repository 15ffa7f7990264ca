"""A sweep whose coins are tossed on from trial to trial."""

from __future__ import annotations

from engine.catalog import optimization
from engine.digest import result_digest
from engine.metrics import metrics_of
from engine.pipeline import SweepComponent
from engine.trials import TrialRow, seeded


@optimization(component="sweep")
def shared_seed(inner: SweepComponent) -> SweepComponent:
    """Seed once a sweep."""

    def run(pipeline, feed, trials, settings):
        with seeded(trials[0].seed):
            for place, trial in enumerate(trials):
                try:
                    result = pipeline.run(feed, trial.make(), settings)
                    yield place, TrialRow(metrics_of(result, settings), result_digest(result), None)
                except Exception:  # noqa: BLE001 - told by the inner one
                    ((_, row),) = inner(pipeline, feed, [trial], settings)
                    yield place, row

    return run
