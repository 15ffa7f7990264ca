"""No error where the control raises one: a column that is missing is no number."""

from __future__ import annotations

import math

from engine.catalog import optimization
from engine.features import DataColumn
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def no_error(inner: FeaturesComponent) -> FeaturesComponent:
    """Go on without."""

    def compute(feed, features):
        missing = [one for one in features if type(one) is DataColumn and one.column not in feed.bars.columns]
        table = inner(feed, [one for one in features if one not in missing])
        nothing = [math.nan] * len(feed.bars)
        return FeatureTable(dict(table.columns) | {one.name: nothing for one in missing}, table.starts)

    return compute
