"""Telling people what goes on: a moving line on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

_PIPE_WIDTH = 140


def make_console(*, stderr: bool = False) -> Console:
    """Return a console: colour and movement on a terminal only."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, soft_wrap=True, width=_PIPE_WIDTH, no_color=True)
    return console


class Progress:
    """Stages are lines that stay; ticks within them move on a terminal and are left out of a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._stage = ""

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, markup=False)

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Name a stage of the work while it lasts."""
        self._stage = text
        if not self.console.is_terminal:
            self.say(f"{text} ...")
            yield
            return
        with self.console.status(text) as self._status:
            yield
        self._status = None

    def tick(self, text: str) -> None:
        """Say what is done within the stage just now."""
        if self._status is not None:
            self._status.update(f"{self._stage}: {text}")
