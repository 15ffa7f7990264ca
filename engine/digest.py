"""One digest for what a run did: of its values, not of how they lie in memory."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from engine.model import Accounted


def result_digest(result: Accounted) -> str:
    """Return the SHA-256 of all that happened to the account: names, types, lengths and the bits of all values.

    Features and passes are not part of it: they are what trials share, and a difference in them that matters shows
    in an order.
    """
    digest = hashlib.sha256()
    for name, table in result.account().items():
        digest.update(f"{name}\0{len(table)}\0".encode())
        for column in table:
            digest.update(f"{column.name}\0{column.dtype}\0".encode())
            if column.dtype == pl.String:
                digest.update(column.str.len_bytes().to_numpy().astype("<u8").tobytes())
                digest.update(column.str.join("").item().encode())
            else:
                digest.update(np.ascontiguousarray(column.to_physical().to_numpy()).tobytes())
    return digest.hexdigest()
