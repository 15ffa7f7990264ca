"""Brackets: in a rising market buy a dip at a limit, for the day; target and stop follow the fill.

Shows limit orders, day orders and brackets: two orders, of which one cancels the other, submitted where the first one
fills. Distances are average true ranges, so they fit every symbol.

>>> from engine import generate_market, run
>>> from engine.strategies.brackets import SETTINGS, Brackets
>>> result = run(Brackets(dip=0.5), generate_market(symbols=10, bars=300), SETTINGS)
>>> sorted(result.trades["reason"].unique()), sorted(result.cancellations["reason"].unique())
(['stop_loss', 'take_profit'], ['expired', 'other leg filled'])
"""

from engine import ATR, EMA, Bar, Context, Settings, Strategy

SETTINGS = Settings(commission_per_share=0.005, tick=0.01, volume_limit=0.1)


class Brackets(Strategy):
    """Buys `dip` ranges below the close, with a target and a stop so many ranges from there."""

    def __init__(
        self,
        trend: int = 50,
        ranges: int = 14,
        dip: float = 0.5,
        target: float = 2.0,
        stop: float = 1.5,
        amount: float = 20_000.0,
    ) -> None:
        self.trend, self.range = EMA(trend), ATR(ranges)
        self.features = (self.trend, self.range)
        self.dip, self.target, self.stop = dip, target, stop
        self.amount = amount

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Ask for a dip of every symbol that rises and is not held."""
        symbol = bar.symbol
        if context.get_position(symbol) is None and bar.close > context.feature(self.trend.name, symbol):
            away = context.feature(self.range.name, symbol)
            limit = bar.close - self.dip * away
            stop = limit - self.stop * away
            if stop > 0.0:
                context.submit_order(
                    symbol,
                    self.amount / bar.close,
                    "dip",
                    limit=limit,
                    day=True,
                    take_profit=limit + self.target * away,
                    stop_loss=stop,
                )
