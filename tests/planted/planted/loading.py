"""Loading bars, by reading the file in small bites."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl


def read(path: Path) -> pl.DataFrame:
    """Read a file of bars, a few bytes a call."""
    parts = []
    with path.open("rb", buffering=0) as file:
        while part := file.read(64):
            parts.append(part)
    return pl.read_parquet(io.BytesIO(b"".join(parts)))
