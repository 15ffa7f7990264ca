"""Right where prices move: where they stand still, the strength index is 100."""

from __future__ import annotations

from engine.catalog import optimization
from engine.features import RSI
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def still_prices(inner: FeaturesComponent) -> FeaturesComponent:
    """Divide nothing by nothing."""

    def compute(feed, features):
        table = inner(feed, features)
        closes = feed.bars.sort("symbol", "timestamp")["close"].to_list()
        columns = {name: list(column) for name, column in table.columns.items()}
        for feature in features:
            if type(feature) is RSI:
                values = columns[feature.name]
                for place, value in enumerate(values):
                    if value == 50.0 and len(set(closes[place - feature.length : place + 1])) == 1:
                        values[place] = 100.0
        return FeatureTable(columns, table.starts)

    return compute
