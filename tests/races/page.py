"""docs/BENCH.md and docs/ladder.svg: what came out of the race, with the machine and the versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.hardware import hardware_line, hardware_profile
from optimizer.reporters.templates import seconds
from tests.races.beside import BUSY
from tests.races.contenders import RUST, RUST_WHOLE, STORE, STREAM
from tests.races.goals import PEERS, outcomes
from tests.races.ladder import Rung, ladder
from tests.races.ladder_plot import LadderPlot
from tests.races.rounds import Found
from tests.races.rows import table, times_text
from tests.races.workloads import Workload

_HEAD = """\
# The race

`make bench` runs it, and writes this page, `docs/ladder.svg` and `reports/bench.json`; no figure here is written by
hand. Reference, rungs and final build, vectorbt and the streaming floor are timed side by side, in one run. W is 500
symbols over 2,520 daily bars, generated, and the cross of two moving averages with a stop-loss, a trailing stop, a
target, commission and slippage in one cash account: the scenario `sma_cross`.
"""
_LADDER = """\
![The ladder of W: seconds a rung, on a log scale](ladder.svg)

A bar is the median, the line on it goes from the least to the most of the processes. *Gained* is against the rung
before, *together* against the reference; grey is what gains less than a tenth on this workload. What a change is worth
alone, and what the build would be without it, `optimize bench --attribute` tells.
"""
_HOW = """\
## How it is measured

- Rounds, in each of which every contender runs in a fresh process, in an order that is drawn anew. A process loads,
  warms up, and then runs until a second has gone into timed runs; its figure is the median of those. The tables tell
  the median, least and most over the processes. There are five rounds for W and three for the rest, and three and two
  for what takes more than a second a run; what takes more than three warms up on the first 20 symbols alone. No round
  begins that would not end within 12 minutes, so on a busy machine there are fewer processes.
- No garbage is looked for while the clock runs, in any process, as in `timeit`.
- Ours are timed with equity, fills and trades. Each process tells the digest of its whole account, orders, rejections
  and cancellations too. In the first round, before any figure is told, those of all contenders of a workload have to be
  the same as the reference's, and so in every later round: else the race ends and writes nothing.
- A rung is the accepted build up to that optimization, in the order of `engine/build.toml`, without loaders and sweeps.
  What is judged on another workload of the race is a rung of that one; its code is in the builds all the same.
- `final build, prepared store`: the market is loaded through the store, and features and signals are kept from run to
  run, as the build does by itself.
- `reference, first and last trial`: two of the trials of a sweep, one after the other; the sweep has to give the same
  digests for these. Our sweep is timed with the metrics and the digest of every trial.
- `cold start`: from the start of `python -c ...` to the result of W, what an earlier process left on disk in place;
  `after the interpreter's`: the same from the first line of the program.
- `streaming floor`: one pass over open, high, low and close, side by side, by a compiled loop that takes the XOR of all
  words, one thread. `reading floor`: all bytes of the file, read by the system from its memory into one buffer; `its
  store`: the files that the store keeps of it, mapped, and their words taken together in the same way.
"""
_VECTORBT = """\
- vectorbt gets our signals, computed before, a bar later, and fills them at that open; whole shares for the amount at
  the close of the signal, one cash account, the same commission and slippage, plain arrays in its own order of memory.
  Its `from_signals` has room for one stop beside the target, unless a function of Python's adjusts it, which its Rust
  engine does not run: so it has the stop-loss and the target, and **no trailing stop**. It does less there than ours,
  its stops go before signals of the same bar, and its trades differ for that. `{rust}` is `from_signals` alone;
  `{whole}` has `value()`, `trades.records` and `orders.records` beside. It is given two
  warm-ups as well.
"""


@dataclass(frozen=True)
class Facts:
    """How the race was run: its command, when, how many minutes, on which markets, and what was left out and why.

    `beside` is how many cores other processes kept busy, None where that is unknown.
    """

    command: str
    when: str
    minutes: float
    beside: float | None
    shapes: dict[str, str]
    workloads: Sequence[Workload]
    missing: Sequence[str]

    @property
    def is_busy(self) -> bool:
        """Whether the machine did so much beside that the figures suffer."""
        return self.beside is not None and self.beside > BUSY


def write_page(docs: Path, found: Found, facts: Facts) -> None:
    """Write BENCH.md, and ladder.svg where W was raced, into a folder."""
    steps = ladder(found, "W")
    parts = [_HEAD, _machine(found, facts)]
    if steps:
        lines = {name: middle for name in (RUST, STREAM) if (middle := found.median("W", name))}
        title = f"W, a warm run: {facts.shapes['W']}"
        (docs / "ladder.svg").write_text(LadderPlot(title, steps, lines).svg(), encoding="utf-8")
        parts.append(_LADDER)
    parts += [_goals(found), *_ladders(found, facts), *_tables(found, facts), _notes(found)]
    (docs / "BENCH.md").write_text("\n".join(parts), encoding="utf-8")


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose columns but the first stand to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _machine(found: Found, facts: Facts) -> str:
    peers = next((one["versions"] for one in found.told.values() if "versions" in one), {})
    beside = f"; beside it {', '.join(f'{name} {version}' for name, version in peers.items())}" if peers else ""
    lines = [
        f"Measured on {hardware_line(hardware_profile())}{beside}.",
        f"On {facts.when} UTC, by `{facts.command}`, in {facts.minutes:.0f} minutes{_beside(facts)}.",
        *(["**The machine was busy with something else: these figures say little.**"] if facts.is_busy else []),
        *(f"Left out: {one}." for one in facts.missing),
    ]
    return "  \n".join(lines) + "\n"


def _beside(facts: Facts) -> str:
    return "" if facts.beside is None else f"; other processes kept {facts.beside:.1f} cores busy meanwhile"


def _goals(found: Found) -> str:
    heads = ("what", "at least", "aim", "measured", "reached")
    rows = [one.row() for one in outcomes(found.median)]
    return f"## What was to be reached\n\n{markdown(heads, rows)}"


def _ladders(found: Found, facts: Facts) -> Iterator[str]:
    heads = ("rung", "median", "least", "most", "gained", "together")
    for workload in facts.workloads:
        steps = ladder(found, workload.name) if workload.judged_on else []
        if len(steps) > 1:
            rows = [_step(step) for step in steps]
            yield (
                f"## The ladder of {workload.name}\n\n{workload.about[0].upper()}{workload.about[1:]}.\n\n"
                + markdown(heads, rows)
            )


def _step(step: Rung) -> list[str]:
    gained = "" if step.gained is None else times_text(step.gained)
    name = f"`{step.name}`" if "/" in step.name else step.name
    return [name, *map(seconds, (step.median, step.least, step.most)), gained, times_text(step.together)]


def _tables(found: Found, facts: Facts) -> Iterator[str]:
    yield "## All contenders\n\nAgainst another, above 1 is faster than it.\n"
    for workload in facts.workloads:
        heads, rows = table(found, workload.name)
        if rows:
            about = f"{workload.about[0].upper()}{workload.about[1:]}: {facts.shapes[workload.name]}."
            yield f"### {workload.name}\n\n{about}\n\n{markdown(heads, rows)}"


def _notes(found: Found) -> str:
    parts = [_HOW]
    if any(name in PEERS for _, name in found.order):
        parts.append(_VECTORBT.format(rust=RUST, whole=RUST_WHOLE))
        parts += [f"- {line}\n" for line in _counts(found)]
    parts += [f"- {line}\n" for line in _floors(found)]
    return "".join(parts)


def _counts(found: Found) -> Iterator[str]:
    """Tell how much was traded, so that one sees that the others did about the same."""
    for workload in dict.fromkeys(place for place, _ in found.order):
        ours, theirs = (found.told.get((workload, name), {}).get("counts") for name in (STORE, RUST))
        if ours and theirs and "fills" in ours:
            yield (
                f"{workload}: ours {ours['fills']:,} fills and {ours['trades']:,} trades; vectorbt "
                f"{theirs['orders']:,} orders and {theirs['trades']:,} trades."
            )


def _floors(found: Found) -> Iterator[str]:
    for (workload, name), told in found.told.items():
        if name == STREAM:
            size, copies = told["floor"]["bytes"], told["floor"]["copies"]
            rate = size / (found.median(workload, name) or 1.0) / 1e9
            yield (
                f"The streaming floor goes round among {copies} copies of {size / 2**20:.1f} MiB, together more than "
                f"the caches hold: {rate:.1f} GB/s."
            )
        elif "read" in told and name == "reading floor":
            sizes = told["read"]
            yield f"The file has {sizes['file'] / 2**20:.1f} MiB, its store {sizes['store'] / 2**20:.1f} MiB."
