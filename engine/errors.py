"""What the engine says when its input can't be used."""

from __future__ import annotations


class InputError(ValueError):
    """Input that can't be used: what is wrong, where, and what to do about it."""

    def __init__(self, what: str, *, where: object = None, hint: str = "") -> None:
        self.what = what
        self.where = "" if where is None else str(where)
        self.hint = hint
        super().__init__(self.__str__())

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f". {self.hint}" if self.hint else "")
