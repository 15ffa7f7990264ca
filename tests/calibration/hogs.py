"""Processes that hog the machine while something is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_HOG = """
import os, sys
while os.getppid() == int(sys.argv[1]):  # it ends with the one that started it, however that ends
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def hogs(count: int) -> Iterator[list[int]]:
    """Keep so many busy loops running, and give their process ids."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            command = [sys.executable, "-I", "-S", "-c", _HOG, str(os.getpid())]
            running.append(subprocess.Popen(command, start_new_session=True))
        yield [one.pid for one in running]
    finally:
        for one in running:
            one.kill()
        for one in running:
            one.wait()
