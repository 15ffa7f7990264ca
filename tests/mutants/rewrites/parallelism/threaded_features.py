"""Features in threads, collected in their order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from engine.catalog import optimization
from engine.model import FeatureTable
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def threaded_features(inner: FeaturesComponent) -> FeaturesComponent:
    """Compute each feature in a thread of its own."""

    def compute(feed, features):
        with ThreadPoolExecutor(4) as pool:
            tables = list(pool.map(lambda one: inner(feed, [one]), features))
        columns = {one.name: table.columns[one.name] for one, table in zip(features, tables, strict=True)}
        return FeatureTable(columns, tables[0].starts if tables else inner(feed, ()).starts)

    return compute
