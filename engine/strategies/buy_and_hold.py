"""Buy and hold: equal money in every symbol of the first day, for good. What others have to beat.

Shows the smallest strategy that there is: `target_weights`, once.

>>> from engine import generate_market, run
>>> from engine.strategies.buy_and_hold import BuyAndHold
>>> result = run(BuyAndHold(), generate_market(symbols=10, bars=300))
>>> len(result.fills)
10
"""

from engine import Bars, Context, Strategy


class BuyAndHold(Strategy):
    """Buys at the second open; a little `cash`, as a fraction, stays for costs and for opens above the closes."""

    def __init__(self, cash: float = 0.05) -> None:
        self.cash = cash
        self.is_invested = False

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Buy on the first call, do nothing ever after."""
        if not self.is_invested:
            self.is_invested = True
            context.target_weights({bar.symbol: (1.0 - self.cash) / len(bars) for bar in bars}, "hold")
