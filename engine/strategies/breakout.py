"""Breakout: buy where the close is above the highest high of the 20 bars before, and let a trailing stop follow.

Shows a feature of an earlier bar (`ago`), and a trailing stop as an order that rests until it is reached.

>>> from engine import generate_market, run
>>> from engine.strategies.breakout import SETTINGS, Breakout
>>> result = run(Breakout(length=20, trail=0.08), generate_market(symbols=10, bars=300), SETTINGS)
>>> result.trades["reason"].unique().to_list()
['trailing stop']
"""

from engine import Bar, Context, Highest, Settings, Strategy

SETTINGS = Settings(commission_fixed=1.0, slippage_fixed=0.01)


class Breakout(Strategy):
    """Holds one position a symbol, of `amount` of money; `trail` is the fraction that it may fall from its high."""

    def __init__(self, length: int = 20, trail: float = 0.08, amount: float = 20_000.0) -> None:
        self.highest = Highest(length)
        self.features = (self.highest,)
        self.trail = trail
        self.amount = amount
        self.guarded: set[str] = set()

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Guard a position that is new; buy a new high."""
        symbol, position = bar.symbol, context.get_position(bar.symbol)
        if position is None:
            self.guarded.discard(symbol)
            if bar.close > context.feature(self.highest.name, symbol, ago=1):
                context.submit_order(symbol, self.amount / bar.close, "new high")
        elif symbol not in self.guarded:
            self.guarded.add(symbol)
            context.submit_order(symbol, -position.quantity, "trailing stop", trail=self.trail)
