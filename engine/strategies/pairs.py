"""Pairs: where the ratio of two symbols is far from its mean, bet that it comes back.

Shows a strategy that remembers what it has seen, a long and a short leg, and orders that fill at the close on which
they are decided. A run starts with a copy of the strategy, so nothing is left from the run before.

>>> from engine import generate_market, run
>>> from engine.strategies.pairs import SETTINGS, Pairs
>>> result = run(Pairs("S0000", "S0001", length=40), generate_market(symbols=10, bars=300), SETTINGS)
>>> sorted(result.trades["symbol"].unique())
['S0000', 'S0001']
"""

from collections import deque
from collections.abc import Sequence
from math import fsum, sqrt

from engine import Bars, Context, Settings, Strategy

SETTINGS = Settings(
    commission_per_share=0.005, slippage=0.0002, fill_at="this_close", short=True, leverage=2.0, borrow_rate=0.01
)


class Pairs(Strategy):
    """Trades `left` against `right`: in beyond `far` standard deviations of `length` ratios, out within `near`."""

    def __init__(
        self,
        left: str,
        right: str,
        length: int = 60,
        far: float = 2.0,
        near: float = 0.5,
        amount: float = 100_000.0,
    ) -> None:
        self.left, self.right = left, right
        self.ratios: deque[float] = deque(maxlen=length)
        self.far, self.near = far, near
        self.amount = amount

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Enter or leave with both symbols, on a day on which both trade."""
        left, right = bars.get(self.left), bars.get(self.right)
        if left is None or right is None:
            return
        self.ratios.append(left.close / right.close)
        if len(self.ratios) < (self.ratios.maxlen or 0):
            return
        score = z_score(self.ratios)
        if abs(score) > self.far and not context.held():
            side = -1.0 if score > 0.0 else 1.0  # what is dear is sold
            context.submit_order(self.left, side * self.amount / left.close, "apart")
            context.submit_order(self.right, -side * self.amount / right.close, "apart")
        elif abs(score) < self.near:
            context.target_weights({}, "together again")


def z_score(values: Sequence[float]) -> float:
    """Return how many standard deviations the last value is above the mean; 0 where all are the same."""
    mean = fsum(values) / len(values)  # `fsum` is exact, so it is the same on every Python, which `sum` is not
    variance = fsum((value - mean) * (value - mean) for value in values) / (len(values) - 1)
    return (values[-1] - mean) / sqrt(variance) if variance > 0.0 else 0.0
