"""Right where a stop is declared before a time exit: the other way round the stop still goes first."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import RulesComponent
from engine.reference.rules import PositionRules
from engine.rules import TimeExit


class StopsFirst(PositionRules):
    """Asks time exits last."""

    def _evaluate(self, rules, state):
        return super()._evaluate(sorted(rules, key=lambda rule: type(rule) is TimeExit), state)


@optimization(component="rules")
def time_before_stop(inner: RulesComponent) -> RulesComponent:  # noqa: ARG001 - it takes its place
    """Replace the rules."""
    return StopsFirst
