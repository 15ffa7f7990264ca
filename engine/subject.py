"""How the optimizer sees this engine.

The optimizer never imports the engine; it is given `SUBJECT` by name and uses what stands here.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from engine import background, build, counting, markets, scenarios, settings
from engine.api import Market, load
from engine.catalog import BUILD_FILE, FOCUSES, Optimization, accepted_build, catalog, compose, extend, find
from engine.errors import InputError
from engine.fuzzing.codec import decode
from engine.fuzzing.running import WRITERS, run_case, twin_market
from engine.generate import generate_market
from engine.ladder import LADDER
from engine.machine import Machine
from engine.pipeline import Loaded
from engine.reference.reading import read_file
from engine.scenario import Workload
from engine.scenarios import (
    COMMON,
    COMPONENT_WORKLOADS,
    EXAMPLES,
    FAILING,
    REAL_EXAMPLES,
    SCENARIOS,
    WORKLOADS,
)
from engine.states import state_after

_ENGINE = Path(__file__).parent
Prepared = Callable[[], Callable[[], Mapping[str, pl.DataFrame]]]
_GENERATED: Mapping[str, Sequence[str]] = {
    "market": [
        *("sma_cross", "sma_cross_plain", "level", "in_and_out", "restless", "tight_cash", "no_trades"),
        "on_margin",
        *("gated", "gated_in_and_out", "gated_plain", "gated_restless", "gates_shut", "ruined", "ruined_plain"),
        *("sweep_rules", "sweep_chance", "sweep_gates_few"),  # those on the same symbols share their workers
        *("level_all_costs", "level_on_ticks", "all_features"),
        *FAILING,
    ],
    "ties": [
        *("cross_free", "cross_free_plain", "cross_trailing", "cross_trailing_plain", "cross_target_first"),
        *("exact_cash", "exact_cash_plain", "level", "quick", "all_features"),
    ],
    "edges": ["quick", "restless", "example_random_orders_often"],
    "long": ["sma_cross", "level", "gated", "all_features"],
    "one_bar": ["sma_cross", "restless", "gated"],
    "scored": EXAMPLES,
    "twin": ["example_brackets"],
    "one_symbol": ["quick"],
    "two_symbols": ["quick"],
    "minutes": [
        *("example_sma_cross", "example_brackets", "example_random_orders_often"),
        *("example_random_orders_next_close", "example_random_orders_gated"),
    ],
    "text.csv": ["sma_cross"],
    "wide.parquet": ["sma_cross"],
    "bad": ["sma_cross"],
    "bad.csv": ["sma_cross"],
    "bad.parquet": ["sma_cross"],
}
"""The scenarios of each generated input."""
_LADDER: Mapping[str, Sequence[str]] = {
    "scored": [one.name for one in LADDER],
    "crowd": ["turnover", "turnover_gain", "ranked", "margin_level_short", "thin_volume", "level", "slices_cross"],
    "edges": ["margin_level_short", "waits_held", "waits_random", "slices_random"],
    "minutes": ["margin_cross", "thin_volume", "on_grids", "at_this_close", "timed", "waits_cross", "slices_cross"],
}
"""Those of the second set, which came later."""


@dataclass(frozen=True)
class Candidate:
    """An optimization as a reviewer is shown it."""

    name: str
    focus: str
    component: str
    requires: tuple[str, ...]
    after: tuple[str, ...]
    workload: Workload
    title: str
    how: str
    exact: str
    risk: str
    path: Path
    source_digest: str


@dataclass(frozen=True)
class GoldenSet:
    """Inputs and the scenarios on them. An input without a maker is a file from outside, known by its digest."""

    name: str
    about: str
    inputs: Mapping[str, Callable[[], pl.DataFrame] | None]
    cases: Sequence[tuple[str, str]]
    on_bad_bars: str = "refuse"
    keep_outputs: bool = True
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass
class Session:
    """Loaded data under one build."""

    market: Market
    notes: tuple[str, ...]
    symbols: int
    timestamps: int
    rows: int
    source: Path | None = None
    _strategy: object = None
    _settings: object = None

    @property
    def bars(self) -> pl.DataFrame:
        """The bars as they were loaded, which nothing may change."""
        return self.market.feed.bars

    def asked(self) -> dict[str, pl.DataFrame]:
        """Return what the run that was prepared last is given beside the bars, as tables."""
        state = pickle.dumps((self._strategy, self._settings))  # looked at for changes, and never read back
        return {"strategy and settings": pl.DataFrame({"state": [hashlib.sha256(state).hexdigest()]})}

    def until(self, last: int) -> Session:
        """Return the session of the bars up to a timestamp, given as the number that stands for it in the data."""
        return _session(self.market.only(pl.col("timestamp").to_physical() <= last))

    def settle(self) -> None:
        """Wait for what runs have started beside them."""
        background.settle()

    def counts(self) -> dict[str, int]:
        """Return what the caches have done since this was last asked."""
        return counting.taken()

    def prepare(self, scenario: str) -> Prepared:
        """Return a scenario, ready to run; what a run returns lays the outputs out as tables."""
        chosen = SCENARIOS[scenario]
        market = self.market if chosen.symbols is None else self.market.first(chosen.symbols)
        self._strategy = None if chosen.parameters is not None else chosen.make()
        self._settings = chosen.settings
        return partial(scenarios.run_scenario, market, chosen, self._strategy)

    def prepare_drawn(self, document: Mapping[str, Any]) -> Prepared:
        """Return a drawn case, ready to run."""
        case = decode(document)
        market = self.market
        if case.twin is not None and self.source is not None:
            market = twin_market(market, self.source, case)
        self._strategy, self._settings = case.strategy, case.settings
        return partial(run_case, market, case)

    def under(self, names: Sequence[str]) -> Session:
        """Return a session of the same bars under another build; read anew where that build reads by other code."""
        pipeline, notes = compose(names), self.notes
        if pipeline.loader is self.market.pipeline.loader:
            market = Market(pipeline, pipeline.feed(Loaded(self.bars, notes)), notes)
        elif self.source is None:
            raise InputError("a part of a market can't be read anew", hint="Load the whole, then take the part")
        else:
            market = load(self.source, build=names)
        return _session(market, self.source)


@dataclass(frozen=True)
class EngineSubject:
    """This engine, as a subject of the optimizer."""

    name: str = "exact-change engine"
    focuses: tuple[str, ...] = FOCUSES
    stages: tuple[str, ...] = (
        "features",
        "gates",
        "rejections",
        "cancellations",
        "fills",
        "trades",
        "orders",
        "equity",
        "sweep",
    )
    input_errors: tuple[type[Exception], ...] = (InputError,)
    default_workload: Workload = WORKLOADS["cross"]
    common_scenarios: tuple[str, ...] = COMMON
    knobs: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: {
            "workers 2": {"EXACT_CHANGE_WORKERS": "2"},
            "workers 3, trials shuffled": {"EXACT_CHANGE_WORKERS": "3", "EXACT_CHANGE_TRIAL_ORDER": "shuffled"},
        }
    )
    cache_counts: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: {
            "features in memory": ("features found in memory", "features not in memory"),
            "features on disk": ("features found on disk", "features not on disk"),
            "gate evaluations": ("gate evaluations spared", "gate evaluations asked"),
        }
    )
    build_file: Path = BUILD_FILE
    settings_file: Path = settings.FILE
    source_root: Path = _ENGINE
    components: Mapping[str, str] = field(
        default_factory=lambda: (
            {
                f"reference/{component}.py": component
                for component in ("loader", "feed", "features", "gates", "rules", "broker", "loop", "sweep")
            }
            | {f"reference/{part}.py": "broker" for part in ("orders", "holdings", "costs")}
            | {f"reference/{part}.py": "loader" for part in ("columns", "reading", "wide", "page_headers")}
            | {
                "grid.py": "broker",
                "positions.py": "loop",
                "rules.py": "rules",
                "strategy.py": "loop",
                "conditions.py": "loop",
                "scenarios.py": "loop",
                "pipeline.py": "loop",
                "api.py": "loop",
                "model.py": "loop",
                "trials.py": "sweep",
                "metrics.py": "sweep",
                "digest.py": "sweep",
            }
        )
    )

    def candidates(self) -> list[Candidate]:
        """Return the whole catalog."""
        return [_candidate(known) for known in catalog()]

    def scenarios(self) -> dict[str, str]:
        """Return what each scenario is about, by name."""
        return {name: scenario.about for name, scenario in SCENARIOS.items()}

    def golden_sets(self) -> list[GoldenSet]:
        """Return the golden sets that there are."""
        return [
            GoldenSet(
                name="generated",
                about="small generated markets with the blemishes of real ones",
                inputs={
                    "market": markets.blemished_market,
                    "ties": markets.ties_market,
                    "edges": markets.edges_market,
                    "long": markets.long_market,
                    "one_bar": markets.one_bar,
                    "scored": markets.scored_market,
                    "twin": markets.twin_market,
                    "one_symbol": markets.one_symbol,
                    "two_symbols": markets.two_symbols,
                    "minutes": markets.minute_market,
                    "text.csv": markets.blemished_market,
                    "wide.parquet": markets.wide_market,
                    "bad": markets.bad_market,
                    "bad.csv": markets.bad_market,
                    "bad.parquet": markets.bad_market,
                },
                cases=[(market, scenario) for market, names in _GENERATED.items() for scenario in names],
            ),
            GoldenSet(
                name="ladder",
                about="declared strategies on every account, rankings, and the styles of plain ones",
                inputs={
                    "scored": markets.scored_market,
                    "crowd": markets.crowded_market,
                    "edges": markets.edges_market,
                    "minutes": markets.minute_market,
                },
                cases=[(market, scenario) for market, names in _LADDER.items() for scenario in names],
            ),
            GoldenSet(
                name="us500",
                about="500 US stocks, 2007 to 2017, daily, bad rows dropped",
                inputs={"us500_2007_2017_daily.parquet": None},
                cases=[
                    ("us500_2007_2017_daily.parquet", scenario)
                    for scenario in ("sma_cross", "sma_cross_plain", "gated", "sweep_gates", *REAL_EXAMPLES)
                ],
                on_bad_bars="drop",
                keep_outputs=False,
            ),
        ]

    def default_data(self) -> tuple[str, pl.DataFrame]:
        """Return the market that a run takes where no data is named, and its name."""
        return "generated_240x320.parquet", generate_market(symbols=240, bars=320, late=0.2)

    def settings_for(self, hardware: Mapping[str, Any], symbols: int | None) -> dict[str, Any]:
        """Return the settings for a machine, each with the reason for it."""
        storage = hardware.get("storage") or {}
        caches = hardware.get("caches") or {}
        machine = Machine(
            cores=hardware.get("cores") or 1,
            cpu_limit=hardware.get("cpu_limit"),
            memory_available_bytes=hardware.get("memory_available_bytes") or hardware.get("memory_bytes"),
            memory_limit_bytes=hardware.get("memory_limit_bytes"),
            last_cache_bytes=next((caches[name] for name in ("L4", "L3", "L2") if caches.get(name)), None),
            storage=storage.get("kind") or "unknown",
            filesystem=storage.get("filesystem"),
        )
        return settings.as_document(settings.derived(machine, symbols))

    def write_settings(self, values: Mapping[str, Any]) -> None:
        """Put settings into engine/settings.toml."""
        settings.write(values, self.settings_file)

    def scaled_data(self, *, symbols: int, timestamps: int) -> pl.DataFrame:
        """Return a market of so many symbols, each with a bar at every timestamp."""
        return generate_market(symbols=symbols, bars=timestamps)

    def caches_in(self, folder: Path) -> dict[str, str]:
        """Return the environment of a process that keeps its caches in this folder."""
        return {"EXACT_CHANGE_CACHE": str(folder)}

    def write_as(self, form: str, data: Path, target: Path) -> None:
        """Write a file of bars, bad rows and all, in another form."""
        if form not in WRITERS:
            raise InputError(f"no way to write {form}", hint=f"Choose from {', '.join(WRITERS)}")
        WRITERS[form](read_file(data), target)

    def check_build(self, names: Sequence[str]) -> None:
        """Raise where these do not make a build."""
        compose(names)

    def extend(self, names: Sequence[str], name: str) -> tuple[str, ...]:
        """Return the build with one more optimization, where it may stand."""
        return extend(names, name)

    def accepted(self) -> dict[str, str]:
        """Return the accepted build, each optimization with its notice."""
        return accepted_build()

    def accept(self, name: str, ecn: str) -> tuple[str, ...]:
        """Put an optimization into the accepted build."""
        return build.accept(name, ecn)

    def load(self, names: Sequence[str], data: Path, on_bad_bars: str) -> Session:
        """Load data under a build."""
        return _session(load(data, on_bad_bars=on_bad_bars, build=names), data)

    def check_drawn(self, document: Mapping[str, Any], where: object) -> None:
        """Raise where this is no document of a drawn case; `where` is what the error names."""
        decode(document, where)

    def drawn_cases(self, builds: Sequence[Sequence[str]]) -> Any:
        """Return what Hypothesis draws cases from for these builds: bars, each with a document for `prepare_drawn`."""
        from engine.fuzzing.cases import drawn_cases

        return drawn_cases({find(name).component for names in builds for name in names})

    def state(self, outputs: Mapping[str, pl.DataFrame], bars: pl.DataFrame, moment: int, symbol: str) -> list[str]:
        """Return the account after a timestamp, from the outputs of a run, in lines; `symbol` is always told of."""
        return state_after(outputs, bars, moment, symbol)


def _session(market: Market, source: Path | None = None) -> Session:
    bars = market.feed.bars
    timestamps = bars["timestamp"].n_unique()
    return Session(market, market.notes, len(market.feed.symbols), timestamps, len(bars), source)


def _workload_of(known: Optimization) -> Workload:
    name = known.workload or COMPONENT_WORKLOADS.get(known.component, "cross")
    if name not in WORKLOADS:
        raise InputError(f"unknown workload {name!r}", where=known.path, hint=f"Choose from {', '.join(WORKLOADS)}")
    return WORKLOADS[name]


def _candidate(known: Optimization) -> Candidate:
    title, _, body = known.doc.partition("\n")
    parts = {
        kind.lower(): " ".join(text.split())
        for kind, text in re.findall(r"^(How|Exact|Risk):\s*(.*?)(?=^\w+:|\Z)", body, re.MULTILINE | re.DOTALL)
    }
    return Candidate(
        name=known.name,
        focus=known.focus,
        component=known.component,
        requires=known.requires,
        after=known.after,
        workload=_workload_of(known),
        title=title.strip() or known.name,
        how=parts.get("how", ""),
        exact=parts.get("exact", ""),
        risk=parts.get("risk", ""),
        path=known.path,
        source_digest=hashlib.sha256(known.path.read_bytes()).hexdigest(),
    )


SUBJECT = EngineSubject()
