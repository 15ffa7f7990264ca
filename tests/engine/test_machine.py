"""What the engine reads of the machine, from a tree of proc and sys that a test lays out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.machine import Machine, this_machine
from optimizer import machine_facts
from optimizer.hardware import hardware_profile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty tree."""
    return tmp_path


def lay(root: Path, name: str, text: str) -> None:
    """Write a file of the tree."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def test_where_nothing_can_be_read_only_the_cores_and_the_size_of_the_memory_are_known(root: Path) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert this_machine(root, root) == Machine(cores=machine_facts_cores(), memory_available_bytes=memory)
    assert machine_facts.memory_limit(root) is None
    assert machine_facts.storage(root, root) == {"kind": "unknown", "filesystem": None}


def machine_facts_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limits(root: Path) -> tuple[int | None, float | None]:
    """Return the limits as the engine and as the optimizer read them, which have to be the same."""
    read = this_machine(None, root)
    assert machine_facts.memory_limit(root) == read.memory_limit_bytes
    assert machine_facts.cpu_limit(root) == read.cpu_limit
    return read.memory_limit_bytes, read.cpu_limit


def test_limits_of_version_2_are_the_least_of_the_group_and_those_above(root: Path) -> None:
    lay(root, "proc/self/cgroup", "0::/work/job")
    lay(root, "sys/fs/cgroup/work/job/memory.max", "max")
    lay(root, "sys/fs/cgroup/work/job/cpu.max", "150000 100000")
    lay(root, "sys/fs/cgroup/work/memory.max", "4000000000")
    lay(root, "sys/fs/cgroup/work/cpu.max", "max 100000")
    assert limits(root) == (4_000_000_000, 1.5)


def test_limits_of_version_1_are_those_of_its_controllers(root: Path) -> None:
    lay(root, "proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job\n0::/")
    lay(root, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712")
    assert limits(root) == (None, None)
    lay(root, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000000")
    lay(root, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000")
    lay(root, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000")
    assert limits(root) == (2_000_000_000, 0.5)
    lay(root, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1")
    assert limits(root) == (2_000_000_000, None)


def test_in_a_container_that_sees_only_its_own_group_the_top_counts(root: Path) -> None:
    lay(root, "proc/self/cgroup", "0::/../../elsewhere")
    lay(root, "sys/fs/cgroup/memory.max", "1000000")
    assert limits(root) == (1_000_000, None)


@pytest.mark.parametrize("text", ["", "nonsense", "0", "0::", "a:b:c:d"])
def test_a_group_file_that_says_nothing_gives_no_limit(root: Path, text: str) -> None:
    lay(root, "proc/self/cgroup", text)
    assert limits(root) == (None, None)


def storage(root: Path, folder: Path) -> tuple[str, str | None]:
    """Return the storage as the engine and as the optimizer read it, which have to be the same."""
    read = this_machine(folder, root)
    assert machine_facts.storage(folder, root) == {"kind": read.storage, "filesystem": read.filesystem}
    return read.storage, read.filesystem


@pytest.mark.parametrize(
    ("disk", "flag", "kind"),
    [("sda", "1", "hdd"), ("sda", "0", "ssd"), ("vda", "1", "unknown"), ("vda", "0", "ssd"), ("sda", "?", "unknown")],
)
def test_the_disk_of_a_partition_says_whether_it_turns(root: Path, disk: str, flag: str, kind: str) -> None:
    """A virtual disk says that it turns where nobody told it otherwise."""
    lay(root, f"devices/{disk}/queue/rotational", flag)
    (root / f"devices/{disk}/{disk}1").mkdir()
    (root / "sys/dev/block").mkdir(parents=True)
    (root / "sys/dev/block/8:1").symlink_to(root / f"devices/{disk}/{disk}1")
    lay(root, "proc/self/mountinfo", f"1 0 0:5 / / rw - tmpfs tmpfs rw\n2 1 8:1 / {root} rw shared:1 - ext4 /dev/x rw")
    assert storage(root, root / "not" / "there yet") == (kind, "ext4")


def test_a_file_system_without_a_device_number_is_found_by_its_source(root: Path) -> None:
    lay(root, "devices/nvme0n1/queue/rotational", "0")
    (root / "sys/class/block").mkdir(parents=True)
    (root / "sys/class/block/nvme0n1").symlink_to(root / "devices/nvme0n1")
    lay(root, "proc/self/mountinfo", f"2 1 0:33 /@home {root} rw - btrfs /dev/nvme0n1 rw")
    assert storage(root, root) == ("ssd", "btrfs")


def test_the_nearest_mount_counts_and_the_last_of_those_at_one_place(root: Path) -> None:
    inner = root / "a b"
    lay(
        root,
        "proc/self/mountinfo",
        f"1 0 0:1 / / rw - ext4 /dev/x rw\n2 1 0:2 / {root}/a\\040b rw - nfs4 host:/x rw\n"
        f"3 1 0:3 / {root}/a\\040b rw - tmpfs tmpfs rw\n4 1 0:4 / {root}/a rw - xfs /dev/y rw\nbroken - line",
    )
    assert storage(root, inner) == ("unknown", "tmpfs")
    assert storage(root, root) == ("unknown", "ext4")


def test_the_last_cache_and_the_memory_are_read(root: Path) -> None:
    for place, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("3", "Unified", "32M"), ("2", "Unified", "2048K")]
    ):
        for name, text in (("level", level), ("type", kind), ("size", size)):
            lay(root, f"sys/devices/system/cpu/cpu0/cache/index{place}/{name}", text)
    lay(root, "proc/meminfo", "MemTotal: 2000 kB\nMemFree: 5 kB\nMemAvailable:    1000 kB\nSwapTotal: 0 kB\nOdd:")
    read = this_machine(None, root)
    assert read.last_cache_bytes == 32 << 20
    assert read.memory_available_bytes == 1000 * 1024
    assert machine_facts.caches(root) == {"L1d": 48 << 10, "L1i": 32 << 10, "L2": 2 << 20, "L3": 32 << 20}
    assert machine_facts.memory(root) == {
        "memory_bytes": 2000 * 1024,
        "memory_available_bytes": 1000 * 1024,
        "swap_bytes": 0,
    }


def test_engine_and_optimizer_read_this_machine_alike(tmp_path: Path) -> None:
    """Each reads for itself, since neither may hang on the other."""
    read, profile = this_machine(tmp_path), hardware_profile(folder=tmp_path)
    assert read.cores == profile["cores"]
    assert read.cpu_limit == profile["cpu_limit"]
    assert read.memory_limit_bytes == profile["memory_limit_bytes"]
    assert (read.storage, read.filesystem) == (profile["storage"]["kind"], profile["storage"]["filesystem"])
    assert read.last_cache_bytes == max(filter(None, profile["caches"].values()), default=None)
