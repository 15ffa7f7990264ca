"""Generated markets: deterministic to the last bit, with the blemishes of real ones on request.

Only integer random draws and + - * / are used, so the same seed gives the same bits on every machine.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.errors import InputError

_TICK = 10_000.0  # prices have four decimals
FloatArray = npt.NDArray[np.float64]


def generate_market(*, symbols: int = 100, bars: int = 1_260, seed: int = 7, late: float = 0.0) -> pl.DataFrame:
    """Return daily bars of a geometric random walk: 2 % daily volatility, overnight gaps, four decimals.

    Args:
        symbols: how many; they are named S0000, S0001, and so on.
        bars: weekdays from 2010-01-04 on.
        seed: of the random draws.
        late: the fraction of the symbols that list late, at a random bar.
    """
    if symbols < 1 or bars < 1 or not 0.0 <= late <= 1.0:
        raise InputError(f"a market of {symbols} symbols, {bars} bars and {late} late listings can't be generated")
    random = np.random.Generator(np.random.PCG64(seed))
    opens, highs, lows, closes = _prices(random, bars, symbols)
    volume = random.integers(10_000, 5_000_000, (bars, symbols)).astype(np.float64)
    first_bar = np.zeros(symbols, np.int64)
    is_late = random.permutation(symbols) < round(late * symbols)
    first_bar[is_late] = random.integers(0, bars, int(is_late.sum()))
    listed = (np.arange(bars)[:, None] >= first_bar[None, :]).ravel()
    table = pl.DataFrame(
        {
            "timestamp": pl.Series(weekdays(bars)).gather(np.repeat(np.arange(bars), symbols)),
            "symbol": [f"S{number:04d}" for number in range(symbols)] * bars,
            "open": opens.ravel(),
            "high": highs.ravel(),
            "low": lows.ravel(),
            "close": closes.ravel(),
            "volume": volume.ravel(),
        }
    )
    return table.filter(pl.Series(listed))


def scored(bars: pl.DataFrame, length: int = 2) -> pl.DataFrame:
    """Return bars, sorted by timestamp, with a column "score": the fall over so many bars of the symbol, as a fraction.

    It is null where there are too few bars. By falls over two bars, most of what ranks highest is new each day.
    """
    before = pl.col("close").shift(length).over("symbol")
    return bars.with_columns(score=1.0 - pl.col("close") / before)


def weekdays(count: int) -> list[date]:
    """Return so many weekdays from 2010-01-04, a Monday."""
    monday = date(2010, 1, 4)
    return [monday + timedelta(days=day // 5 * 7 + day % 5) for day in range(count)]


def _near_normal(random: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Draw with mean 0 and variance 1: twelve uniforms added up, less six. Needs no library's logarithm."""
    total = np.zeros(shape)
    for _ in range(12):
        total += random.integers(0, 1 << 30, shape) / float(1 << 30)
    return total - 6.0


def _prices(random: np.random.Generator, bars: int, symbols: int) -> tuple[FloatArray, ...]:
    shape = (bars, symbols)
    overnight = 1.0 + 0.006 * _near_normal(random, shape)
    intraday = 1.0 + 0.0003 + 0.019 * _near_normal(random, shape)
    start = 20.0 + random.integers(0, 18_000, symbols) / 100.0
    steps = np.multiply.accumulate(overnight * intraday, axis=0)
    closes = _to_tick(start * steps)
    before = np.vstack([_to_tick(start)[None, :], closes[:-1]])
    opens = _to_tick(before * overnight)
    upper, lower = np.where(opens > closes, opens, closes), np.where(opens < closes, opens, closes)
    highs = _to_tick(upper * (1.0 + 0.004 * np.abs(_near_normal(random, shape))))
    lows = _to_tick(lower * (1.0 - 0.004 * np.abs(_near_normal(random, shape))))
    return opens, np.where(highs > upper, highs, upper), np.where(lows < lower, lows, lower), closes


def _to_tick(prices: FloatArray) -> FloatArray:
    """Round to four decimals, and never below one tick."""
    ticks = np.rint(prices * _TICK)
    return np.where(ticks > 1.0, ticks, 1.0) / _TICK
