"""Target weights: hold every symbol, the calm ones with more weight, and put it right once in so many days.

Shows `context.target_weights`, which sells first and then buys what is missing, and fractional shares; additions that
are worth too little for a fill are rejected, and come with the next rebalance.

>>> from engine import generate_market, run
>>> from engine.strategies.target_weights import SETTINGS, TargetWeights
>>> result = run(TargetWeights(every=20), generate_market(symbols=10, bars=300), SETTINGS)
>>> result.orders["reason"].unique().to_list()
['rebalance']
"""

from engine import Bars, Context, Settings, Strategy, Volatility

SETTINGS = Settings(commission=0.0005, lot=0.01, minimum_notional=1_000.0)


class TargetWeights(Strategy):
    """Weighs each symbol by one over its volatility of `length` bars; `invested` is the sum of all weights."""

    def __init__(self, length: int = 20, every: int = 20, invested: float = 0.95) -> None:
        self.volatility = Volatility(length)
        self.features = (self.volatility,)
        self.every = every
        self.invested = invested
        self.days = 0

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Rebalance on every so many-th day."""
        self.days += 1
        if self.days % self.every:
            return
        calm: dict[str, float] = {}
        for bar in bars:
            volatility = context.feature(self.volatility.name, bar.symbol)
            if volatility > 0.0:  # not where it is undefined, NaN
                calm[bar.symbol] = 1.0 / volatility
        total = 0.0
        for one in calm.values():  # `sum` of floats is not the same on every Python
            total += one
        context.target_weights({symbol: self.invested * one / total for symbol, one in calm.items()})
