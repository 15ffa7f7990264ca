"""What a run came to, in a few figures.

Every build uses this one algorithm, so that it may use NumPy, but only what is exact: element-wise + - * / and square
roots, and running sums, which add from the first row to the last. The one power is of `decimal`, which is software and
rounds correctly, where `math.pow` changes with the processor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import InputError
from engine.model import Result, Settings

_YEAR_MICROSECONDS = 31_557_600_000_000  # 365.25 days
_PER_YEAR = {"ms": _YEAR_MICROSECONDS // 1000, "us": _YEAR_MICROSECONDS, "ns": _YEAR_MICROSECONDS * 1000}


@dataclass(frozen=True)
class Metrics:
    """The figures of one run: fractions, not percentages; money in the currency of the data.

    A return is `equity / equity of the row before - 1`: there are `n`, one less than rows of equity. What happens at
    the first row stands in `total_return` and `cagr` alone. `years` is the time from the first row to the last, of
    365.25 days each, and `periods` is `n / years`, unless the caller says how many periods a year has. The risk-free
    rate and the target are 0.

    A ratio whose denominator is 0 is 0.0, so that every row of a sweep has a number: there is one row, no trade, or no
    variation. Only gains without any loss are infinite, in `profit_factor` and `sortino`. What is not defined, since
    the equity was not above 0, is NaN.

    Attributes:
        final_equity: the last equity.
        total_return: `final_equity / cash - 1`, of the cash that the account starts with.
        cagr: the compound annual growth rate, `(final_equity / cash) ** (1 / years) - 1`; -1.0 where the final equity
            is not above 0, and infinite where it is more than a float64 holds.
        volatility: `deviation * sqrt(periods)`, a year; the deviation is that of the sample of returns,
            `sqrt(sum((return - mean)^2) / (n - 1))`. NaN where an equity before a return is not above 0.
        sharpe: `mean / deviation * sqrt(periods)`, a year; NaN where the volatility is. Source: Sharpe, The Sharpe
            Ratio, Journal of Portfolio Management, 1994, whose ex post ratio has n - 1 in the deviation.
        sortino: `mean / downside * sqrt(periods)`, a year; the downside deviation is over all returns,
            `sqrt(sum(min(return, 0)^2) / n)`, with n in the denominator. NaN where the volatility is. Source: Sortino
            & Price, Performance Measurement in a Downside Risk Framework, Journal of Investing, 1994.
        max_drawdown: the largest fall from a high of the equity, or from the cash at the start, as a fraction of it.
        trades: how many there were.
        win_rate: the fraction of the trades whose profit is above 0.
        profit_factor: the profits of the trades with a profit over the losses of those with a loss.
        turnover: `sum(price * abs(quantity))` of all fills, over the mean of the rows of equity, over `years`. NaN
            where that mean is not above 0.
        commission: the money paid on all fills.
    """

    final_equity: float
    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    trades: int
    win_rate: float
    profit_factor: float
    turnover: float
    commission: float


def metrics_of(result: Result, settings: Settings, periods_per_year: float | None = None) -> Metrics:
    """Return the metrics of a run.

    Args:
        result: the run.
        settings: those of the run; `cash` is what the account starts with.
        periods_per_year: how many rows of equity a year has, 252 for trading days; None counts those of the data.

    Raises:
        InputError: where `periods_per_year` is not a number above 0.
    """
    equity = result.equity["equity"].to_numpy()
    years = _years(result.equity["timestamp"], periods_per_year)
    volatility, sharpe, sortino = _risk(equity, _ratio(len(equity) - 1, years))
    pnl = result.trades["pnl"].to_numpy()
    final = float(equity[-1])
    return Metrics(
        final_equity=final,
        total_return=final / settings.cash - 1.0,
        cagr=_cagr(final / settings.cash, years),
        volatility=volatility,
        sharpe=sharpe,
        sortino=sortino,
        max_drawdown=_max_drawdown(equity, settings.cash),
        trades=len(pnl),
        win_rate=_ratio(int(np.count_nonzero(pnl > 0.0)), len(pnl)),
        profit_factor=_over_losses(_sum(pnl[pnl > 0.0]), -_sum(pnl[pnl < 0.0])),
        turnover=_turnover(result.fills, equity, years),
        commission=_sum(result.fills["commission"].to_numpy()),
    )


def _years(timestamps: pl.Series, periods_per_year: float | None) -> float:
    """Return the years from the first row to the last, in true time, also where the clocks changed between."""
    if periods_per_year is not None:
        if not 0.0 < periods_per_year < math.inf:
            raise InputError(f"{periods_per_year} periods a year", hint="A number above 0, such as 252")
        return (len(timestamps) - 1) / periods_per_year
    counts = timestamps.to_physical()  # days, or units since 1970 in UTC
    elapsed: int = counts[-1] - counts[0]
    dtype = timestamps.dtype
    return elapsed / (_PER_YEAR[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 365.25)


def _cagr(growth: float, years: float) -> float:
    """Return `growth ** (1 / years) - 1`, as `exp(ln(growth) / years) - 1` to 28 digits."""
    if not growth > 0.0:
        return -1.0
    if years == 0.0:
        return 0.0
    context = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[])  # traps nothing: what is too large is infinite
    power = context.exp(context.divide(context.ln(Decimal(growth)), Decimal(years)))
    return float(context.subtract(power, Decimal(1)))


def _risk(equity: NDArray[np.float64], periods: float) -> tuple[float, float, float]:
    """Return volatility, Sharpe and Sortino ratio."""
    count = len(equity) - 1
    if count == 0:
        return 0.0, 0.0, 0.0
    before = equity[:-1]
    if not (before > 0.0).all():
        return math.nan, math.nan, math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        returns = equity[1:] / before - 1.0
        mean = _sum(returns) / count
        apart = returns - mean
        deviation = math.sqrt(_ratio(_sum(apart * apart), count - 1))
    if not math.isfinite(deviation):  # an equity so near 0 that a return, or its square, is more than a float64 holds
        return math.nan, math.nan, math.nan
    losses = returns[returns < 0.0]  # what is left out adds 0
    downside = math.sqrt(_sum(losses * losses) / count)
    scale = math.sqrt(periods)
    return deviation * scale, _ratio(mean, deviation) * scale, _over_losses(mean, downside) * scale


def _max_drawdown(equity: NDArray[np.float64], cash: float) -> float:
    highs = np.maximum(np.maximum.accumulate(equity), cash)
    return float(((highs - equity) / highs).max())


def _turnover(fills: pl.DataFrame, equity: NDArray[np.float64], years: float) -> float:
    mean = _sum(equity) / len(equity)
    if not mean > 0.0:
        return math.nan
    traded = _sum(fills["price"].to_numpy() * np.abs(fills["quantity"].to_numpy()))
    return _ratio(traded / mean, years)


def _sum(values: NDArray[np.float64]) -> float:
    """Return 0.0 and the values, added from the first to the last; NumPy's own sum adds in pairs."""
    return 0.0 + float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole != 0.0 else 0.0


def _over_losses(gains: float, losses: float) -> float:
    return math.inf if losses == 0.0 and gains > 0.0 else _ratio(gains, losses)
