"""A sweep that gives the row of the trial before where a trial raises."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import SweepComponent


@optimization(component="sweep")
def no_trial_errors(inner: SweepComponent) -> SweepComponent:
    """Raise nothing."""

    def run(pipeline, feed, trials, settings):
        before = None
        for place, row in inner(pipeline, feed, trials, settings):
            before = row if row.error is None or before is None else before
            yield place, before

    return run
