"""Measuring: what a figure must not be taken for, and how little noise the verdict lets through."""

from __future__ import annotations

import inspect
import io
import math
import random
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc

from engine.disk import keep, kept
from engine.optimizations.parallelism.spawned_trials import WORTH_SECONDS
from engine.subject import SUBJECT
from optimizer import hardware
from optimizer.benchmark import EFFECT, Workload, measure
from optimizer.config import find_config
from optimizer.decision import Verdict
from optimizer.processes import Observation, Processes
from optimizer.run import Control, Run
from optimizer.static_look import look_at
from optimizer.stats import Ratio, paired_ratio, plan_for

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not shutil.which("perf"), reason="there is no perf on this machine")
def test_a_counter_that_is_not_there_says_so_and_is_not_zero() -> None:
    """Without hardware counters `perf stat -e cache-misses` says that it is not supported."""
    done = subprocess.run(["perf", "stat", "-e", "cache-misses", "true"], capture_output=True, text=True, check=False)  # noqa: S607
    line = next((line for line in done.stderr.splitlines() if "cache-misses" in line), "not permitted")
    figure = line.split()[0].replace(",", "")
    assert "not" in line or int(figure) > 0


def test_what_can_not_be_read_is_unavailable_and_never_zero() -> None:
    assert hardware._version("no-such-distribution") == "unavailable"
    profile = hardware.hardware_profile() | {"memory_bytes": None}
    assert "memory unavailable" in hardware.hardware_line(profile)
    assert 0 not in [value for name, value in profile.items() if name != "swap_bytes"]  # many machines have none


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("valgrind"), reason="there is no valgrind on this machine")
def test_cachegrind_counts_as_a_simulation(tmp_path: Path) -> None:
    """It works where there are no counters: it simulates the processor, and counts the same twice."""
    command = ["valgrind", "--tool=cachegrind", f"--cachegrind-out-file={tmp_path / 'out'}", "true"]
    told = [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(2)]
    assert all("I" in text and "refs" in text for text in told)


def same_function_timed(draw: random.Random, times: int) -> Iterator[float]:
    """The times of one function, on a machine that is slower for a while, now and then."""
    slow = 1.0
    for _ in range(times):
        if draw.random() < 0.15:
            slow = draw.choice((1.0, 1.0, 1.05, 1.15))
        yield slow * math.exp(abs(draw.gauss(0.0, 0.02)))


def calls_of(trials: int) -> dict[str, int]:
    """How often each method calls the same function on both sides a difference."""
    draw = random.Random(1)  # noqa: S311 - a simulation
    calls = dict.fromkeys(("t-test", "mean + 5 %", "minimum + 5 %", "ours"), 0)
    for _ in range(trials):
        times = list(same_function_timed(draw, 24))
        one, other = times[:12], times[12:]
        spread = math.sqrt((statistics.variance(one) + statistics.variance(other)) / 12)
        calls["t-test"] += abs(statistics.mean(one) - statistics.mean(other)) / spread > 2.07
        for name, figure in (("mean + 5 %", statistics.mean), ("minimum + 5 %", min)):
            calls[name] += not 1 / 1.05 < figure(one) / figure(other) < 1.05
        times = list(same_function_timed(draw, 24))
        pairs = [draw.sample(times[place : place + 2], 2) for place in range(0, 24, 2)]
        ratio = paired_ratio(*zip(*pairs, strict=True))
        calls["ours"] += ratio.low > EFFECT or ratio.high < 1 / EFFECT
    return calls


def test_an_a_a_test_is_called_a_difference_by_others_and_not_by_ours() -> None:
    """Of 80 trials: a t-test and 5 % rules call many; pairs whose interval must clear the effect call next to none."""
    calls = calls_of(80)
    assert calls["t-test"] > 15
    assert calls["mean + 5 %"] > 10
    assert calls["minimum + 5 %"] > 5
    assert calls["ours"] <= 1


def test_the_smallest_effect_is_stated() -> None:
    """It is 2 %, and a ratio whose interval does not clear it is no gain."""
    assert EFFECT == 1.02
    assert {Verdict.EQUIVALENT, Verdict.INCONCLUSIVE} < set(Verdict)


class Stopwatch(Processes):
    """Processes that take a second each, and note which build ran when."""

    def run(self, task, build, job, env=None, caches=None) -> Observation:  # noqa: ARG002
        """Note the build."""
        self.__dict__.setdefault("order", []).append(build)
        runs = [{"wall_ns": 10**9, "tables_ns": 0, "counts": {}}] * 2
        return Observation({"load_ns": 10**6, "runs": {"level": runs}}, "", {}, 1)


def test_builds_run_in_fresh_processes_in_pairs_and_in_random_order(tmp_path: Path) -> None:
    """Every round starts a process for each; the interval is over processes, not over the loops in one."""
    processes = Stopwatch(find_config(ROOT), tmp_path)
    workload = Workload("bars.parquet", "refuse", "level")
    builds = {"control": ("a",), "candidate": ("b",)}
    names = ("control", "candidate")
    arms = measure(processes, workload, builds, judged=names, seed=1, tick=lambda _: None, caches=tmp_path)
    order = processes.__dict__["order"]
    rounds = [tuple(order[place : place + 2]) for place in range(0, len(order), 2)]
    assert len(rounds) == plan_for(1).looks[0]
    assert {frozenset(one) for one in rounds} == {frozenset(builds.values())}
    assert len(set(rounds)) == 2
    assert len(arms["control"].warm()) == len(rounds)


@pytest.mark.parametrize(
    ("aa", "code"),
    [(Ratio(1.0, 0.99, 1.01, 12), 0), (Ratio(1.1, 1.05, 1.2, 12), 3), (Ratio(0.9, 0.8, 0.95, 12), 3), (None, 0)],
)
def test_a_control_that_differs_from_itself_voids_the_run(aa: Ratio | None, code: int) -> None:
    workload = Workload("bars.parquet", "refuse", "level")
    run = Run("run", Path(), "all", "", {}, None, workload, scenario_given=False)  # type: ignore[arg-type]
    run.controls = [Control(workload, aa, aa)]
    assert run.exit_code == code


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A table of 16 MB as Arrow files, plain and compressed."""
    folder = tmp_path_factory.mktemp("arrow")
    draw = np.random.default_rng(1)
    table = pl.DataFrame({name: draw.random(500_000) for name in "abcd"})
    for compression in ("uncompressed", "zstd"):
        table.write_ipc(folder / f"{compression}.arrow", compression=compression)
    return {path.stem: path for path in folder.iterdir()}


def allocated_for(path: Path) -> int:
    before = pa.total_allocated_bytes()
    with pa.memory_map(str(path)) as source:
        table = pl.from_arrow(ipc.open_file(source).read_all())
    taken = pa.total_allocated_bytes() - before
    assert len(table) == 500_000
    return taken


def test_an_uncompressed_arrow_file_is_mapped_and_a_compressed_one_is_not(files: dict[str, Path]) -> None:
    """The first takes no allocation; the second takes all of the table."""
    assert allocated_for(files["uncompressed"]) < 100_000
    assert allocated_for(files["zstd"]) > 15_000_000


def test_the_engine_maps_what_it_has_kept(tmp_path: Path) -> None:
    """By PyArrow: Polars' own scan_ipc(memory_map=) is gone."""
    assert "memory_map" not in inspect.signature(pl.scan_ipc).parameters
    table = pl.DataFrame({"value": np.random.default_rng(1).random(500_000)})
    assert keep(tmp_path / "table.arrow", table, {"what": "test"})
    before = pa.total_allocated_bytes()
    mapped = kept(tmp_path / "table.arrow", {"what": "test"})
    assert mapped is not None
    assert pa.total_allocated_bytes() - before < 100_000


def test_flags_of_arrow_are_packed_bits_and_monotone_ones_take_no_room() -> None:
    """Boolean buffers are np.packbits(bitorder="little"); 2,000,000 monotone flags are half a kilobyte as zstd."""
    flags = np.arange(2_000_000) >= 1_234_567
    column = pa.array(flags)
    packed = np.packbits(flags, bitorder="little").tobytes()
    assert column.buffers()[1].to_pybytes()[: len(packed)] == packed
    file, table = io.BytesIO(), pa.table({"passes": column})
    with ipc.new_file(file, table.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    assert len(file.getvalue()) < 1024


def test_neither_diskcache_nor_pickles_are_read_from_files() -> None:
    """Diskcache has an unfixed pickle CVE; what the engine and the optimizer keep is Arrow and JSON."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not [one for one in wanted if one.startswith(("diskcache", "joblib", "cloudpickle"))]
    files = {path for one in SUBJECT.candidates() for path in (one.path,)}
    files |= set((ROOT / "optimizer").rglob("*.py"))
    assert [str(remark) for remark in look_at(SUBJECT, sorted(files)) if remark.rule == "pickle"] == []
    loads = [path for path in (ROOT / "engine").rglob("*.py") if "pickle.load" in path.read_text()]
    assert loads == []


def test_a_trial_is_coarse_beside_what_handing_it_out_takes() -> None:
    """A task of an executor takes milliseconds: sweeps are worth workers only above a tenth of a second."""
    assert WORTH_SECONDS >= 0.1
    assert "dask" not in sys.modules
