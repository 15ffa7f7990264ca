"""What the caches of this process have done, counted by name: evidence that work was saved, and how much."""

from __future__ import annotations

from collections import Counter

work: Counter[str] = Counter()  # exact: counts of work, no values
"""Counts since they were last taken: gate evaluations asked and spared, features computed and found, trials."""


def taken() -> dict[str, int]:
    """Return the counts and begin anew."""
    counts = dict(work)
    work.clear()
    return counts
