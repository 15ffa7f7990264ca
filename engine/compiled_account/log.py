"""What a compiled account writes down as it goes: room is made between two steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.arrays import Floats, Ints
from engine.compiled_account.state import HELD, QUEUED, State
from engine.jit import compiled_in_place

ORDERS, ENDED, FILLS, TRADES = range(4)
STEP, SYMBOL, LOTS, REASON = range(4)
WHYS = (
    "less than a lot",
    "more than is held",
    "worth nothing after its costs",
    "below the minimum notional",
    "not enough cash",
    "not enough margin",
    "outside its gates",
    "the bar's volume is used up",
)
LESS_THAN_A_LOT, MORE_THAN_HELD, WORTHLESS, BELOW_MINIMUM, NO_CASH, NO_MARGIN, OUTSIDE_GATES, VOLUME_USED_UP = range(
    len(WHYS)
)
FIRST_CANCELLATION = VOLUME_USED_UP


class AccountLog(NamedTuple):
    """What happened, one row an event, in the order of time; `counts` says how many rows there are of the first four.

    Reason 0 of an order is the strategy's, the others are the rules, from 1. Orders are numbered from 0 here. What has
    ended without a fill is a rejection, or from `FIRST_CANCELLATION` on a cancellation. `equity` has a row a step.
    """

    order: Ints  # step, symbol, lots, reason
    ended: Ints  # step, order, why
    fill: Ints  # step, order
    trade: Ints  # step, symbol, entry step, bars, reason
    ordered: Floats  # quantity
    ended_quantity: Floats
    fill_money: Floats  # quantity, price, commission, slippage
    trade_money: Floats  # quantity, entry price, exit price, commission, slippage, pnl, mfe, mae
    equity: Floats  # cash, value, equity, borrow fees
    positions: Ints
    counts: Ints


def empty_log(steps: int, rows: int = 4_096) -> AccountLog:
    """Return room for so many steps, and so many rows of each kind to begin with."""
    return AccountLog(
        order=np.empty((rows, 4), np.int64),
        ended=np.empty((rows, 3), np.int64),
        fill=np.empty((rows, 2), np.int64),
        trade=np.empty((rows, 5), np.int64),
        ordered=np.empty(rows),
        ended_quantity=np.empty(rows),
        fill_money=np.empty((rows, 4)),
        trade_money=np.empty((rows, 8)),
        equity=np.empty((steps, 4)),
        positions=np.empty(steps, np.int64),
        counts=np.zeros(4, np.int64),
    )


_BY_KIND = {
    "order": ORDERS,
    "ordered": ORDERS,
    "ended": ENDED,
    "ended_quantity": ENDED,
    "fill": FILLS,
    "fill_money": FILLS,
    "trade": TRADES,
    "trade_money": TRADES,
}


@compiled_in_place
def most_events(state: State, orders: int) -> int:
    """Return how many rows of a kind a step can add at most, if so many orders come to it."""
    return int(2 * (state.sizes[HELD] + state.sizes[QUEUED] + orders))


@compiled_in_place
def has_room(state: State, log: AccountLog, orders: int) -> bool:
    """Whether log and queue have room for all that one step can add, with so many orders of the strategy."""
    needed = most_events(state, orders)
    return bool(
        log.counts[ORDERS] + needed <= len(log.ordered)
        and log.counts[ENDED] + needed <= len(log.ended_quantity)
        and log.counts[FILLS] + needed <= len(log.fill)
        and log.counts[TRADES] + needed <= len(log.trade)
        and state.sizes[QUEUED] + orders <= len(state.queue)
    )


def with_room(state: State, log: AccountLog, orders: int) -> tuple[State, AccountLog]:
    """Return state and log with room for one more step, and so many orders of the strategy; the same where there is."""
    if has_room(state, log, orders):
        return state, log
    needed = most_events(state, orders)
    grown = {}
    for name, kind in _BY_KIND.items():
        rows, used = getattr(log, name), int(log.counts[kind])
        if used + needed > len(rows):
            grown[name] = _enlarged(rows, used, used + needed)
    if int(state.sizes[QUEUED]) + orders > len(state.queue):
        queued = int(state.sizes[QUEUED])
        state = state._replace(queue=_enlarged(state.queue, queued, queued + orders))
    return state, log._replace(**grown)


def _enlarged(rows: Any, used: int, needed: int) -> Any:
    """Return an array with room for at least so many rows, of which so many are kept."""
    enlarged = np.empty((2 * max(needed, len(rows)), *rows.shape[1:]), rows.dtype)
    enlarged[:used] = rows[:used]
    return enlarged
