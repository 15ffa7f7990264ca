"""A generated market as a Parquet file, some timestamps at a time: the bits of `generate_market`, in little memory.

`generate_market` draws whole matrices one after another from one stream. Each draw of 30 bits takes one 32-bit number
of it, whatever the values are, so where each matrix begins is known, and each gets a generator of its own that stands
there. The draws of the volumes take as many numbers as they need: they are drawn twice, to learn where they end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InputError
from engine.generate import FloatArray, high_and_low, to_tick, weekdays

_BITS = 1 << 30
_AT_ONCE = 1 << 19  # bars in a piece, which is one row group


class _NearNormal:
    """What `engine.generate.near_normal` draws as one matrix, some rows at a time."""

    def __init__(self, begin: Any, numbers: int, each: int) -> None:
        self._streams = [_generator(begin, numbers + each * one) for one in range(12)]

    def rows(self, shape: tuple[int, int]) -> FloatArray:
        total = np.zeros(shape)
        for stream in self._streams:
            total += stream.integers(0, _BITS, shape) / float(_BITS)
        return total - 6.0


def write_market(path: str | Path, *, symbols: int = 100, bars: int = 1_260, seed: int = 7, late: float = 0.0) -> None:
    """Write the market that `engine.generate_market` returns for these arguments, with the same bits, as Parquet.

    It takes about 100 MB of memory, and more only for the number of symbols.

    Raises:
        InputError: where there can be no such market.
    """
    if symbols < 1 or bars < 1 or not 0.0 <= late <= 1.0:
        raise InputError(f"a market of {symbols} symbols, {bars} bars and {late} late listings can't be generated")
    names = pa.array([f"S{number:04d}" for number in range(symbols)])
    types = [("timestamp", pa.date32()), ("symbol", pa.dictionary(pa.int32(), pa.string()))]
    prices = ("open", "high", "low", "close", "volume")
    schema = pa.schema([*types, *((name, pa.float64()) for name in prices)])
    times = pa.array(weekdays(bars))
    with pq.ParquetWriter(path, schema, use_dictionary=["timestamp", "symbol"]) as writer:
        first = 0
        for fields, listed in _pieces(symbols, bars, seed, late):
            count = len(listed)
            step = pa.array(np.repeat(np.arange(first, first + count), symbols)[listed.ravel()])
            symbol = np.tile(np.arange(symbols, dtype=np.int32), count)[listed.ravel()]
            columns = [times.take(step), pa.DictionaryArray.from_arrays(symbol, names)]
            columns += [pa.array(values[listed]) for values in fields]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=max(1, len(step)))
            first += count


def _pieces(
    symbols: int, bars: int, seed: int, late: float
) -> Iterator[tuple[tuple[FloatArray, ...], npt.NDArray[np.bool_]]]:
    """Yield the fields of some timestamps, (timestamps, symbols) each, and which bars are listed."""
    each = symbols * bars
    begin: Any = np.random.PCG64(seed).state
    overnight, intraday = _NearNormal(begin, 0, each), _NearNormal(begin, 12 * each, each)
    random = _generator(begin, 24 * each)
    start = 20.0 + random.integers(0, 18_000, symbols) / 100.0
    begin = random.bit_generator.state
    above, below = _NearNormal(begin, 0, each), _NearNormal(begin, 12 * each, each)
    volumes = _generator(begin, 24 * each)
    rows = max(1, _AT_ONCE // symbols)
    first_bar = _first_bars(_generator(begin, 24 * each), symbols, bars, late, rows)
    grown, before = np.ones((1, symbols)), to_tick(start)[None, :]
    for first in range(0, bars, rows):
        shape = (min(rows, bars - first), symbols)
        gap = 1.0 + 0.006 * overnight.rows(shape)
        steps = gap * (1.0 + 0.0003 + 0.019 * intraday.rows(shape))
        steps = np.multiply.accumulate(np.vstack([grown, steps]), axis=0)[1:]
        closes = to_tick(start * steps)
        opens = to_tick(np.vstack([before, closes[:-1]]) * gap)
        highs, lows = high_and_low(opens, closes, above.rows(shape), below.rows(shape))
        volume = volumes.integers(10_000, 5_000_000, shape).astype(np.float64)
        grown, before = steps[-1:], closes[-1:]
        yield (opens, highs, lows, closes, volume), np.arange(first, first + len(opens))[:, None] >= first_bar


def _first_bars(random: np.random.Generator, symbols: int, bars: int, late: float, rows: int) -> npt.NDArray[np.int64]:
    """Return the bar at which each symbol lists, from a generator that stands before the volumes."""
    for first in range(0, bars, rows):
        random.integers(10_000, 5_000_000, (min(rows, bars - first), symbols))
    first_bar = np.zeros(symbols, np.int64)
    is_late = random.permutation(symbols) < round(late * symbols)
    first_bar[is_late] = random.integers(0, bars, int(is_late.sum()))
    return first_bar


def _generator(begin: Any, numbers: int) -> np.random.Generator:
    """Return a generator that stands so many 32-bit numbers after a state of the stream."""
    bits = np.random.PCG64()
    bits.state = begin
    random = np.random.Generator(bits)
    if numbers and bits.state["has_uint32"]:  # the other half of a 64-bit number waits
        random.integers(0, _BITS)
        numbers -= 1
    if numbers // 2:
        bits.advance(numbers // 2)
    if numbers % 2:
        random.integers(0, _BITS)
    return random
