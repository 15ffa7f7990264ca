"""Drawing evenly: what Hypothesis is to draw by while the fuzzer looks for a case; it shrinks in its own way.

By itself Hypothesis favours small and special values and variations of what it has drawn before, of which half our
cases would not trade at all. Here every choice is as likely as any other, and so the shares are those that the cases
are written for.
"""

from __future__ import annotations

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

BACKEND = "exact-change-uniform"


class Uniform(HypothesisProvider):
    """Draws whole numbers between two bounds, and bytes of a length, each as likely as any other."""

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        """Draw a whole number."""
        if min_value is None or max_value is None or weights or self._random is None:
            return super().draw_integer(min_value, max_value, weights=weights, shrink_towards=shrink_towards)
        return self._random.randint(min_value, max_value)

    def draw_bytes(self, min_size: int = 0, max_size: int = 10**10) -> bytes:
        """Draw bytes."""
        if min_size != max_size or self._random is None:
            return super().draw_bytes(min_size, max_size)
        return self._random.randbytes(min_size)


AVAILABLE_PROVIDERS[BACKEND] = Uniform
