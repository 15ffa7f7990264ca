"""The loop over one chunk of timestamps in compiled code: a declared strategy on a compiled account.

What lasts from chunk to chunk is the account's state and its log, in which steps are counted over the whole market;
rows are those of the chunk, which begins at step `first`.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.arrays import Bools, Floats, Ints
from engine.compiled_account.counting import lots_toward_zero
from engine.compiled_account.log import AccountLog, has_room
from engine.compiled_account.state import HELD, QUEUED, UNITS, Market, State
from engine.compiled_account.steps import close_step, open_step, stand_still, submit_lots
from engine.compiled_account.terms import Terms
from engine.jit import compiled_in_place

RUINED = -1


class Wishes(NamedTuple):
    """What a declared strategy asks for in a chunk.

    The entries of a row are those from `offsets[row]` to before `offsets[row + 1]`: the numbers of their symbols, in
    order, and how many lots each would be for, below 0 where they are sold short. `leave` has the bars to leave on,
    (symbols, timestamps).
    """

    offsets: Ints
    symbol: Ints
    lots: Ints
    leave: Bools


@compiled_in_place
def size_entries(state: State, terms: Terms, amount: float, closes: Floats, lots: Ints) -> None:
    """Write down how many lots an amount buys at each close; one below 0 sells them."""
    for event in range(len(closes)):
        lots[event] = lots_toward_zero(state, terms, amount / closes[event])


@compiled_in_place
def run_chunk(
    state: State,
    log: AccountLog,
    terms: Terms,
    market: Market,
    wishes: Wishes,
    rates: Floats,
    first: int,
    begin: int,
) -> int:
    """Run from the row `begin` on; return the row before which the log has to grow, the number of rows, or `RUINED`."""
    for row in range(begin, len(wishes.offsets) - 1):
        if not has_room(state, log, _most_orders(state, wishes, row)):
            return row
        step = first + row
        open_step(state, log, terms, market, row, step, rates[step])
        _call_strategy(state, log, terms, wishes, row, step)
        if not close_step(state, log, terms, market, row, step):
            stand_still(log, step)
            return RUINED
    return len(wishes.offsets) - 1


@compiled_in_place
def _most_orders(state: State, wishes: Wishes, row: int) -> int:
    return int(wishes.offsets[row + 1] - wishes.offsets[row] + state.sizes[HELD] + state.sizes[QUEUED])


def most_orders(state: State, wishes: Wishes, row: int) -> int:
    """Return how many orders a row can bring at most."""
    return int(_most_orders(state, wishes, row))


@compiled_in_place
def _call_strategy(state: State, log: AccountLog, terms: Terms, wishes: Wishes, row: int, step: int) -> None:
    """Submit entries and exits, merged in symbol order."""
    held, units = state.held, state.numbers
    place = 0
    for event in range(wishes.offsets[row], wishes.offsets[row + 1] + 1):
        last = event == wishes.offsets[row + 1]
        upto = len(units) if last else wishes.symbol[event]
        while place < state.sizes[HELD] and held[place] <= upto:
            symbol = held[place]
            place += 1
            if wishes.leave[symbol, row]:
                submit_lots(state, log, terms, step, symbol, -units[symbol, UNITS], 0)
        if not last and units[upto, UNITS] == 0 and wishes.lots[event] != 0:
            submit_lots(state, log, terms, step, upto, wishes.lots[event], 0)
