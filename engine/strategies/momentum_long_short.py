"""Momentum, long and short: at the turn of each month buy the strongest symbols and sell the weakest short.

Shows `on_bars`, which sees all bars of a time at once and so can rank them, short selling, leverage and borrow fees.

>>> from engine import generate_market, run
>>> from engine.strategies.momentum_long_short import SETTINGS, MomentumLongShort
>>> result = run(MomentumLongShort(length=60, count=2), generate_market(symbols=10, bars=300), SETTINGS)
>>> (result.trades["quantity"] > 0).any(), (result.trades["quantity"] < 0).any()
(True, True)
"""

from engine import Bars, Context, Momentum, Settings, Strategy

SETTINGS = Settings(commission=0.0005, slippage=0.0005, short=True, leverage=2.0, borrow_rate=0.02)


class MomentumLongShort(Strategy):
    """Holds the `count` strongest and as many of the weakest; each side is worth `exposure` times the equity."""

    def __init__(self, length: int = 120, count: int = 10, exposure: float = 0.6) -> None:
        self.momentum = Momentum(length)
        self.features = (self.momentum,)
        self.count = count
        self.exposure = exposure
        self.month = 0

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Rebalance on the first day of a month."""
        if bars.timestamp.month == self.month:
            return
        self.month = bars.timestamp.month
        strength = {bar.symbol: context.feature(self.momentum.name, bar.symbol) for bar in bars}
        ranked = sorted((one, symbol) for symbol, one in strength.items() if one == one)  # NaN is not equal to itself
        count = min(self.count, len(ranked) // 2)
        weights: dict[str, float] = {}
        for place in range(count):
            weights[ranked[place][1]] = -self.exposure / count
            weights[ranked[-1 - place][1]] = self.exposure / count
        context.target_weights(weights)
