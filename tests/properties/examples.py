"""How many examples the laws are held to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

FACTOR = int(os.environ.get("EXACT_CHANGE_EXAMPLES", "1"))
"""So many times the examples, other ones each time; `--hypothesis-seed` chooses them."""


def examples(count: int) -> Callable[[Any], Any]:
    """Return Hypothesis settings: the same examples each time, unless a person asks for more."""
    return settings(max_examples=count * FACTOR, derandomize=FACTOR == 1, deadline=None)
