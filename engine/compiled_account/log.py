"""What a compiled account writes down as it goes: room is made between two steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import Floats, Ints
from engine.compiled_account.state import HELD, QUEUED, State
from engine.jit import compiled_in_place, inlined

ORDERS, ENDED, FILLS, TRADES = range(4)
STEP, SYMBOL, LOTS, REASON = range(4)  # of an order
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
    """What happened, in the order of time: an event is a column here, so that each field of it lies in one piece.

    `counts` says how many events there are of the first four kinds. Reason 0 of an order is the strategy's, the others
    are the rules, from 1. Orders are numbered from 0 here. What has ended without a fill is a rejection, or from
    `FIRST_CANCELLATION` on a cancellation. `equity` and `positions` have a step in place of an event.
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


def empty_log(steps: int, events: int = 4_096) -> AccountLog:
    """Return room for so many steps, and so many events of each kind to begin with."""
    return AccountLog(
        order=np.empty((4, events), np.int64),
        ended=np.empty((3, events), np.int64),
        fill=np.empty((2, events), np.int64),
        trade=np.empty((5, events), np.int64),
        ordered=np.empty(events),
        ended_quantity=np.empty(events),
        fill_money=np.empty((4, events)),
        trade_money=np.empty((8, events)),
        equity=np.empty((4, steps)),
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


@inlined
def most_events(state: State, orders: int) -> int:
    """Return how many events of a kind a step can add at most, if so many orders come to it."""
    return int(2 * (state.sizes[HELD] + state.sizes[QUEUED] + orders))


@compiled_in_place
def has_room(state: State, log: AccountLog, orders: int) -> bool:
    """Whether log and queue have room for all that one step can add, with so many orders of the strategy."""
    needed = most_events(state, orders)
    return bool(
        log.counts[ORDERS] + needed <= len(log.ordered)
        and log.counts[ENDED] + needed <= len(log.ended_quantity)
        and log.counts[FILLS] + needed <= log.fill.shape[1]
        and log.counts[TRADES] + needed <= log.trade.shape[1]
        and state.sizes[QUEUED] + orders <= len(state.queue)
    )


def with_room(state: State, log: AccountLog, orders: int) -> tuple[State, AccountLog]:
    """Return state and log with room for one more step, and so many orders of the strategy; the same where there is."""
    if has_room(state, log, orders):
        return state, log
    needed = most_events(state, orders)
    grown = {}
    for name, kind in _BY_KIND.items():
        events, used = getattr(log, name), int(log.counts[kind])
        if used + needed > events.shape[-1]:
            larger = np.empty((*events.shape[:-1], 2 * (used + needed)), events.dtype)
            larger[..., :used] = events[..., :used]
            grown[name] = larger
    queued = int(state.sizes[QUEUED])
    if queued + orders > len(state.queue):
        queue = np.empty((2 * (queued + orders), 2), np.int64)
        queue[:queued] = state.queue[:queued]
        state = state._replace(queue=queue)
    return state, log._replace(**grown)
