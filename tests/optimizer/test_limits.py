"""Under limits, on the real engine: too little memory, one core, a slow disk, a full one, a killed process.

docs/SCALING.md has the table that these hold.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import generate_market
from optimizer.config import find_config
from optimizer.errors import InputError
from optimizer.files import write_json, write_with
from optimizer.limits import NO_LIMITS, Limits, is_full_disk, parse_size, size_text
from optimizer.observing import attempt
from optimizer.processes import Processes
from optimizer.standstill import Standstill

ROOT = Path(__file__).parents[2]
SHIM = Path(__file__).with_name("slow_read.c")
STORES = ("vectorization/array_feed", "io/parquet_copy", "io/matrix_store")
MIB = 2**20
CC = shutil.which("cc") or ""
PS = shutil.which("ps") or "/bin/ps"

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory and cores need Linux")


@pytest.mark.parametrize(
    ("text", "size"),
    [("512M", 512 * MIB), ("2G", 2048 * MIB), ("1.5GiB", 1536 * MIB), ("300 MB", 300 * MIB), ("64k", 65536), ("7", 7)],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "5x", "-1M", "0", "M", "1e3M", "0.1", "9" * 30])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"is no size of memory.*512M"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (512 * MIB, "512 MiB"),
        (1536 * MIB, "1.5 GiB"),
        (2**30, "1 GiB"),
        (1000, "1000 bytes"),
        (10**9, "953.7 MiB"),
        (2048, "2 KiB"),
    ],
)
def test_a_size_is_told_in_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


def test_without_limits_a_command_stays_as_it_is() -> None:
    assert NO_LIMITS.command(["a", "b"]) == ["a", "b"]
    assert not NO_LIMITS
    NO_LIMITS.check()


@linux
def test_more_cores_than_there_are_can_not_be_had() -> None:
    with pytest.raises(InputError, match=r"9999 cores can't be had\. 1 to \d+ on this machine"):
        Limits(cores=9999).check()


@linux
def test_limits_hold_in_the_process_and_in_what_it_starts() -> None:
    asks = "import os, resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0], len(os.sched_getaffinity(0)))"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {asks!r}], check=True)"
    command = Limits(700 * MIB, 1).command([sys.executable, "-c", f"{asks}; {starts}"])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{700 * MIB} 1" in done.stdout
    starts_too = Limits(700 * MIB, 1).command([sys.executable, "-c", starts])
    done = subprocess.run(starts_too, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(700 * MIB), "1"]


def test_what_is_about_the_machine_is_no_output_of_the_engine() -> None:
    for error in (MemoryError(), OSError(28, "No space left on device")):

        def fails(error: Exception = error) -> Any:
            raise error

        with pytest.raises(type(error)):
            attempt(fails, {})
    outputs, raised = attempt(lambda: (_ for _ in ()).throw(OSError(2, "No such file")), {})
    assert (list(outputs), type(raised)) == (["exception"], FileNotFoundError)


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError("No space left on device"), True),
        (OSError("[Errno 27] Error writing: File too large"), True),
        (OSError(2, "No such file or directory"), False),
        (pl.exceptions.ComputeError("underlying IO error: No space left on device (os error 28)"), True),
        (ValueError("No space left on device"), False),
    ],
)
def test_a_full_disk_is_known_whoever_tells_of_it(error: Exception, full: bool) -> None:
    assert is_full_disk(error) is full


@linux
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import time; time.sleep(60)", True),
        ("import time\nwhile True: time.sleep(0.02)", True),
        ("while True: pass", False),
        ("import time\nwhile True: open('/dev/zero', 'rb', 0).read(1 << 17); time.sleep(0.2)", False),
    ],
    ids=["sleeps", "looks for work", "computes", "reads"],
)
def test_a_process_that_waits_for_ever_is_told_from_one_that_works(code: str, told: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        still = Standstill(process.pid, 0.5)
        end = time.monotonic() + 1.5
        seen = ""
        while time.monotonic() < end and not seen:
            time.sleep(0.1)
            seen = still()
        assert bool(seen) is told
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "market.parquet"
    generate_market(symbols=40, bars=100).write_parquet(path)
    return path


def job_of(data: Path, scenario: str = "level") -> dict[str, Any]:
    return {
        "data": str(data),
        "on_bad_bars": "refuse",
        "scenarios": [scenario],
        "warm_seconds": 0.0,
        "most_runs": 1,
        "loads": 1,
    }


def processes_in(folder: Path, limits: Limits = NO_LIMITS) -> Processes:
    folder.mkdir(exist_ok=True)
    return Processes(find_config(ROOT), folder, limits=limits, timeout=120)


@pytest.fixture(scope="module")
def expected(market: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests that the reference gives without any limit."""
    seen = processes_in(tmp_path_factory.mktemp("jobs")).run("measure", (), job_of(market))
    assert seen.result is not None, seen.error
    return digests(seen.result)


def digests(result: dict[str, Any]) -> dict[str, str]:
    (runs,) = result["runs"].values()
    assert runs[0]["digests"] == runs[1]["digests"]
    return dict(runs[0]["digests"])


@linux
@pytest.mark.slow
def test_a_process_without_enough_memory_is_told_of_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "large.parquet"
    generate_market(symbols=1_000, bars=320).write_parquet(data)
    seen = processes_in(tmp_path / "jobs", Limits(250 * MIB)).run("measure", (), job_of(data))
    assert seen.result is None
    assert seen.out_of_memory
    assert seen.error == "the process needed more than the 250 MiB it was given"


@linux
@pytest.mark.slow
def test_one_core_gives_the_same_bits_without_workers(market: Path, tmp_path: Path) -> None:
    case = {"input": "market", "data": str(market), "on_bad_bars": "refuse", "scenario": "sweep_rules"}
    job = {"cases": [case], "keep": "none", "twice": False}
    found = {}
    for name, limits in (("all", NO_LIMITS), ("one", Limits(cores=1))):
        seen = processes_in(tmp_path / name, limits).run("outputs", ("parallelism/spawned_trials",), job)
        assert seen.result is not None, seen.error
        (found[name],) = seen.result["cases"]
    assert found["one"]["digests"] == found["all"]["digests"]
    assert "trials run in workers" not in found["one"]["counts"]


@linux
@pytest.mark.slow
@pytest.mark.skipif(not CC, reason="the slow disk is a library in C, and there is no compiler")
def test_a_slow_disk_changes_nothing_but_the_time(market: Path, expected: dict[str, str], tmp_path: Path) -> None:
    """Every read of the data and of the caches is slowed, whether by Python, Polars or Arrow, read or mapped."""
    library = tmp_path / "slow_read.so"
    subprocess.run([CC, "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    slow = tmp_path / "slow"
    slow.mkdir()
    data = Path(shutil.copy(market, slow))
    rate = data.stat().st_size  # a second to read it once
    env = {"LD_PRELOAD": str(library), "SLOW_FOLDER": str(slow), "SLOW_BYTES_PER_SECOND": str(rate)}
    processes = processes_in(tmp_path / "jobs")
    for build in ((), STORES):
        seen = processes.run("measure", build, job_of(data), env=env)
        assert seen.result is not None, seen.error
        assert digests(seen.result) == expected
        assert seen.result["load_ns"] > 0.8e9


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, here and in what is started: then writing fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("why", ["full", "closed"])
def test_where_caches_can_not_be_kept_the_bits_are_the_same(
    market: Path, expected: dict[str, str], tmp_path: Path, why: str
) -> None:
    (tmp_path / "a file").touch()
    caches = tmp_path / ("caches" if why == "full" else "a file/caches")  # root may write to a closed folder
    with small_files(40_000) if why == "full" else small_files(resource.RLIM_INFINITY):
        processes = processes_in(tmp_path / "jobs")
        seen = processes.run("measure", STORES, job_of(market), env={"EXACT_CHANGE_CACHE": str(caches)})
    assert seen.result is not None, seen.error
    assert digests(seen.result) == expected
    assert "can't be kept" in "".join(path.read_text() for path in (tmp_path / "jobs").glob("*.log"))
    assert not [path for path in (tmp_path / "caches").rglob("*") if path.is_file()]


def test_compiled_code_that_can_not_be_kept_is_told_and_the_run_goes_on(
    market: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    with small_files(6_000):
        seen = processes_in(tmp_path / "jobs").run(
            "measure", ("vectorization/array_feed",), job_of(market), env={"NUMBA_CACHE_DIR": str(tmp_path / "code")}
        )
    assert seen.result is not None, seen.error
    assert digests(seen.result) == expected


def test_a_process_that_can_not_write_what_it_found_ends_the_command_not_the_candidate(
    market: Path, tmp_path: Path
) -> None:
    with small_files(1_500), pytest.raises(InputError, match=r"a process can't write what it found.*disk full"):
        processes_in(tmp_path / "jobs").run("measure", (), job_of(market))
    assert not list((tmp_path / "jobs").glob("*result*"))


def test_a_file_is_written_whole_or_not_at_all_and_the_error_names_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("before")
    with small_files(1_000), pytest.raises(OSError, match="File too large") as caught:
        write_json(path, ["x" * 5_000])
    assert caught.value.filename == str(path)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_a_table_that_polars_can_not_write_is_told_as_any_other_file(tmp_path: Path) -> None:
    path, table = tmp_path / "market.parquet", generate_market(symbols=40, bars=100)
    with small_files(5_000), pytest.raises(OSError, match=r"market\.parquet") as caught:
        write_with(path, table.write_parquet)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_a_killed_worker_is_an_observation(market: Path, tmp_path: Path) -> None:
    processes = processes_in(tmp_path / "jobs")
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(processes.run("measure", (), job_of(market, "restless"))))
    thread.start()
    (pid,) = children_of(os.getpid(), "optimizer.worker")
    os.kill(pid, signal.SIGKILL)
    thread.join(30)
    assert seen[0].error == "the process was ended by SIGKILL"


@linux
@pytest.mark.slow
def test_no_worker_outlives_a_command_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "optimizer.cli", "scale", "--symbols", "200", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(tmp_path)})
    try:
        (pid,) = children_of(process.pid, "optimizer.worker")
    finally:
        process.kill()
        process.wait()
    end = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_alive(pid)
    assert not (tmp_path / "scaling.json").exists()


def children_of(pid: int, named: str) -> list[int]:
    """Wait for the processes that a process has started of this name, and return them."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        listed = subprocess.run([PS, "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        if found := [int(row[0]) for row in rows if int(row[1]) == pid and named in row[2]]:
            return found
        time.sleep(0.05)
    return []


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and is not asked after does not."""
    listed = subprocess.run([PS, "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and not listed.stdout.strip().startswith("Z")
