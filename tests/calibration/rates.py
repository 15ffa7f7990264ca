"""What the outcomes come to, as `reports/calibration.json` has it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from optimizer.decision import Verdict
from tests.calibration.trials import Outcome

MOST_CALLED = 0.02
"""The share of A/A comparisons that may be called faster or slower."""


def upper_bound(hits: int, runs: int, level: float = 0.95) -> float:
    """Return the largest true share that is compatible with so many hits, exactly.

    It is the one at which so few hits or fewer come with a probability of 1 - level. Source: Clopper and Pearson, The
    Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial, Biometrika 26, 1934.
    """
    if hits >= runs:
        return 1.0
    low, high = hits / runs, 1.0
    for _ in range(60):
        share = (low + high) / 2
        few = sum(math.comb(runs, count) * share**count * (1 - share) ** (runs - count) for count in range(hits + 1))
        low, high = (share, high) if few > 1 - level else (low, share)
    return high


def aa_row(condition: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how often equal builds were called different."""
    called = sum(one.called for one in outcomes)
    return {
        "condition": condition,
        "runs": len(outcomes),
        "called": called,
        "share": called / len(outcomes),
        "upper95": upper_bound(called, len(outcomes)),
        **_verdicts(outcomes),
        "median_pairs": median(one.pairs for one in outcomes),
    }


def effect_row(percent: float, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how often a true gain was found; `effect` is the share of the work that was left out."""
    told = _verdicts(outcomes)
    return {
        "effect": percent / 100,
        "true_ratio": 100 / (100 - percent),
        "runs": len(outcomes),
        "found": told["faster"],
        **told,
        "share": told["faster"] / len(outcomes),
        "median_ratio": median(one.ratio for one in outcomes),
        "median_pairs": median(one.pairs for one in outcomes),
    }


def holds(document: Mapping[str, Any]) -> bool:
    """Whether no condition has more A/A comparisons called than promised."""
    return all(row["share"] <= MOST_CALLED for row in document["aa"])


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    wanted = (Verdict.FASTER, Verdict.SLOWER, Verdict.EQUIVALENT, Verdict.LEANER, Verdict.INCONCLUSIVE)
    return {str(verdict): sum(one.verdict is verdict for one in outcomes) for verdict in wanted}
