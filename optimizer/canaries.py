"""Canaries: computations that must change when a knob of the environment is turned.

They run in the worker, after its job. A canary that gives the same in two environments says that the knob between them
does nothing on this machine, so that equal results prove nothing either. What each does is just what an exact engine
must not do.
"""

from __future__ import annotations

import gc
import hashlib
import locale
import math
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

_REPEATS = 40
_SYMBOLS = ("AAPL", "BAC", "CAT", "DIS", "EBAY", "F", "GE", "HPQ")


def observed(names: Iterable[str]) -> dict[str, str]:
    """Compute the canaries of these names; one that can't be computed here says why, everywhere alike."""
    asked, found = frozenset(names), {}
    for name in _CANARIES:  # in this order: what is compiled is counted before they compile something themselves
        try:
            if name in asked:
                found[name] = _CANARIES[name]()
        except Exception as error:  # noqa: BLE001 - a library that is missing or refuses is "no effect", not a failure
            found[name] = f"{type(error).__name__}: {error}"
    return found


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _numbers(count: int) -> Any:
    return np.random.default_rng(0).random(count)


def _set_order() -> str:
    """The order in which a set of texts is walked."""
    return " ".join(set(_SYMBOLS))  # in hash order, on purpose


def _numpy_functions() -> str:
    """NumPy's own functions, and a sort that is not stable: both are chosen by the processor's features."""
    points = np.linspace(-20.0, 20.0, 4001)
    ties = np.random.default_rng(0).integers(0, 50, 1000).astype(np.float64)
    return _short(np.exp(points).tobytes() + np.tanh(points).tobytes() + np.argsort(ties).tobytes())


def _c_functions() -> str:
    """The functions of the C library, which it chooses by the processor."""
    points = [0.01 * step for step in range(1, 4001)]
    values = [value for point in points for value in (math.exp(point), math.sin(point), math.pow(point, 1.7))]
    return _short(np.array(values).tobytes())


def _matrix_product() -> str:
    """A product of matrices and one of vectors: BLAS adds in another order with another kernel or thread count."""
    matrix, vector = _numbers(160_000).reshape(160, 1000), _numbers(1_000_000)
    return _short((matrix @ matrix.T).tobytes() + (vector @ vector).tobytes())


def _group_sum(*, ordered: bool) -> bytes:
    import polars as pl

    rows = 200_000
    table = pl.DataFrame({"group": np.arange(rows) % 7, "value": _numbers(rows)})
    sums = table.group_by("group", maintain_order=ordered).agg(pl.col("value").sum())
    return bytes(sums.sort("group")["value"].to_numpy().tobytes())


def _polars_sum() -> str:
    """A sum of floats in groups: Polars cuts it by the number of its threads."""
    return _short(_group_sum(ordered=True))


def _race() -> str:
    """How many results the same unordered sum has, asked for again and again: threads race each other."""
    return f"{len({_group_sum(ordered=False) for _ in range(_REPEATS)})} of {_REPEATS} repeats"


def _parallel_sum() -> str:
    """A sum of floats over a parallel loop: Numba cuts it by the number of its threads."""
    import numba

    def add(values: Any) -> float:
        total = 0.0
        for place in numba.prange(len(values)):
            total += values[place]
        return total

    return float(numba.njit(parallel=True)(add)(_numbers(100_001))).hex()


def _machine_code() -> str:
    """The instructions that Numba makes of a short loop; names, which hold counters, are left out."""
    import numba

    def add(values: Any) -> float:
        total = 0.0
        for value in values:
            total += value * value
        return total

    function = numba.njit(add)
    if function is add:
        return "plain Python"
    function(_numbers(5))
    lines = "\n".join(function.inspect_asm(one) for one in function.signatures).splitlines()
    return _short(" ".join(line.split()[0] for line in lines if line.startswith("\t") and line[1] != ".").encode())


def _compiled_functions() -> str:
    """How many functions Numba has made code for, or found it, in this process so far."""
    if "numba" not in sys.modules:
        return "0"
    from numba.core.dispatcher import Dispatcher

    return str(sum(1 for one in gc.get_objects() if issubclass(type(one), Dispatcher) and one.signatures))


def _time_zone() -> str:
    """The local time of a moment."""
    return f"{time.tzname} {time.localtime(0).tm_hour}:{time.localtime(0).tm_min}"


def _locale() -> str:
    """What the locale says of numbers and texts."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "")
        return f"{locale.localeconv()['decimal_point']} {locale.getlocale()} {locale.getpreferredencoding(False)}"
    finally:
        locale.setlocale(locale.LC_ALL, before)


_CANARIES: dict[str, Callable[[], str]] = {
    "compiled functions": _compiled_functions,
    "set order": _set_order,
    "numpy functions": _numpy_functions,
    "C functions": _c_functions,
    "matrix product": _matrix_product,
    "polars sum": _polars_sum,
    "race": _race,
    "parallel sum": _parallel_sum,
    "machine code": _machine_code,
    "time zone": _time_zone,
    "locale": _locale,
}
