"""Conditions of rules compared as the integers that the bits of a price are."""

from __future__ import annotations

import struct

from engine.catalog import optimization
from engine.pipeline import Exit, RulesComponent
from engine.reference.rules import PositionRules


def _place(price: float) -> int:
    """Return the place of a float among all floats, in order: the two zeros have one."""
    (bits,) = struct.unpack("<q", struct.pack("<d", price + 0.0))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


class IntegerRules(PositionRules):
    """Compares no floats."""

    def _evaluate(self, rules, state):
        levels = [(rule.name, rule.level(state), 1 if rule.rising is state.long else -1) for rule in rules]
        for name, level, sign in levels:
            if (_place(state.open) - _place(level)) * sign >= 0:
                return Exit(state.symbol, state.open, name)
        for name, level, sign in levels:
            if (_place(state.high if sign > 0 else state.low) - _place(level)) * sign >= 0:
                return Exit(state.symbol, level, name)
        return None


@optimization(component="rules")
def integer_prices(inner: RulesComponent) -> RulesComponent:  # noqa: ARG001 - they take their place
    """Replace the rules."""
    return IntegerRules
