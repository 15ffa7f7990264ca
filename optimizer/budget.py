"""The time a run may take, shared over what is still to be measured."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """So many seconds from now on, or as many as it takes where there is no limit.

    Deadlines are instants of the clock, in seconds. What one part leaves unused is shared by those after it.
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self._end is not None and self._clock() >= self._end

    def deadline(self, parts: int) -> float | None:
        """Return when the first of so many parts, each with the same share, has to end; None where it need not."""
        if self._end is None:
            return None
        now = self._clock()
        return now + max(0.0, self._end - now) / parts
