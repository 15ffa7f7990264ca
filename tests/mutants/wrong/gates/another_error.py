"""An error of another type than the control's."""

from __future__ import annotations

from engine.catalog import optimization
from engine.errors import InputError
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def another_error(inner: FeaturesComponent) -> FeaturesComponent:
    """Raise what comes first."""

    def compute(feed, features):
        try:
            return inner(feed, features)
        except InputError as error:
            raise KeyError(str(error)) from error

    return compute
