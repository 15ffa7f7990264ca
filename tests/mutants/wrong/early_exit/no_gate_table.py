"""A table of gates that is missing where no bar passes."""

from __future__ import annotations

from dataclasses import replace

from engine.catalog import optimization
from engine.model import PassTable
from engine.pipeline import LoopComponent


@optimization(component="loop")
def no_gate_table(inner: LoopComponent) -> LoopComponent:
    """Leave out what holds nothing."""

    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        if any(any(column) for column in passes.columns.values()):
            return result
        return replace(result, pass_table=PassTable({}, passes.starts))

    return run
