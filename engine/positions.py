"""What was held after each timestamp, from the fills alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.errors import InputError


def positions_of(fills: pl.DataFrame, bars: pl.DataFrame, lot: float) -> pl.DataFrame:
    """Return a row for each timestamp of the data and each symbol that was held after it.

    Args:
        fills: timestamp, symbol and quantity (shares, above 0 for a buy; float64 or int64), a row a fill.
        bars: timestamp, symbol and close, sorted by timestamp, then symbol.
        lot: what quantities are whole multiples of, in shares: a whole number, or one over a whole number.

    Returns:
        timestamp (as in the data), symbol, quantity (shares, below 0 for a short), price (the symbol's last close, also
        where it has no bar) and value (`quantity * price`), sorted by timestamp, then symbol. The last three are
        float64.

    Raises:
        InputError: where a fill has no bar.
    """
    times = bars["timestamp"].unique(maintain_order=True)
    closes = bars.select("timestamp", "symbol", "close", step=pl.col("timestamp").rle_id().cast(pl.Int64))
    runs = _runs(fills, closes, lot, len(times))
    held = (
        runs.with_columns(step=pl.int_ranges("step", "until"))
        .explode("step")
        .join(closes.select("step", "symbol", "close"), on=["step", "symbol"], how="left", maintain_order="left")
        .with_columns(price=pl.col("close").forward_fill())  # a run begins with a bar, so none takes another's close
        .sort("step", maintain_order=True)  # and by symbol, as the runs are
    )
    return held.select(
        times.gather(held["step"]).alias("timestamp"),
        "symbol",
        "quantity",
        "price",
        value=pl.col("quantity") * pl.col("price"),
    )


def _runs(fills: pl.DataFrame, closes: pl.DataFrame, lot: float, end: int) -> pl.DataFrame:
    """Return what is held of a symbol from one timestamp (`step`) to before another (`until`), by symbol and step."""
    at = ["timestamp", "symbol"]
    moves = (
        fills.select(*at, _lots(fills["quantity"], lot))
        .group_by(at)
        .agg(pl.col("lots").sum())  # exact: of integers, in any order
        .join(closes, on=at, how="left")
    )
    if moves["step"].has_nulls():
        first = moves.filter(pl.col("step").is_null()).sort(at).row(0, named=True)
        raise InputError(f"a fill of {first['symbol']!r} at {first['timestamp']}, where it has no bar")
    held = moves.sort("symbol", "step").with_columns(
        until=pl.col("step").shift(-1, fill_value=end).over("symbol"),
        lots=pl.col("lots").cum_sum().over("symbol"),
    )
    return held.select("symbol", "step", "until", _shares(held["lots"], lot)).filter(pl.col("quantity") != 0.0)


# NumPy divides in what follows: Polars multiplies by the reciprocal of a divisor that is one number
# (github.com/pola-rs/polars/issues/23741), and 3 lots of 0.1 would be 0.30000000000000004 shares.


def _lots(quantity: pl.Series, lot: float) -> pl.Series:
    """Return shares in lots: integers, of which no sum drifts."""
    shares = quantity.to_numpy()
    lots = shares / lot if lot >= 1.0 else shares * float(round(1.0 / lot))
    return pl.Series("lots", np.rint(lots).astype(np.int64))


def _shares(lots: pl.Series, lot: float) -> pl.Series:
    """Return lots in shares, as `engine.grid` does: 3 lots of 0.1 are 0.3."""
    counts = lots.to_numpy()
    return pl.Series("quantity", counts * float(lot) if lot >= 1.0 else counts / round(1.0 / lot))
