"""The scenarios: what is traded, how positions end, and what it costs. The same for every engine.

Sixteen are those that comparisons in this field use. Two more, `apart`, are made to meet what engines decide
differently.
"""

from __future__ import annotations

from dataclasses import dataclass

CASH = 10_000_000.0  # so much that no engine refuses an order for want of it


@dataclass(frozen=True)
class Exits:
    """How a position ends beside its signal, as fractions of the price; None where it does not end that way.

    `stop_loss` and `take_profit` count from the entry price, or, in a bracket, from the close of the signal. `trailing`
    follows the best price so far, as each engine sees it.
    """

    stop_loss: float | None = None
    take_profit: float | None = None
    trailing: float | None = None
    bracket: bool = False

    @property
    def count(self) -> int:
        """How many of the three there are."""
        return sum(one is not None for one in (self.stop_loss, self.take_profit, self.trailing))


@dataclass(frozen=True)
class Plan:
    """What is done in one symbol: `side` is +1 (long only), -1 (short only) or 0 (long and short, reversing)."""

    side: int
    exits: Exits
    shares: int


@dataclass(frozen=True)
class Scenario:
    """One scenario. `sides` and `exits` go round over the symbols, where there is more than one."""

    name: str
    title: str
    sides: tuple[int, ...] = (1,)
    exits: tuple[Exits, ...] = (Exits(),)
    market: str = "small"
    commission: float = 0.0
    commission_per_share: float = 0.0
    slippage: float = 0.0
    slippage_fixed: float = 0.0
    apart: bool = False

    def plan(self, number: int) -> Plan:
        """Return what is done in the symbol with this number, counted from 0 in symbol order."""
        side = self.sides[number % len(self.sides)]
        return Plan(side, self.exits[number // len(self.sides) % len(self.exits)], 100 + 10 * number)

    @property
    def has_exits(self) -> bool:
        """Whether any position ends by anything but its signal."""
        return any(one.count for one in self.exits)

    @property
    def sells_short(self) -> bool:
        """Whether any position is short."""
        return self.sides != (1,)


STOP, TARGET, TRAIL = 0.04, 0.06, 0.05
_STOP_LOSS, _TAKE_PROFIT, _TRAILING = Exits(STOP), Exits(take_profit=TARGET), Exits(trailing=TRAIL)
_TRAILING_TAKE_PROFIT = Exits(take_profit=TARGET, trailing=TRAIL)
_TRAILING_STOP_LOSS = Exits(STOP, trailing=TRAIL)
_ALL_THREE = Exits(STOP, TARGET, TRAIL)
_BRACKET = Exits(STOP, TARGET, bracket=True)
_EVERY_KIND = (
    Exits(),
    _STOP_LOSS,
    _TAKE_PROFIT,
    _TRAILING,
    Exits(STOP, TARGET),
    _TRAILING_TAKE_PROFIT,
    _TRAILING_STOP_LOSS,
    _ALL_THREE,
    _BRACKET,
    Exits(0.02, trailing=0.025),
)

_ALL = (
    Scenario("long_only", "Long only"),
    Scenario("long_short", "Long and short, reversed by one order", sides=(0,)),
    Scenario("stop_loss", "Stop-loss", exits=(_STOP_LOSS,)),
    Scenario("take_profit", "Take-profit", exits=(_TAKE_PROFIT,)),
    Scenario("percent_commission", "Percent commission", sides=(1, 0), commission=0.001),
    Scenario("per_share_commission", "Per-share commission", sides=(1, 0), commission_per_share=0.005),
    Scenario("fixed_slippage", "Fixed slippage", sides=(1, 0), slippage_fixed=0.02),
    Scenario("percent_slippage", "Percent slippage, on stops too", exits=(_STOP_LOSS,), slippage=0.0005),
    Scenario("trailing_stop", "Trailing stop", exits=(_TRAILING,)),
    Scenario("bracket", "Bracket: target and stop, priced at the signal", exits=(_BRACKET,)),
    Scenario("short_only", "Short only", sides=(-1,)),
    Scenario("short_trailing", "Short, with a trailing stop", sides=(-1,), exits=(_TRAILING,)),
    Scenario("trailing_take_profit", "Trailing stop and take-profit", exits=(_TRAILING_TAKE_PROFIT,)),
    Scenario("trailing_stop_loss", "Trailing stop and stop-loss", exits=(_TRAILING_STOP_LOSS,)),
    Scenario("all_three", "Stop-loss, take-profit and trailing stop", sides=(1, -1), exits=(_ALL_THREE,)),
    Scenario(
        "stress",
        "1,500 bars, 20 symbols, every kind of exit, long and short, percent commission",
        sides=(1, -1),
        exits=_EVERY_KIND,
        market="stress",
        commission=0.001,
    ),
    Scenario(
        "gap_over_target",
        "Stop and target so near that a bar opens beyond the target and then falls to the stop",
        sides=(1, -1),
        exits=(Exits(0.01, 0.01),),
        apart=True,
    ),
    Scenario(
        "target_with_slippage",
        "Percent slippage on an account that leaves by limit orders",
        exits=(_TAKE_PROFIT,),
        slippage=0.0005,
        apart=True,
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
MARKETS = {"small": (6, 500), "stress": (20, 1_500)}  # symbols and bars of each
