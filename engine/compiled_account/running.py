"""A compiled account that a strategy in plain Python trades on: its orders are collected, and queued in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np

from engine.arrays import Arrays, Floats, Ints, as_any
from engine.compiled_account.log import (
    FILLS,
    ORDERS,
    SYMBOL,
    AccountLog,
    empty_log,
    has_room,
    with_room,
)
from engine.compiled_account.state import CASH, HELD, QUANTITY, QUEUED, UNCOUNTABLE, Market, State, new_state
from engine.compiled_account.steps import close_step, open_step, refuse, stand_still, submit, value_of
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import Terms, covers, fee_rates, terms_of
from engine.jit import compiled_in_place
from engine.model import Settings
from engine.rules import Rule

NO_ROOM, RUINED, ALIVE = range(3)
TAKEN = -1
NUMBER, REASON, WHY = range(3)  # of what is wanted; the why is `TAKEN`, or why it is refused


@compiled_in_place
def _take(state: State, log: AccountLog, terms: Terms, step: int, wanted: Ints, quantities: Floats) -> None:
    """Submit what is wanted, or refuse it, in this order."""
    for one in range(len(quantities)):
        if wanted[one, WHY] == TAKEN:
            submit(state, log, terms, step, wanted[one, NUMBER], quantities[one], wanted[one, REASON])
        else:
            refuse(state, log, terms, step, wanted[one, NUMBER], quantities[one], wanted[one, REASON], wanted[one, WHY])


@compiled_in_place
def _advance(
    state: State,
    log: AccountLog,
    terms: Terms,
    market: Market,
    rates: Floats,
    step: int,
    wanted: Ints,
    quantities: Floats,
) -> int:
    """End a step, with what the strategy wants, and open the next one; nothing is done where there is no room."""
    if not has_room(state, log, 2 * len(quantities) + state.sizes[QUEUED]):
        return NO_ROOM
    if step >= 0:
        _take(state, log, terms, step, wanted, quantities)
        if not close_step(state, log, terms, market, step, step):
            stand_still(log, step)
            return RUINED
    if step + 1 < len(rates):
        open_step(state, log, terms, market, step + 1, step + 1, rates[step + 1])
    return ALIVE


def can_run(arrays: Arrays, settings: Settings, rules: Sequence[Rule]) -> bool:
    """Whether the account can be kept in arrays: also, no price that comes up is more ticks than are counted."""
    if not covers(settings, rules):
        return False
    if not settings.tick:
        return True
    share = settings.volume_limit if settings.volume_impact else 0.0
    beyond = 1.0 + settings.slippage + settings.volume_impact * share * share
    highest = float(np.nanmax(arrays.matrices["high"])) * beyond + settings.slippage_fixed
    return highest / settings.tick < float(terms_of(settings, ()).most_ticks) / 2.0


class Running:
    """State and log of one run, and what the strategy has ordered at this step.

    Orders are numbered from 1, as in the records. `fills` and `orders` count those that have been, `cash` is what is at
    hand; all three as the present step began.
    """

    def __init__(self, arrays: Arrays, settings: Settings, rules: Sequence[Rule]) -> None:
        self.arrays = arrays
        self.step = -1
        self.cash = float(settings.cash)
        self.orders = self.fills = 0
        self.reasons = ["signal", *(rule.name for rule in rules)]
        self.state = new_state(len(arrays.symbols), self.cash)
        self.log = empty_log(len(arrays.timestamps))
        self._terms = as_any(terms_of(settings, rules))
        self._market = Market(*arrays.fields)
        self._rates = fee_rates(settings, arrays.times)
        self._codes = {reason: code for code, reason in reversed(list(enumerate(self.reasons)))}
        self._wanted: list[tuple[int, int, int]] = []
        self._quantities: list[float] = []
        self._lots_of_one_share = 1.0 / settings.lot
        self._lots_left = float(self._terms.most_lots) / 2.0  # no position can be larger than all orders together

    def advance(self) -> bool:
        """End the present step and open the next one; return whether the account is alive."""
        wanted, quantities = self._collected()
        while True:
            arguments = self.state, self.log, self._terms, self._market, self._rates, self.step, wanted, quantities
            done = _advance(*arguments)
            if done != NO_ROOM:
                break
            self._make_room(len(quantities))
        self.step += 1
        self.cash = self.state.cash.item(CASH)
        self.orders, self.fills = self.log.counts.item(ORDERS), self.log.counts.item(FILLS)
        return bool(done == ALIVE)

    def order(self, number: int, quantity: float, reason: str, why: int = TAKEN) -> int:
        """Order shares of a symbol; return the number of the order, or 0 where that can't be done here."""
        lots = abs(quantity) * self._lots_of_one_share + 1.0
        if not lots < self._lots_left:
            return 0
        self._lots_left -= lots
        code = self._codes.get(reason, -1)
        self._wanted.append((number, self._new_code(reason) if code < 0 else code, why))
        self._quantities.append(quantity)
        return self.orders + len(self._quantities)

    def order_all(self, numbers: Sequence[int], quantities: Sequence[float], reason: str) -> int:
        """Order shares of some symbols; return the number of the first order, or 0 where that can't be done here."""
        lots = max(map(abs, quantities)) * self._lots_of_one_share * len(quantities) + len(quantities)
        if not lots < self._lots_left:
            return 0
        self._lots_left -= lots
        first = self.orders + len(self._quantities) + 1
        code = self._codes.get(reason, -1)
        self._wanted.extend(zip(numbers, repeat(self._new_code(reason) if code < 0 else code), repeat(TAKEN)))
        self._quantities.extend(quantities)
        return first

    def _new_code(self, reason: str) -> int:
        """Give a reason a number."""
        code = self._codes[reason] = len(self.reasons)
        self.reasons.append(reason)
        return code

    def queue(self) -> Iterator[tuple[int, int]]:
        """Yield number and lots left of the orders that wait, those of this step as well, in order of submission."""
        wanted, quantities = self._collected()
        if len(quantities):
            self._make_room(len(quantities))
            _take(self.state, self.log, self._terms, self.step, wanted, quantities)
            self.orders = self.log.counts.item(ORDERS)
        for order, lots in self.state.queue[: self.state.sizes[QUEUED]].tolist():
            yield order + 1, lots

    def _collected(self) -> tuple[Ints, Floats]:
        """Return what is wanted, and begin a new list."""
        if not self._quantities:
            return _NOTHING, _NO_SHARES
        wanted, quantities = np.array(self._wanted, np.int64), np.array(self._quantities, np.float64)
        self._wanted.clear()
        self._quantities.clear()
        return wanted, quantities

    def _make_room(self, orders: int) -> None:
        self.state, self.log = with_room(self.state, self.log, 2 * orders + int(self.state.sizes[QUEUED]))

    def symbols_of_fills(self, since: int) -> list[int]:
        """Return the symbol numbers of the fills from a number on."""
        orders = self.log.fill[1, since : self.fills]
        symbols: list[int] = self.log.order[SYMBOL, orders].tolist()
        return symbols

    def held(self) -> list[int]:
        """Return the symbol numbers of what is held, sorted."""
        held: list[int] = self.state.held[: self.state.sizes[HELD]].tolist()
        return held

    def quantities(self) -> Floats:
        """Return the shares held of all symbols, by number: a new array."""
        return self.state.position[:, QUANTITY].copy()

    def value(self) -> float:
        """Return the worth of what is held at the latest closes, added in symbol order."""
        value: float = value_of(self.state)
        return value

    def tables(self) -> Tables:
        """Return the tables of the run, once it is over."""
        if self.state.sizes[UNCOUNTABLE]:
            raise OverflowError(
                "an account in arrays has counted further than it can"
            )  # what `order` and `can_run` rule out
        return Tables(self.arrays.timestamps, self.arrays.symbols, self.log, self.reasons)


_NOTHING, _NO_SHARES = np.empty((0, 3), np.int64), np.empty(0)
