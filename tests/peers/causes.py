"""Why an engine may differ from ours: what its source says, and how one knows a difference of that kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from peers.compare import Difference, same
from peers.market import Market
from peers.scenarios import Scenario
from peers.trades import Trade


@dataclass(frozen=True, eq=False)
class Cause:
    """One decision that engines take differently.

    `sources` has the engines that take it the other way, with the place in their source and what it does there;
    `meets` tells whether a changed trade, ours and theirs, is of this kind.
    """

    ours: str
    sources: Mapping[str, str]
    meets: Callable[[Trade, Trade, Scenario, Market], bool]


def _gap_over_target(ours: Trade, theirs: Trade, scenario: Scenario, market: Market) -> bool:
    """Whether the bar opened beyond the target, where we leave, and they leave at the stop."""
    exits, side, bar = scenario.plan(market.symbols.index(ours.symbol)).exits, _side(ours), ours.exit_bar
    if exits.take_profit is None or exits.stop_loss is None or exits.bracket:
        return False
    open_ = market.columns["open"][ours.symbol][bar]
    target = ours.entry_price * (1.0 + side * exits.take_profit)
    return (
        same(ours.exit_price, open_)
        and (open_ - target) * side >= 0.0
        and same(theirs.exit_price, ours.entry_price * (1.0 - side * exits.stop_loss))
    )


def _slipped_limit(ours: Trade, theirs: Trade, scenario: Scenario, market: Market) -> bool:
    """Whether we leave at the target or better, and they at the same price less the slippage."""
    exits, side = scenario.plan(market.symbols.index(ours.symbol)).exits, _side(ours)
    if exits.take_profit is None or not scenario.slippage:
        return False
    slipped = ours.exit_price * (1.0 - side * scenario.slippage)
    reached = ours.exit_price * (1.0 + side * 1e-4) - ours.entry_price * (1.0 + side * exits.take_profit)
    return same(theirs.exit_price, slipped) and reached * side >= 0.0  # to the cent that levels are rounded to


CAUSES = (
    Cause(
        "A bar opens beyond the target and then comes to the stop. Ours leaves at the open, which comes first.",
        {
            "backtrader": "`brokers/bbroker.py`, `BackBroker.next`: each order looks at the whole bar, in the order "
            "of submission, so the stop, submitted first, fills at its level and the limit order is cancelled",
            "vectorbt": "`portfolio/nb.py`, `simulate_from_signals_nb`: the take-profit is asked only where the "
            "stop-loss has not been hit, whatever the open was",
            "pyalgotrade": "`broker/backtesting.py`, `Broker.onBars`: each order looks at the whole bar, in the "
            "order of submission, so the stop, submitted first, fills at its level and the limit order is cancelled",
        },
        _gap_over_target,
    ),
    Cause(
        "A limit order fills in an account with slippage. Ours has none on limit orders: a limit is kept.",
        {
            "backtrader": "`brokers/bbroker.py`, `BackBroker._try_exec_limit`: a limit order that the open has passed "
            "fills at the open with slippage, and with `slip_out` even beyond its limit",
            "zipline": "`finance/slippage.py`, `FixedBasisPointsSlippage.process_order`: the price of every order "
            "slips, that of a limit order too",
        },
        _slipped_limit,
    ),
)


def cause_of(difference: Difference, engine: str, scenario: Scenario, market: Market) -> Cause | None:
    """Return the cause of a difference from this engine; None where none is known.

    Only a changed exit price is ever explained: a trade that is missing, surplus, or on other bars is not.
    """
    ours, theirs = difference.ours, difference.theirs
    if ours is None or theirs is None or ours.exit_bar != theirs.exit_bar:
        return None
    if not same(ours.entry_price, theirs.entry_price) or not same(ours.quantity, theirs.quantity):
        return None
    for cause in CAUSES:
        if engine in cause.sources and cause.meets(ours, theirs, scenario, market):
            return cause
    return None


def _side(trade: Trade) -> int:
    return 1 if trade.quantity > 0 else -1
