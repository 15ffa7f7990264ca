"""What memory a run takes, and what it does not give back: by memray."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from optimizer.profilers.part import part_of
from optimizer.subject import Session, Subject

LEAK_ROWS = 5_000
LEAST_LEAK = 4096  # bytes a run: libraries fill caches of their own for hundreds of runs, by less a run
_SHOWN = 12
_REPORT_SECONDS = 120.0
CAPTURE, REPORT = "memory.bin", "memory.html"

Bytes = dict[tuple[str, str, int], tuple[int, int]]
"""The bytes and the number of allocations of each line of the engine: by function, file and line."""


def profile_memory(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Track loading and one run of a scenario, then look for what grows from run to run.

    Every allocation counts, those of Python's own allocator one by one. The peak is that of what was allocated while
    it was tracked: the code, and what was there before, are not in it.
    """
    import memray  # not to be had everywhere
    from memray._memray import compute_statistics  # what its own `memray stats` takes

    capture = Path(job["folder"]) / CAPTURE
    session.prepare(job["scenario"])()  # code that is loaded on the first run is not data
    gc.collect()
    with _tracker(memray, capture):
        loaded = subject.load(job["build"], Path(job["data"]), job["on_bad_bars"])
        loaded.prepare(job["scenario"])()
    statistics = compute_statistics(str(capture))
    with memray.FileReader(capture) as reader:
        peak = _by_line(reader.get_high_watermark_allocation_records(merge_threads=True), subject.source_root)
        peak_bytes = reader.metadata.peak_memory
    part, what = part_of(session, LEAK_ROWS)
    found = _leaks(memray, part.prepare(job["scenario"]), Path(job["folder"]), subject.source_root)
    return {
        "memory": {
            "peak_bytes": peak_bytes,
            "allocations": statistics.total_num_allocations,
            "allocated_bytes": statistics.total_memory_allocated,
            "top": _top(peak),
            "leaks": found,
            "leaks_on": what,
        },
        "files": {"memory_capture": CAPTURE, "memory_report": _report(capture, Path(job["folder"]) / REPORT)},
    }


def _leaks(memray: Any, run: Callable[[], object], folder: Path, root: Path) -> list[dict[str, Any]]:
    """Return what two runs leave behind more than one run does, by function.

    What is merely replaced by the next run is left once by either, and so does not count; what is kept on the first
    run, as by a cache, was kept before.
    """
    for _ in range(2):
        run()
    left = []
    for runs in (1, 2):
        capture = folder / f"left-by-{runs}.bin"
        gc.collect()
        with _tracker(memray, capture):
            for _ in range(runs):
                run()
            gc.collect()
        with memray.FileReader(capture) as reader:
            left.append(_by_line(reader.get_leaked_allocation_records(merge_threads=True), root))
        capture.unlink()
    once, twice = (_by_function(one) for one in left)
    grown: list[dict[str, Any]] = []
    for (function, file), (size, _, line) in twice.items():
        before = once.get((function, file), (0, 0, line))[0]
        if before and size - before >= LEAST_LEAK:
            leak = {"function": function, "file": file, "line": line, "bytes": size, "per_run_bytes": size - before}
            grown.append(leak)
    return sorted(grown, key=lambda leak: (-leak["per_run_bytes"], leak["file"], leak["line"]))[:_SHOWN]


def _tracker(memray: Any, path: Path) -> Any:
    return memray.Tracker(
        destination=memray.FileDestination(str(path), overwrite=True), trace_python_allocators=True, follow_fork=False
    )


def _by_line(records: Iterable[Any], root: Path) -> Bytes:
    """Return what is allocated by each line of the engine, and by what it calls outside the engine."""
    sizes: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        for function, file, line in record.stack_trace():
            path = Path(file)
            if path.is_relative_to(root):
                told = sizes[function, path.relative_to(root).as_posix(), line]
                told[0] += record.size
                told[1] += record.n_allocations
                break
    return {place: (size, count) for place, (size, count) in sizes.items()}


def _by_function(lines: Bytes) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return the bytes, the allocations and the line with the most bytes of each function."""
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for (function, file, line), (size, count) in sorted(lines.items(), key=lambda item: (-item[1][0], item[0])):
        whole, counted, first = found.get((function, file), (0, 0, line))
        found[function, file] = whole + size, counted + count, first
    return found


def _top(peak: Bytes) -> list[dict[str, Any]]:
    found = sorted(_by_function(peak).items(), key=lambda item: (-item[1][0], item[0]))
    return [
        {"function": function, "file": file, "line": line, "bytes": size, "allocations": count}
        for (function, file), (size, count, line) in found[:_SHOWN]
    ]


def _report(capture: Path, report: Path) -> str | None:
    """Have memray draw its flame graph of the peak, with all it needs in the one file; None where it can't."""
    command = [sys.executable, "-m", "memray", "flamegraph", "--no-web", "--force", "-o", str(report), str(capture)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_REPORT_SECONDS)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return report.name
