"""What a run came to, in a few figures. Sums run from the first row to the last."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import Result, Settings


@dataclass(frozen=True)
class Metrics:
    """The figures of one run.

    `total_return` is the last equity over the starting cash, less one. `max_drawdown` is the largest fall from a
    high of the equity, as a fraction of that high. `win_rate` is the fraction of trades with a profit, 0 where there
    are none. `commission` is the money paid on all fills.
    """

    final_equity: float
    total_return: float
    max_drawdown: float
    trades: int
    win_rate: float
    commission: float


def metrics_of(result: Result, settings: Settings) -> Metrics:
    """Return the metrics of a run."""
    equity = result.equity["equity"].to_list()
    high, drawdown = settings.cash, 0.0
    for value in equity:
        if value > high:
            high = value
        elif (high - value) / high > drawdown:
            drawdown = (high - value) / high
    commission = 0.0
    for paid in result.fills["commission"].to_list():
        commission += paid
    pnl = result.trades["pnl"].to_list()
    wins = len([one for one in pnl if one > 0.0])
    return Metrics(
        final_equity=equity[-1],
        total_return=equity[-1] / settings.cash - 1.0,
        max_drawdown=drawdown,
        trades=len(pnl),
        win_rate=wins / len(pnl) if pnl else 0.0,
        commission=commission,
    )
