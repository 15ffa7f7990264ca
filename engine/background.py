"""What has been started beside the engine and is not ready yet: worker processes, above all."""

from __future__ import annotations

import time
from collections.abc import Callable

_starting: list[Callable[[], bool]] = []  # exact: processes, no values
_PAUSE = 0.01


def begun(ready: Callable[[], bool]) -> None:
    """Note something that was started; `ready` says whether it is there."""
    _starting.append(ready)


def settle(timeout: float = 60.0) -> None:
    """Wait until all that was started is ready: whoever measures wants it neither half there nor in the way."""
    end = time.monotonic() + timeout  # exact: how long one waits, of no result
    while _starting and time.monotonic() < end:  # exact: how long one waits
        _starting[:] = [ready for ready in _starting if not ready()]
        if _starting:
            time.sleep(_PAUSE)
    _starting.clear()
