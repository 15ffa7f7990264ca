"""A sweep over processes gives the same table as the reference, whatever happens to a process."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from engine import InputError, Market, generate_market, load
from engine.module_state import module_digest
from engine.optimizations.parallelism import spawned_trials
from engine.scenarios import COSTS, SCENARIOS, Chance, Notional, level_with, run_scenario
from engine.strategy_names import Encoder, UnsendableError, decode
from engine.trials import trials_of
from optimizer.parity import table_digest

ROOT = Path(__file__).parents[2]
BUILD = ("parallelism/spawned_trials",)
BARS = generate_market(symbols=4, bars=120)
GRID = {"stop_loss": [0.02, 0.05], "take_profit": [0.04, 0.1, 0.2]}
STRATEGIES = """
    import os, signal, sys, time
    from pathlib import Path
    import polars as pl
    import helper
    from engine import Strategy

    class Told(Strategy):
        def __init__(self, value):
            raise ValueError(f"{type(value).__name__} {value!r}")

    class Process(Strategy):
        def __init__(self, number):
            time.sleep(0.2)
            threads = [pl.thread_pool_size(), *(os.environ[name] for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"))]
            raise ValueError(f"{os.getpid()} {threads} {helper.WORD}")

    class Printing(Strategy):
        def __init__(self, number):
            print("{}", number)
            sys.stdout.flush()
            os.write(1, b"{}\\n")
            os.system("echo {}")
            raise ValueError(f"input {sys.stdin.read()!r}")

    class DiesOnce(Strategy):
        def __init__(self, flag, number):
            if number == 2 and not Path(flag).exists():
                Path(flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)

    class Dies(Strategy):
        def __init__(self, number):
            if number == 2:
                os._exit(3)

    class Exits(Strategy):
        def __init__(self, number):
            if number == 2:
                raise SystemExit(f"in {os.getpid()}")

    class Sleeps(Strategy):
        def __init__(self, seconds):
            time.sleep(seconds)
"""


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers, on any machine."""
    monkeypatch.setenv("EXACT_CHANGE_WORKERS", "2")


@pytest.fixture
def strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A user's module of strategies, and one that it imports."""
    (tmp_path / "strategies.py").write_text(textwrap.dedent(STRATEGIES))
    (tmp_path / "helper.py").write_text("WORD = 'first'\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("helper", "strategies"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("strategies")


@pytest.fixture(scope="module")
def market() -> Market:
    """One market for all tests, so that its workers start once."""
    return load(BARS, build=BUILD)


@pytest.fixture(scope="module")
def reference() -> Market:
    """The same market in the reference."""
    return load(BARS, build=())


def workers_of(parent: int) -> list[int]:
    """Return the worker processes that a process has started."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    rows = [line.split(maxsplit=2) for line in found.splitlines()]
    return [int(pid) for pid, ppid, args in rows if int(ppid) == parent and "engine.trial_worker" in args]


@pytest.mark.parametrize("name", ["sweep_rules", "sweep_chance", "sweep_gates"])
def test_the_table_of_a_scenario_is_the_references(name: str, market: Market, reference: Market) -> None:
    expected, obtained = (run_scenario(one, SCENARIOS[name])()["sweep"] for one in (reference, market))
    assert table_digest(obtained) == table_digest(expected)
    assert workers_of(os.getpid())


def test_a_partial_is_sent(market: Market, reference: Market, caplog: pytest.LogCaptureFixture) -> None:
    maker = functools.partial(level_with, take_profit=0.1)
    expected, obtained = (one.sweep(maker, {"stop_loss": [0.02, 0.05, 1.5]}, COSTS) for one in (reference, market))
    assert table_digest(obtained) == table_digest(expected)
    assert not caplog.records


def test_a_declared_strategy_is_sent_by_its_parts(
    market: Market, reference: Market, caplog: pytest.LogCaptureFixture
) -> None:
    base = level_with(0.05, 0.1)
    parts = {"size": [Notional(9_000.0), Notional(100.1 + 200.2)]}
    expected, obtained = (one.sweep(base, parts, COSTS).drop("size") for one in (reference, market))
    assert table_digest(obtained) == table_digest(expected)
    assert not caplog.records


def test_the_value_of_a_parameter_comes_over_as_it_is(market: Market, strategies: ModuleType) -> None:
    values = [-0.0, 5e-324, 1e22, float("-inf"), 1, True, 10**30, "\ud800é", None, (1, [2.0]), Chance]
    table = market.sweep(strategies.Told, [{"value": value} for value in values[:4]], COSTS)
    assert table["error"].to_list() == [f"ValueError: float {value!r}" for value in values[:4]]
    for value in values:
        again = decode(Encoder().encode(value))
        assert (type(again), repr(again)) == (type(value), repr(value))


def test_a_second_sweep_uses_the_same_processes(market: Market) -> None:
    market.sweep(level_with, GRID, COSTS)
    before = workers_of(os.getpid())
    market.sweep(Chance, {"odds": [0.1, 0.2, 0.3]}, COSTS)
    assert workers_of(os.getpid()) == before
    assert len(before) == 2


def test_each_worker_has_one_thread_a_library(market: Market, strategies: ModuleType) -> None:
    errors = market.sweep(strategies.Process, {"number": [1, 2, 3, 4]})["error"].to_list()
    assert all(error.endswith(" [1, '1', '1'] first") for error in errors)
    assert {int(error.split()[1]) for error in errors} == set(workers_of(os.getpid()))


def test_what_a_strategy_prints_and_reads_does_no_harm(market: Market, strategies: ModuleType) -> None:
    assert market.sweep(strategies.Printing, {"number": [1, 2, 3]})["error"].to_list() == ["ValueError: input ''"] * 3


def test_the_trial_of_a_killed_worker_runs_again(
    market: Market, reference: Market, strategies: ModuleType, tmp_path: Path
) -> None:
    parameters = {"flag": [str(tmp_path / "flag")], "number": [1, 2, 3, 4, 5]}
    obtained = market.sweep(strategies.DiesOnce, parameters)
    assert (tmp_path / "flag").exists()
    assert table_digest(obtained) == table_digest(reference.sweep(strategies.DiesOnce, parameters))


@pytest.mark.slow
def test_a_trial_that_ends_its_process_three_times_is_a_row_and_the_others_go_on(
    market: Market, strategies: ModuleType
) -> None:
    errors = market.sweep(strategies.Dies, {"number": [1, 2, 3, 4]})["error"].to_list()
    assert errors == [None, "WorkerDied: the process of this trial ended three times", None, None]


def test_what_the_reference_lets_through_is_raised_here(market: Market, strategies: ModuleType) -> None:
    with pytest.raises(SystemExit, match=f"in {os.getpid()}"):
        market.sweep(strategies.Exits, {"number": [1, 2, 3]})
    assert not workers_of(os.getpid())  # it ended the sweep as Ctrl-C does


def test_what_has_no_name_to_import_runs_in_this_process_and_the_log_says_so_once(
    market: Market, reference: Market, caplog: pytest.LogCaptureFixture
) -> None:
    maker: Callable[..., object] = lambda odds: Chance(odds)  # noqa: E731 - it is what is tested
    expected, obtained = (one.sweep(maker, {"odds": [0.1, 0.2]}, COSTS) for one in (reference, market))
    assert table_digest(obtained) == table_digest(expected)
    (told,) = caplog.messages
    assert told.startswith("2 of 2 trials run in this process: ")
    assert told.endswith("put it into a module to use all cores")


def test_a_class_of_main_is_not_sent(strategies: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies.Dies, "__module__", "__main__")
    with pytest.raises(UnsendableError, match="__main__"):
        Encoder().encode(strategies.Dies)


def test_what_would_not_come_back_the_same_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = level_with(0.05, 0.1)
    object.__setattr__(changed, "features", ())
    for value in (changed, SCENARIOS["restless"].make(), float("nan"), object(), pl.Series([1.0]).to_numpy()[0]):
        with pytest.raises(UnsendableError):
            Encoder().encode(value)
    monkeypatch.setattr("engine.scenarios.Chance", object)
    with pytest.raises(UnsendableError, match="not what is found"):
        Encoder().encode(Chance)


def test_a_patched_module_is_not_taken_from_its_file(
    market: Market,
    reference: Market,
    strategies: ModuleType,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strategies.Told, "__init__", strategies.Dies.__init__)
    expected, obtained = (one.sweep(strategies.Told, {"number": [1, 3]}) for one in (reference, market))
    assert table_digest(obtained) == table_digest(expected)
    assert "not what its file says" in caplog.text


def test_an_edited_and_reloaded_module_is_imported_anew(
    market: Market, strategies: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    market.sweep(strategies.Process, {"number": [1, 2]})
    (tmp_path / "helper.py").write_text("WORD = 'the second'\n")
    importlib.reload(strategies.helper)
    errors = market.sweep(strategies.Process, {"number": [1, 2]})["error"].to_list()
    assert all(error.endswith("the second") for error in errors)
    assert not any(error.startswith(f"ValueError: {os.getpid()} ") for error in errors)
    assert not caplog.records


def test_two_markets_do_not_mix_and_a_market_that_is_gone_has_no_workers() -> None:
    markets = [generate_market(symbols=3, bars=60, seed=seed) for seed in (1, 2)]
    pairs = [(load(bars, build=()), load(bars, build=BUILD)) for bars in markets]
    for one in (0, 1, 0):
        expected, obtained = (market.sweep(level_with, GRID, COSTS) for market in pairs[one])
        assert table_digest(obtained) == table_digest(expected)
    assert len(workers_of(os.getpid())) == 2
    pairs.clear()
    del expected, obtained
    gc.collect()
    assert not workers_of(os.getpid())


def test_sweeps_within_a_sweep_run_in_this_process(market: Market, reference: Market) -> None:
    first = market.pipeline.sweep(market.pipeline, market.feed, trials_of(level_with, GRID), COSTS)
    next(first)
    obtained = market.sweep(level_with, GRID, COSTS)
    assert len(list(first)) == 5
    assert table_digest(obtained) == table_digest(reference.sweep(level_with, GRID, COSTS))


def test_where_no_process_can_be_started_the_sweep_runs_here(
    reference: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = load(BARS, build=BUILD)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    obtained = other.sweep(level_with, GRID, COSTS)
    assert table_digest(obtained) == table_digest(reference.sweep(level_with, GRID, COSTS))
    assert "no worker process can be started" in caplog.text


@pytest.mark.slow
def test_where_processes_end_while_they_start_the_sweep_runs_here(
    reference: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    obtained = load(BARS, build=BUILD).sweep(level_with, GRID, COSTS)
    assert table_digest(obtained) == table_digest(reference.sweep(level_with, GRID, COSTS))
    assert "end while they start" in caplog.text


@pytest.mark.parametrize("named", ["0", "two", "-1"])
def test_a_number_of_workers_that_is_none_is_refused(
    named: str, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXACT_CHANGE_WORKERS", named)
    with pytest.raises(InputError, match="EXACT_CHANGE_WORKERS"):
        market.sweep(level_with, GRID)


def test_the_state_of_a_module_is_its_code_and_its_values(strategies: ModuleType) -> None:
    helper = strategies.helper
    before = module_digest(helper)
    helper.WORD = "other"
    assert module_digest(helper) != before
    helper.WORD = "first"
    assert module_digest(helper) == before
    helper.NUMBERS = {"a": [1.0, (2,)]}
    changed = module_digest(helper)
    helper.NUMBERS["a"][0] = 1
    assert len({before, changed, module_digest(helper)}) == 3


SCRIPT = """
    import sys
    from engine import SweepInterrupted, generate_market, load
    from strategies import Sleeps

    market = load(generate_market(symbols=2, bars=30), build=["parallelism/spawned_trials"])
    print(len(market.sweep(Sleeps, {"seconds": [0.0, 0.0]})), flush=True)
    try:
        market.sweep(Sleeps, {"seconds": [0.0, 0.01, 0.02, 600.0, 601.0]})
    except SweepInterrupted as interrupt:
        print(interrupt.table["seconds"].to_list(), flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def script(tmp_path: Path, strategies: ModuleType) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a sweep: three of five trials are done, two go on for ten minutes."""
    assert strategies.__file__ == str(tmp_path / "strategies.py")
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "2\n"
        time.sleep(1.0)
        yield process
        process.kill()


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_keeps_the_finished_rows(script: subprocess.Popen[str]) -> None:
    assert len(workers_of(script.pid)) == 2
    script.send_signal(signal.SIGINT)
    assert script.stdout is not None
    assert script.stdout.readline() == "[0.0, 0.01, 0.02]\n"
    assert script.poll() is None
    assert not workers_of(script.pid)


@pytest.mark.slow
def test_no_worker_outlives_a_process_that_is_killed(script: subprocess.Popen[str]) -> None:
    workers = workers_of(script.pid)
    assert len(workers) == 2
    script.kill()
    script.wait()
    deadline = time.monotonic() + 10.0
    while any(_lives(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(worker) for worker in workers)


def _lives(pid: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    return "engine.trial_worker" in found.stdout and not found.stdout.strip().startswith("Z")


def test_a_short_sweep_starts_no_worker_and_a_long_one_is_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EXACT_CHANGE_WORKERS")
    monkeypatch.setattr(spawned_trials, "workers_for", lambda trials: min(2, trials))
    bars = generate_market(symbols=2, bars=60, seed=9)
    fresh = load(bars, build=("parallelism/spawned_trials",))
    before = workers_of(os.getpid())
    assert len(fresh.sweep(level_with, {"stop_loss": [0.02], "take_profit": [0.04, 0.1]})) == 2
    assert workers_of(os.getpid()) == before
    monkeypatch.setattr(spawned_trials, "WORTH_SECONDS", 0.0)
    points = {"stop_loss": [0.01 + number / 1000 for number in range(40)], "take_profit": [0.04, 0.1]}
    swept = fresh.sweep(level_with, points)
    assert len(set(workers_of(os.getpid())) - set(before)) == 2
    assert swept.equals(load(bars, build=()).sweep(level_with, points))
    assert fresh.sweep(level_with, points).equals(swept)
