"""The table in the terminal, and docs/PEERS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peers.causes import Cause
from peers.scenarios import SCENARIOS
from peers.speed_clock import FAST, SLOW, STOP
from peers.verdicts import Verdict

NAMES = {
    "backtrader": "backtrader",
    "vectorbt": "vectorbt",
    "zipline": "Zipline (zipline-reloaded)",
    "pyalgotrade": "PyAlgoTrade",
    "reference": "Exact Change, reference",
    "accepted build": "Exact Change, accepted build",
}
LICENSES = {
    "backtrader": "GPL-3.0-or-later",
    "vectorbt": "Apache-2.0 with Commons Clause",
    "zipline": "Apache-2.0",
    "pyalgotrade": "Apache-2.0",
}

HEAD = """\
# Other engines

`make peers` runs the same wishes over the same bars in engines that we did not write, and in ours, and compares every
trade: symbol, bar of entry and of exit, quantity, entry and exit price to 1e-9 (relative), commission and profit where
the other engine tells them, and the account at the last close. It writes this page, `reports/peers.json` and
`reports/peers-speed.json`, and fails where a difference has no known cause. The peers live in an environment of their
own, `.venv-peers`, and no other target needs them.

The bars are generated; entries and exits are coin tosses from one table, so that no signal can differ. Engines mean
different things by the same words: when an order fills, from when a stop looks, what a trail follows. So for each
scenario both are set to mean the same, and the settings stand below. Fills, gaps, precedence and costs are each
engine's own.
"""

OURS = """\
## Settings

Ours, where nothing else is said: `Settings()`, market orders at the next open. Positions end by their signal, and by

- `stop=` or `limit=`: one order, submitted when the entry is seen, so that it looks at bars from the next one on;
- bracket: `take_profit=` and `stop_loss=` of the entry, which is then a stop order that every open has passed: it fills
  at the open, and its bracket begins with the next bar. Priced later: its legs are given their levels when the entry is
  seen;
- rules: `StopLoss`, `TakeProfit`, `TrailingStop` of the position; `trail=`: a trailing stop order beside the entry;
- `replace_order`: what moves a trail that follows closes, or one stop at the nearer level of stop-loss and trail.
"""

NOTES = {
    "backtrader": "Market orders fill at the next open. Exits are submitted in `next` when the entry is seen, and look "
    "at bars from the next one on; several are joined by `oco`. `StopTrail` follows closes.",
    "vectorbt": "All by `Portfolio.from_signals`, `cash_sharing=True`. With stops, open, high and low are given, and "
    "`stop_entry_price=FillPrice`, `stop_exit_price=StopMarket`; stops then look at bars from the next one on, and a "
    "stop goes before a signal of the same bar, so both fill signals at their close. `adjust_sl_func_nb` is the nearer "
    "level of stop-loss and trail, since there is room for one stop. The version is the newest that takes the same "
    "pandas as Zipline.",
    "zipline": "`NoSlippage()` and `PerDollar(0.0)`, where nothing else is said. Orders fill at the next close, and "
    "daily bars trigger stops and limits by their closes alone: with exits, ours is given bars whose four prices are "
    "the close, and fills at the next open, which is that. Levels are on whole cents, as Zipline rounds them; the "
    "strategy moves and cancels its stop and its limit order. Bars come from memory, since Zipline's bcolz files "
    "keep three decimals.",
    "pyalgotrade": "`DefaultStrategy(volumeLimit=None)`, orders good till cancelled. Exits are submitted when the "
    "entry is seen, and look at bars from the next one on; one that fills cancels the others; the strategy moves a "
    "trail by submitting its exits anew after each close.",
}

COUNTING = """\
`n` is the number of trades, which are all the same; of `k of n`, k are different, each for a cause that is told below.
"""

LIMITS = """\
## What this does not prove

Market, limit, stop and trailing orders, brackets and position rules are compared, with costs, for long and short
positions that are opened and closed whole. Stop-limit and day orders, additions to a position and partial exits, volume
limits and impact, borrow fees, margin, lots and ticks, missing bars and rejections are not; the tests of the engine
hold those.
"""


def print_table(verdicts: Sequence[Verdict], speeds: Mapping[str, Any] | None) -> None:
    """Print what came out, a row a scenario; with rich where there is rich."""
    engines = list(dict.fromkeys(one.engine for one in verdicts))
    rows = [
        [f"{name} (apart)" if one.apart else name, *(_short(_of(verdicts, engine, name)) for engine in engines)]
        for name, one in SCENARIOS.items()
    ]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for row in [["scenario", *engines], *rows]:
            print(f"{row[0]:<30}" + "".join(f"{cell:>18}" for cell in row[1:]))
    else:
        table = Table("scenario", *engines, title="Trades that are the same")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
    for engine in engines:
        print(_summary(verdicts, engine))
    for one in verdicts:
        if one.is_unexplained:
            print(f"{one.engine}, {one.scenario}: {one.why}")
    for one in speeds["engines"] if speeds else ():
        print(f"{NAMES[one['engine']]:<30} {one['median']:9.3f} us a symbol-bar")


def write_page(path: Path, verdicts: Sequence[Verdict], speeds: Mapping[str, Any] | None) -> None:
    """Write the page."""
    engines = list(dict.fromkeys(one.engine for one in verdicts))
    parts = [HEAD, _versions(verdicts, engines), _matrix(verdicts, engines), _causes(verdicts)]
    parts += [_speed(speeds)] if speeds else []
    parts += [LIMITS, OURS, *(_settings(verdicts, engine) for engine in engines)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _of(verdicts: Sequence[Verdict], engine: str, scenario: str) -> Verdict:
    return next(one for one in verdicts if (one.engine, one.scenario) == (engine, scenario))


def _short(one: Verdict) -> str:
    if not one.is_supported:
        return "not supported"
    if one.equal:
        return str(one.trades)
    return f"{one.differences} of {one.trades}" + (" UNEXPLAINED" if one.is_unexplained else "")


def _summary(verdicts: Sequence[Verdict], engine: str) -> str:
    """Return a sentence on the sixteen."""
    sixteen = [one for one in verdicts if one.engine == engine and not SCENARIOS[one.scenario].apart]
    supported = [one for one in sixteen if one.is_supported]
    equal = sum(one.equal for one in supported)
    trades = sum(one.trades for one in supported)
    sentence = f"{engine} {sixteen[0].version}: {equal} of {len(supported)} scenarios equal, {trades} trades"
    left = len(sixteen) - len(supported)
    return f"{sentence}; {left} not supported" if left else sentence


def _versions(verdicts: Sequence[Verdict], engines: Sequence[str]) -> str:
    rows = ["| engine | version | license | the sixteen |", "| --- | --- | --- | --- |"]
    for engine in engines:
        summary = _summary(verdicts, engine).split(": ", 1)[1]
        rows.append(f"| {NAMES[engine]} | {_first(verdicts, engine).version} | {LICENSES[engine]} | {summary} |")
    return "\n".join([*rows, ""])


def _first(verdicts: Sequence[Verdict], engine: str) -> Verdict:
    return next(one for one in verdicts if one.engine == engine)


def _matrix(verdicts: Sequence[Verdict], engines: Sequence[str]) -> str:
    rows = [
        "## Trade by trade",
        "",
        COUNTING,
        "| scenario | " + " | ".join(engines) + " |",
        "| --- |" + " ---: |" * len(engines),
    ]
    for name, scenario in SCENARIOS.items():
        cells = " | ".join(_short(_of(verdicts, engine, name)) for engine in engines)
        rows.append(f"| {scenario.title}{' (apart)' if scenario.apart else ''} | {cells} |")
    rows += ["", "The last two stand apart: they are made to meet what engines decide differently.", ""]
    rows += [
        f"- Not supported by {engine}: {titles}: {reason}."
        for (engine, reason), titles in _not_supported(verdicts).items()
    ]
    return "\n".join([*rows, ""])


def _not_supported(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], list[str]] = {}
    for one in verdicts:
        if not one.is_supported:
            reason = one.why.removeprefix("not supported: ")
            found.setdefault((one.engine, reason), []).append(SCENARIOS[one.scenario].title.lower())
    return {key: "; ".join(titles) for key, titles in found.items()}


def _causes(verdicts: Sequence[Verdict]) -> str:
    rows = ["## What is decided differently", ""]
    met: dict[Cause, list[Verdict]] = {}
    for one in verdicts:
        for cause in one.causes:
            met.setdefault(cause, []).append(one)
    for cause, where in met.items():
        rows.append(f"- {cause.ours}")
        rows += [
            f"  - {one.engine}, {one.differences} of {one.trades} trades: {cause.sources[one.engine]}." for one in where
        ]
    rows += [f"- UNEXPLAINED, {one.engine}, {one.scenario}: {one.why}" for one in verdicts if one.is_unexplained]
    return "\n".join([*rows, ""])


def _speed(speeds: Mapping[str, Any]) -> str:
    rows = [
        "## Speed",
        "",
        f"A moving-average cross ({FAST} over {SLOW} bars) with a stop-loss of {STOP:.0%}, {speeds['symbols']} symbols"
        f" of {speeds['bars']:,} bars: from a table in memory to the trades, in fresh processes that have run once"
        f" before on other bars, all engines in turn, {speeds['repetitions']} times. {speeds['machine']}.",
        "",
        "| engine | microseconds a symbol-bar, median | lowest to highest | trades |",
        "| --- | ---: | ---: | ---: |",
    ]
    rows += [
        f"| {NAMES[one['engine']]} | {one['median']:.2f} | {one['lowest']:.2f} to {one['highest']:.2f}"
        f" | {one['trades']} |"
        for one in speeds["engines"]
    ]
    return "\n".join([*rows, ""])


def _settings(verdicts: Sequence[Verdict], engine: str) -> str:
    rows = [
        f"### {NAMES[engine]}",
        "",
        NOTES[engine],
        "",
        "| scenario | its settings | ours |",
        "| --- | --- | --- |",
    ]
    rows += [
        f"| {SCENARIOS[one.scenario].title} | {one.their_settings} | {one.our_settings} |"
        for one in verdicts
        if one.engine == engine and one.is_supported
    ]
    return "\n".join([*rows, ""])
