"""A light process to be measured: `python -I -S light.py COUNT RUNS`.

It runs a loop over integers once, and RUNS times more, and prints what a worker of the optimizer reports of a run. It
imports next to nothing, so that it is started in some hundredths of a second.
"""

import resource
import sys
import time


def work(count: int) -> int:
    """Return a state after so many steps of a linear congruential generator: nothing but integers in a loop."""
    state = 1
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return state


def timed(count: int) -> str:
    """Run the loop, and return its times in nanoseconds as JSON."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    state = work(count)
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return f'{{"wall_ns": {wall}, "cpu_ns": {cpu}, "tables_ns": 0, "digests": {{"state": "{state}"}}}}'


def main() -> None:
    """Print the runs and the peak memory."""
    count, more = int(sys.argv[1]), int(sys.argv[2])
    runs = ", ".join(timed(count) for _ in range(1 + more))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f'{{"load_ns": 1000000, "peak_bytes": {peak}, "runs": [{runs}]}}')


if __name__ == "__main__":
    main()
