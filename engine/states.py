"""The account after a timestamp, put together from the outputs of a run: what stands around a divergence."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

MOST = 8  # lines of a kind


def state_after(outputs: Mapping[str, pl.DataFrame], bars: pl.DataFrame, moment: int, symbol: str) -> list[str]:
    """Return the account after a timestamp, in lines: cash, positions with their water marks, and open orders.

    Args:
        outputs: those of a run, or some of them; what is missing is left out.
        bars: the bars of the run, sorted by timestamp, then symbol.
        moment: the number that stands for the timestamp in the data.
        symbol: its position and its orders are told first; the others as far as there is room.
    """
    seen = {name: _upto(table, moment) for name, table in outputs.items() if "timestamp" in table.columns}
    lines = _cash(seen)
    if "fills" in seen:
        lines += _first(_positions(seen["fills"], _upto(bars, moment)), symbol, "positions")
    if "orders" in seen:
        lines += _first(_open_orders(seen), symbol, "open orders")
    return lines


def _upto(table: pl.DataFrame, moment: int) -> pl.DataFrame:
    return table.filter(pl.col("timestamp").to_physical() <= moment)


def _cash(seen: Mapping[str, pl.DataFrame]) -> list[str]:
    equity = seen.get("equity")
    if equity is None or equity.is_empty():
        return []
    last = equity.row(-1, named=True)
    return [f"cash {last['cash']!r}  equity {last['equity']!r}  on {last['timestamp']}"]


def _first(lines: list[tuple[str, str]], symbol: str, kind: str) -> list[str]:
    """Return a line for the symbol, where it has one, and then the others."""
    ordered = [text for of, text in lines if of == symbol] + [text for of, text in lines if of != symbol]
    more = [f"... {len(ordered) - MOST} more {kind}"] if len(ordered) > MOST else []
    return (ordered[:MOST] + more) or [f"no {kind}"]


def _positions(fills: pl.DataFrame, bars: pl.DataFrame) -> list[tuple[str, str]]:
    """Return what is held, with the highest high and the lowest low since the fill that opened it."""
    found = []
    for (symbol,), of in fills.sort("symbol", maintain_order=True).group_by("symbol", maintain_order=True):
        held, entry, since = 0.0, 0.0, None
        for timestamp, quantity, price in of.select("timestamp", "quantity", "price").iter_rows():
            opens = held == 0.0 or (held + quantity) * held < 0.0
            if opens:
                entry, since = price, timestamp
            elif held * quantity > 0.0:
                entry += (price - entry) * quantity / (held + quantity)  # for people: near enough
            held += quantity
            if abs(held) < 1e-9:
                held = 0.0
        if held:
            after = bars.filter((pl.col("symbol") == symbol) & (pl.col("timestamp") >= since))
            high, low = after["high"].max(), after["low"].min()
            marks = f"since {since}: highest high {high!r}, lowest low {low!r}"
            found.append((str(symbol), f"holds {held:g} {symbol} at {entry!r}, {marks}"))
    return found


def _open_orders(seen: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """Return the orders of which something is left, with what is left of them."""
    left: dict[int, float] = {}
    orders = {row["order_id"]: row for row in seen["orders"].iter_rows(named=True)}
    for order in orders.values():
        left[order["order_id"]] = order["quantity"]
    for name in ("fills", "rejections", "cancellations"):
        if name in seen:
            for number, quantity in seen[name].select("order_id", "quantity").iter_rows():
                left[number] = left.get(number, 0.0) - quantity
    found = []
    for number, quantity in left.items():
        if abs(quantity) > 1e-9 and number in orders:
            order = orders[number]
            terms = [f"{name} {order[name]!r}" for name in ("limit", "stop", "trail") if order[name] == order[name]]
            text = f"order {number} waits: {order['kind']} {quantity:g} {order['symbol']}  {', '.join(terms)}"
            found.append((order["symbol"], f"{text.strip()}  ({order['reason']}, of {order['timestamp']})"))
    return found
