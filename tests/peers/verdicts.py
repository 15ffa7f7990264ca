"""What the comparison of one scenario with one engine comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peers.causes import Cause, cause_of
from peers.compare import differences
from peers.market import Market
from peers.scenarios import Scenario
from peers.trades import Trade

OF_CASH = 1e-12  # what the equity may be off by, relative: some thousand roundings of ten millions


@dataclass(frozen=True)
class Verdict:
    """One scenario against one engine.

    `trades` counts theirs. `differences` counts trades that are not the same, and an account that ends elsewhere
    although its trades are; `why` is empty where there are none, and begins with "unexplained" where one has no known
    cause. The settings are told for people.
    """

    engine: str
    version: str
    scenario: str
    trades: int
    equal: bool
    differences: int
    why: str
    their_settings: str
    our_settings: str
    causes: tuple[Cause, ...] = ()

    @property
    def is_supported(self) -> bool:
        """Whether the engine can express the scenario."""
        return not self.why.startswith("not supported")

    @property
    def is_unexplained(self) -> bool:
        """Whether something differs without a known cause."""
        return self.why.startswith("unexplained")


def judge(
    *, engine: str, version: str, scenario: Scenario, ours: Mapping[str, Any], theirs: Mapping[str, Any], market: Market
) -> Verdict:
    """Compare what both sides have told of a scenario: `trades`, `equity` and `settings`, or `not_supported`."""
    if "not_supported" in theirs:
        why = f"not supported: {theirs['not_supported']}"
        return Verdict(engine, version, scenario.name, 0, False, 0, why, "", "")
    our_trades, their_trades = ([Trade(**trade) for trade in side["trades"]] for side in (ours, theirs))
    found = differences(ours=our_trades, theirs=their_trades)
    causes = [cause_of(one, engine, scenario, market) for one in found]
    whys = [
        f"unexplained: {one.what} ({_place(one.ours or one.theirs)})"
        for one, cause in zip(found, causes, strict=True)
        if not cause
    ]
    count = len(found)
    apart = 0.0
    for one in found:
        apart += (_pnl(one.ours) if one.ours else 0.0) - (_pnl(one.theirs) if one.theirs else 0.0)
    if abs(ours["equity"] - theirs["equity"] - apart) > OF_CASH * abs(theirs["equity"]):
        whys.append(f"unexplained: the account ends with {ours['equity']!r}, theirs with {theirs['equity']!r}")
        count += not found
    known = Counter(cause for cause in causes if cause)
    whys += [
        f"{times} of {len(their_trades)} trades: {cause.ours} {engine}: {cause.sources[engine]}."
        for cause, times in known.items()
    ]
    return Verdict(
        engine,
        version,
        scenario.name,
        len(their_trades),
        not count,
        count,
        " ".join(whys),
        theirs["settings"],
        ours["settings"],
        tuple(known),
    )


def _pnl(trade: Trade) -> float:
    """Return the profit of a trade from its prices, since not every engine tells it."""
    return (trade.exit_price - trade.entry_price) * trade.quantity - (trade.commission or 0.0)


def _place(trade: Trade | None) -> str:
    return f"{trade.symbol}, entered on bar {trade.entry_bar}" if trade else ""
