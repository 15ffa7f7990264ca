"""What ends a command, with the exit code that it ends with."""

from __future__ import annotations


class InputError(Exception):
    """Input or a call that can't be used: what is wrong, where, and what to do about it."""

    exit_code = 2

    def __init__(self, what: str, *, where: object = None, hint: str = "") -> None:
        self.what = what
        self.where = "" if where is None else str(where)
        self.hint = hint
        super().__init__(self.__str__())

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f". {self.hint}" if self.hint else "")


class CheckError(Exception):
    """A check that failed: something is not what it has to be."""

    exit_code = 1
