"""Gates asked from the last bar to the first, one bar at a time."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import GatesComponent


@optimization(component="gates")
def backward_gates(inner: GatesComponent) -> GatesComponent:
    """Turn the order of evaluation."""

    def evaluate(feed, gate, among):
        asked = range(len(feed.bars)) if among is None else among
        answers = inner(feed, gate, [*reversed(asked)])
        return [answers[-1 - place] for place in range(len(answers))]

    return evaluate
