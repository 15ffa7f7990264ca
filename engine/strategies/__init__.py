"""Ten example strategies, one a file, to run as they are or to copy and change.

| file | what it does | what it shows |
| --- | --- | --- |
| `buy_and_hold` | equal money in every symbol of the first day | the smallest strategy |
| `sma_cross` | long while a fast average is above a slow one | declared parts, which the compiled loop runs |
| `rsi_reversal` | buys what turns up from oversold | a condition on a level, a gate, a time exit |
| `breakout` | buys new highs, leaves where they fall back | a feature of earlier bars, a trailing stop order |
| `brackets` | buys dips at a limit, with target and stop | day orders, limit orders, bracket legs, ticks |
| `target_weights` | holds everything, the calm with more weight | `target_weights`, fractional shares |
| `momentum_long_short` | buys the strongest, sells the weakest | `on_bars`, short selling, leverage, borrow fees |
| `pairs` | bets that two symbols' ratio comes back | a strategy with a memory, fills at this close |
| `model_ranking` | holds what a model ranks highest | a column of your own data, fills at the next close |
| `random_orders` | does everything that there is, by chance | every kind of order, cancel, replace, own rules |

Where one needs an account of its own, `SETTINGS` stands next to it.
"""
