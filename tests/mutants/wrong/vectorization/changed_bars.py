"""Bars written to through the buffer of their table."""

from __future__ import annotations

import ctypes

import numpy as np

from engine.catalog import optimization
from engine.pipeline import FeaturesComponent


@optimization(component="features")
def changed_bars(inner: FeaturesComponent) -> FeaturesComponent:
    """Use the last volume as a scratch pad."""

    def compute(feed, features):
        table = inner(feed, features)
        volumes = feed.bars["volume"].to_numpy()
        place = ctypes.cast(volumes.ctypes.data, ctypes.POINTER(ctypes.c_double))
        writable = np.ctypeslib.as_array(place, volumes.shape)
        writable[-1] = np.nextafter(writable[-1], np.inf)
        return table

    return compute
