"""Moving-average cross: long from where a fast average crosses above a slow one to where it crosses back.

Shows a declared strategy: its parts are named and not written, so the compiled loop can run it.

>>> from engine import generate_market, run
>>> from engine.strategies.sma_cross import SETTINGS, sma_cross
>>> result = run(sma_cross(fast=10, slow=50), generate_market(symbols=10, bars=300), SETTINGS)
>>> sorted(result.trades["reason"].unique())
['signal', 'stop_loss', 'take_profit']
"""

from engine import SMA, CrossesAbove, DeclaredStrategy, Notional, Settings, StopLoss, TakeProfit

SETTINGS = Settings(commission=0.001, slippage=0.0005)


def sma_cross(
    fast: int = 10, slow: int = 50, amount: float = 20_000.0, stop_loss: float = 0.08, take_profit: float = 0.2
) -> DeclaredStrategy:
    """Return the strategy: averages over so many bars, `amount` of money a position, stop and target as fractions."""
    quick, calm = SMA(fast), SMA(slow)
    return DeclaredStrategy(
        entry=CrossesAbove(quick, calm),
        exit=CrossesAbove(calm, quick),
        size=Notional(amount),
        rules=(StopLoss(stop_loss), TakeProfit(take_profit)),
    )
