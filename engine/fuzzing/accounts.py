"""Accounts, drawn by Hypothesis."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from engine.model import Settings

_FIELDS: dict[str, tuple[Any, ...]] = {
    "cash": (10_000.0, 1_000_000.0, 1_000.0, 150.5),
    "commission": (0.0, 0.001, 0.1),
    "slippage": (0.0, 0.0005, 0.05),
    "ruin": (0.0, 100.0, 990.0, 9_900.0),
    "commission_per_share": (0.0, 0.005, 1.0),
    "commission_fixed": (0.0, 1.0, 20.0),
    "commission_minimum": (0.0, 1.0, 25.0),
    "slippage_fixed": (0.0, 0.01, 0.5, 9.0),
    "volume_impact": (0.0, 0.1, 10.0),
    "volume_limit": (math.inf, 0.1, 0.5, 1.0, 0.025),
    "fill_at": ("next_open", "this_close", "next_close"),
    "short": (False, True),
    "leverage": (1.0, 1.5, 4.0),
    "borrow_rate": (0.0, 0.05, 30.0),
    "lot": (1.0, 0.5, 0.1, 0.01, 10.0, 1.0 / 3.0),
    "tick": (0.0, 0.01, 0.25, 1.0, 0.05, 5.0),
    "minimum_notional": (0.0, 20.0, 500.0),
}
NO_COSTS = {
    name: _FIELDS[name][:1]
    for name in (
        "commission",
        "slippage",
        "commission_per_share",
        "commission_fixed",
        "commission_minimum",
        "slippage_fixed",
        "volume_impact",
    )
}
"""Choices for `accounts` without any cost."""


PLAIN: dict[str, tuple[Any, ...]] = {
    "fill_at": ("next_open",),
    "short": (False,),
    "leverage": (1.0,),
    "volume_impact": (0.0,),
    "volume_limit": (math.inf,),
    "lot": (1.0,),
    "tick": (0.0,),
    "minimum_notional": (0.0,),
}
"""Choices for a plain account, which more of the builds know how to run themselves."""


def accounts(**choices: tuple[Any, ...]) -> st.SearchStrategy[Settings]:
    """Draw settings: each field as it is by default, or one of some values; `choices` are other values for some."""
    fields = {**_FIELDS, **choices}
    drawn = {
        name: st.one_of(st.just(values[0]), st.sampled_from(values)) if len(values) > 1 else st.just(values[0])
        for name, values in fields.items()
    }
    always = {name: drawn.pop(name) for name in choices}
    return st.fixed_dictionaries(always, optional=drawn).map(lambda chosen: Settings(**chosen))
