"""Model ranking: hold the symbols that a model ranks highest, by a column of your data.

Shows `DataColumn`, a column of the data as a feature. A row's number is seen on that row's bar, so it has to be one
that was known by then: join what a model predicted, which was trained on earlier rows only, to the bars, by
`bars.join(predictions, on=["timestamp", "symbol"], how="left")`. Where it is null the model has no opinion.

>>> import polars as pl
>>> from engine import generate_market, run
>>> from engine.strategies.model_ranking import SETTINGS, ModelRanking
>>> fall = 1.0 - pl.col("close") / pl.col("close").shift(5).over("symbol")  # stands for a model's prediction
>>> bars = generate_market(symbols=10, bars=300).with_columns(score=fall)
>>> result = run(ModelRanking("score", count=3), bars, SETTINGS)
>>> result.orders["reason"].unique().to_list()
['rebalance']
"""

from engine import Bars, Context, DataColumn, Settings, Strategy

SETTINGS = Settings(
    commission=0.0005, slippage=0.0002, fill_at="next_close", volume_limit=0.05, volume_impact=0.1, leverage=1.1
)


class ModelRanking(Strategy):
    """Holds the `count` symbols with the highest values of `column`, with equal weights, every so many days anew."""

    def __init__(self, column: str = "score", count: int = 10, every: int = 5, invested: float = 0.95) -> None:
        self.score = DataColumn(column)
        self.features = (self.score,)
        self.count = count
        self.every = every
        self.invested = invested
        self.days = 0

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Rank what trades, and hold the best."""
        self.days += 1
        if self.days % self.every:
            return
        scores = {bar.symbol: context.feature(self.score.name, bar.symbol) for bar in bars}
        ranked = sorted((score, symbol) for symbol, score in scores.items() if score == score)  # without NaN
        best = ranked[-self.count :]
        context.target_weights({symbol: self.invested / self.count for _, symbol in best})
