"""RSI reversal: buy what has fallen far and turns up, leave once it has recovered, or after a month.

Shows conditions on a level, a gate, and a time exit, all of them declared.

>>> from engine import generate_market, run
>>> from engine.strategies.rsi_reversal import SETTINGS, rsi_reversal
>>> result = run(rsi_reversal(oversold=35), generate_market(symbols=10, bars=300), SETTINGS)
>>> sorted(result.trades["reason"].unique())
['signal', 'time_exit']
"""

from engine import RSI, Above, CrossesAbove, DeclaredStrategy, MinDollarVolume, Notional, Settings, TimeExit

SETTINGS = Settings(commission_per_share=0.005, commission_minimum=1.0, slippage=0.0005)


def rsi_reversal(
    length: int = 14, oversold: float = 30.0, recovered: float = 55.0, days: int = 21, amount: float = 20_000.0
) -> DeclaredStrategy:
    """Return the strategy: levels of the index from 0 to 100, at most so many bars and `amount` of money a position."""
    strength = RSI(length)
    return DeclaredStrategy(
        entry=CrossesAbove(strength, oversold),
        exit=Above(strength, recovered),
        size=Notional(amount),
        rules=(TimeExit(days),),
        gates=(MinDollarVolume(20, 1_000_000.0),),
    )
