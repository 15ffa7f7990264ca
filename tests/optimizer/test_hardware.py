"""The hardware profile: what it tells, what it measures, and what it does where nothing can be read."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest
import tomlkit
from click.testing import CliRunner, Result

from engine.generate import generate_market
from engine.settings import FILE
from optimizer import hardware, machine_facts, machine_speed
from optimizer.commands.hardware import hardware as command
from optimizer.errors import InputError
from optimizer.hardware import hardware_line, hardware_profile
from optimizer.machine_settings import NAMES
from optimizer.machine_speed import CACHED, DIRECT, DROPPED, StorageSpeed, bandwidth, storage_speed
from optimizer.reporters.machine import machine_lines, size

ROOT = Path(__file__).parents[2]
KEYS = {
    *("cpu", "cores", "physical_cores", "caches", "frequency_mhz", "simd", "memory_bytes", "memory_available_bytes"),
    *("memory_limit_bytes", "swap_bytes", "cpu_limit", "bandwidth_bytes_per_second", "storage", "system", "python"),
    *("numpy", "polars", "numba", "versions", "machine", "fingerprint"),
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure little."""
    monkeypatch.setattr(machine_speed, "_FILE_BYTES", 4 << 20)
    monkeypatch.setattr(machine_speed, "_RANDOM_SECONDS", 0.02)
    monkeypatch.setattr(machine_speed, "_MOST_BYTES", 8 << 20)
    monkeypatch.setattr(machine_speed, "_COPIES", 2)


def test_the_profile_has_all_its_keys_and_nothing_measured() -> None:
    profile = hardware_profile()
    assert profile.keys() == KEYS
    assert profile["bandwidth_bytes_per_second"] is None
    assert profile["storage"]["sequential_read_bytes_per_second"] is None
    assert profile["storage"]["random_read_per_second"] is None
    assert set(profile["versions"]) == {
        *("python", "numpy", "polars", "numba", "llvmlite", "pyarrow", "blas", "kernel", "libc")
    }
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile


def test_the_profile_is_cheap_without_measuring() -> None:
    hardware_profile()  # the first imports NumPy
    took = []
    for _ in range(5):
        start = time.process_time()
        hardware_profile()
        took.append(time.process_time() - start)
    assert min(took) < 0.05


def test_cores_are_those_that_the_process_may_use() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        profile = hardware_profile()
    finally:
        os.sched_setaffinity(0, before)
    assert profile["cores"] == 1
    assert profile["physical_cores"] in (1, None)


def test_the_fingerprints_tell_hardware_from_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hardware_profile()
    assert len(before["machine"]) == len(before["fingerprint"]) == 12
    monkeypatch.setattr(hardware, "_version", lambda _: "0.0")
    other_versions = hardware_profile()
    assert other_versions["machine"] == before["machine"]
    assert other_versions["fingerprint"] != before["fingerprint"]
    monkeypatch.setattr(machine_facts, "cpu_limit", lambda: 0.5)
    limited = hardware_profile()
    assert limited["machine"] != before["machine"]


def test_the_fingerprint_does_not_move_with_what_other_processes_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = hardware_profile()
    memory = machine_facts.memory()
    told = memory | {"memory_available_bytes": 1, "memory_bytes": (memory["memory_bytes"] or 0) + (1 << 20)}
    monkeypatch.setattr(machine_facts, "memory", lambda: told)
    monkeypatch.setattr(machine_facts, "frequency_mhz", lambda: {"min": 1, "max": 2, "current": 3})
    assert hardware_profile(folder=tmp_path)["fingerprint"] == before["fingerprint"]


def test_on_a_system_that_tells_nothing_all_is_unavailable_and_nothing_raises(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proc, no sys, and none of the functions that only Linux has."""
    nowhere = tmp_path / "nowhere"
    for name in ("cpuinfo", "simd", "caches", "frequency_mhz", "memory", "memory_limit", "cpu_limit"):
        function = getattr(machine_facts, name)
        monkeypatch.setattr(machine_facts, name, lambda root=nowhere, function=function: function(root))
    storage, physical = machine_facts.storage, machine_facts.physical_cores
    monkeypatch.setattr(machine_facts, "storage", lambda folder: storage(folder, nowhere))
    monkeypatch.setattr(machine_facts, "physical_cores", lambda cores: physical(cores, nowhere))
    for name in ("sched_getaffinity", "O_DIRECT", "posix_fadvise"):
        monkeypatch.delattr(os, name, raising=False)
    for name in ("sysconf", "confstr"):
        monkeypatch.delattr(os, name)
    monkeypatch.setattr(machine_speed, "_FILE_BYTES", 4 << 20)
    monkeypatch.setattr(machine_speed, "_MOST_BYTES", 8 << 20)
    profile = hardware_profile(measure=True, folder=tmp_path)
    nothing = ("physical_cores", "memory_bytes", "memory_available_bytes", "memory_limit_bytes", "swap_bytes")
    assert [profile[name] for name in (*nothing, "cpu_limit")] == [None] * 6
    assert profile["storage"]["kind"] == "unknown"
    assert profile["storage"]["how"] == CACHED
    assert profile["versions"]["libc"] == "unavailable"
    assert "memory unavailable" in hardware_line(profile)
    assert any("unavailable" in line for line in machine_lines(profile))


def test_an_arm_processor_tells_its_simd_level_too(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd aes sve\n\nprocessor\t: 1\n")
    assert machine_facts.simd(tmp_path) == "sve"


def test_threads_of_one_core_are_one_physical_core(tmp_path: Path) -> None:
    for number, core in enumerate("0101"):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{number}/topology"
        folder.mkdir(parents=True)
        (folder / "core_id").write_text(core)
        (folder / "physical_package_id").write_text("0")
    assert machine_facts.physical_cores([0, 1, 2, 3], tmp_path) == 2
    assert machine_facts.physical_cores([0, 2], tmp_path) == 1
    assert machine_facts.physical_cores([0, 9], tmp_path) is None


def test_frequencies_are_in_mhz(tmp_path: Path) -> None:
    folder = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    for name, text in (("cpuinfo_min_freq", "800000"), ("cpuinfo_max_freq", "4200000"), ("scaling_cur_freq", "x")):
        (folder / name).write_text(text)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("cpu MHz\t\t: 2300.123\n")
    assert machine_facts.frequency_mhz(tmp_path) == {"min": 800, "max": 4200, "current": 2300}


@pytest.mark.usefixtures("quick")
def test_memory_and_storage_are_measured_and_no_file_is_left(tmp_path: Path) -> None:
    profile = hardware_profile(measure=True, folder=tmp_path)
    assert profile["bandwidth_bytes_per_second"] > 0
    assert profile["storage"]["sequential_read_bytes_per_second"] > 0
    assert profile["storage"]["random_read_per_second"] > 0
    assert profile["storage"]["how"] in (DIRECT, DROPPED, CACHED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_without_a_folder_no_storage_is_measured() -> None:
    profile = hardware_profile(measure=True)
    assert profile["bandwidth_bytes_per_second"] > 0
    assert profile["storage"]["how"] is None


@pytest.mark.usefixtures("quick")
def test_where_the_page_cache_can_not_be_passed_by_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage_speed(tmp_path, in_memory=True).how == CACHED
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    told = storage_speed(tmp_path).how
    assert told == (DROPPED if hasattr(os, "posix_fadvise") else CACHED)


@pytest.mark.usefixtures("quick")
def test_what_can_not_be_measured_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = storage_speed(tmp_path / "nowhere")
    assert gone == StorageSpeed(None, None, "could not be measured (No such file or directory)")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert storage_speed(tmp_path).how == "could not be measured (No space left on device)"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_ctrl_c_while_it_measures_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(machine_speed, "_in_order", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage_speed(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_machine_with_little_memory_is_measured_with_little() -> None:
    assert bandwidth(None, 1 << 20) is not None


@pytest.mark.parametrize(
    ("reads", "how", "kind"),
    [
        (10_000.0, DIRECT, "ssd"),
        (90.0, DIRECT, "hdd"),
        (90.0, DROPPED, "hdd"),
        (500.0, DIRECT, "unknown"),
        (900_000.0, CACHED, "unknown"),
        (None, "could not be measured (Permission denied)", "unknown"),
    ],
)
def test_storage_that_does_not_tell_its_kind_is_judged_by_its_random_reads(
    reads: float | None, how: str, kind: str
) -> None:
    assert StorageSpeed(1e8, reads, how).kind() == kind


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "unavailable"), (0, "0 bytes"), (1023, "1023 bytes"), (2048, "2 KiB"), (3 << 30, "3 GiB")],
)
def test_sizes_have_a_unit(count: int | None, text: str) -> None:
    assert size(count) == text


@pytest.fixture
def run_hardware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command in this process and in the project's folder, with its files in a folder of the test's."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(command, [*map(str, arguments), "--out", str(tmp_path / "out")])

    return run


@pytest.mark.usefixtures("quick")
def test_the_command_prints_profile_and_settings_and_writes_both(run_hardware, tmp_path: Path) -> None:
    done = run_hardware("--symbols", 1)
    assert done.exit_code == 0, done.output
    assert "memory bandwidth" in done.output
    assert "random; " in done.output
    assert "Settings for this machine and a market of 1 symbols" in done.output
    assert "server: 32 cores, 128 GiB, storage ssd" in done.output
    written = json.loads((tmp_path / "out" / "hardware.json").read_text())
    assert written["settings"]["workers"] == 1
    assert set(written["settings_of_kinds"]) == {"laptop", "server", "CI runner"}
    assert written["storage"]["sequential_read_bytes_per_second"] > 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["hardware.json"]


def test_the_command_tells_what_was_measured_before(run_hardware, tmp_path: Path) -> None:
    run = {"hardware": hardware_profile(), "totals": [{"workload": "w", "figure": "run", "final_seconds": 0.25}]}
    (tmp_path / "out" / "latest").mkdir(parents=True)
    (tmp_path / "out" / "latest" / "run.json").write_text(json.dumps(run))
    done = run_hardware("--no-measure")
    assert done.exit_code == 0, done.output
    assert done.output.count("  w run, final build: 0.25 s, measured (run.json, totals, final_seconds)\n") == 1
    assert done.output.count("  w run, final build: 0.25 s, modelled (") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere.parquet"], "nowhere.parquet: no such file"),
        (["--data", "pyproject.toml", "--symbols", "3"], "--data and --symbols both name a market"),
        (["--data", "pyproject.toml"], "pyproject.toml: "),
    ],
)
def test_a_wrong_call_says_why_before_anything_is_written(
    run_hardware, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = run_hardware("--no-measure", *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_document_that_is_damaged_is_told(run_hardware, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scaling.json").write_text("[")
    done = run_hardware("--no-measure")
    assert isinstance(done.exception, InputError)
    assert "scaling.json: is damaged" in str(done.exception)
    assert not (tmp_path / "out" / "hardware.json").exists()


def test_the_command_writes_the_settings_for_a_market_into_the_engines_file(
    optimize, project: Path, tmp_path: Path
) -> None:
    data = tmp_path / "bars.parquet"
    generate_market(symbols=3, bars=5).write_parquet(data)
    done = optimize("hardware", "--no-measure", "--data", data, "--write", "--out", tmp_path, cwd=project)
    assert done.returncode == 0, done.stderr
    assert "a market of 3 symbols" in done.stdout
    assert "Written to engine/settings.toml" in done.stdout
    file = project / "engine" / "settings.toml"
    assert file.read_text().count("#") == FILE.read_text().count("#")
    told = json.loads((tmp_path / "hardware.json").read_text())["settings"]
    assert tomlkit.parse(file.read_text()).unwrap() == {name: told[name] for name in NAMES}
    file.write_text("workers = \n")
    done = optimize("hardware", "--no-measure", "--write", "--out", project / "out", cwd=project)
    assert done.returncode == 2
    assert "settings.toml: can't be written" in done.stderr
    assert "Traceback" not in done.stderr
