"""How busy the machine was with something else, which no random order makes good."""

from __future__ import annotations

import os
import time
from pathlib import Path

BUSY = 0.2  # cores
_STAT = Path("/proc/stat")


class Beside:
    """Counts, from when it is made, the processor time that neither this process nor those it has ended have used."""

    def __init__(self) -> None:
        self._start, self._began = _others(), time.monotonic()

    def cores(self) -> float | None:
        """Return how many cores others kept busy, on average; None where the system does not tell."""
        now = _others()
        if now is None or self._start is None:
            return None
        return max(0.0, now - self._start) / max(time.monotonic() - self._began, 1e-9)


def _others() -> float | None:
    try:
        _, user, nice, system, _, _, irq, softirq, *_ = _STAT.read_text(encoding="ascii").split(None, 9)
    except (OSError, ValueError):
        return None
    whole = sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")
    return whole - sum(os.times()[:4])
