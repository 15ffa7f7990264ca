"""The ledger: an append-only record of runs, notices and decisions, in SQLite, that people can query.

A rollback journal, not a write-ahead log: the ledger is one file, so that it can be copied, and it works on a network
folder; writers are few, and wait for each other. Triggers refuse to change or delete what stands there.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from optimizer.errors import InputError
from optimizer.ledger_rows import change_row, machine_row, paired, run_row, sample_rows, total_row
from optimizer.ledger_schema import APPLICATION, VERSION, statements
from optimizer.run_documents import RunDocument, run_document

LEDGER = "ledger.sqlite"
_WAIT_SECONDS = 30.0
_AWAY = "Move it away; a new one is begun"
_LEFT_OUT = ("hotspots",)  # of a document: large, and in the run's own files
T = TypeVar("T")


class Ledger:
    """The ledger in a file, begun where there is none; a context manager, which closes it.

    Raises:
        InputError: where the file is damaged, is no ledger, or is one of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._base = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                self._begin()
            except BaseException:
                self._base.close()
                raise

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._base.close()

    def append_run(self, run: Mapping[str, Any]) -> bool:
        """Append a run, as run.json has it; return whether it was new. A run that is there already stays as it is.

        Raises:
            InputError: where this is no run, or the ledger can't be written.
        """
        found = run_document(dict(run), "the run")
        kept = {name: value for name, value in run.items() if name not in _LEFT_OUT}
        with self._told(), self._writing():
            if self._has("runs", run_id=found.run_id):
                return False
            if not self._has("machines", machine=found.machine):
                self._insert("machines", machine_row(found))
            self._insert("runs", run_row(found) | {"document": json.dumps(kept, allow_nan=False)})
            for raw, one in paired(found):
                self._insert("changes", change_row(found.run_id, raw, one))
                for row in sample_rows(found.run_id, one.name, raw):
                    self._insert("samples", row)
            for one in {(one.scenario, one.figure, one.data): one for one in found.totals}.values():
                self._insert("totals", total_row(found.run_id, one))
        return True

    def append_notice(self, front: Mapping[str, Any], body_sha256: str) -> bool:
        """Append a notice as it was written, known by its number and seal; return whether it was new.

        Raises:
            InputError: where the ledger can't be written.
        """
        row = {"ecn": front["ecn"], "seal": front["seal"], "written_at": _now(), "optimization": front["optimization"]}
        row |= {"run_id": front.get("run"), "front": json.dumps(dict(front)), "body_sha256": body_sha256}
        with self._told(), self._writing():
            if self._has("notices", ecn=front["ecn"], seal=front["seal"]):
                return False
            self._insert("notices", row)
        return True

    def append_decision(
        self,
        ecn: str,
        decision: str,
        why: str,
        *,
        seal: str,
        at: str | None = None,
        machine: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Append a decision on a notice: accepted, rejected, withdrawn, superseded, or what verify has found.

        `seal` is the digest of the notice as it stood, `details` whatever JSON tells more.

        Raises:
            InputError: where the ledger can't be written.
        """
        row = {"at": at or _now(), "ecn": ecn, "decision": decision, "why": why, "seal": seal, "machine": machine}
        with self._told(), self._writing():
            self._insert("decisions", row | {"details": None if details is None else json.dumps(dict(details))})

    def runs(self) -> list[RunDocument]:
        """Return all runs, the oldest first."""
        rows = self.query("SELECT document FROM runs ORDER BY started_at, run_id")
        return [run_document(json.loads(row["document"]), self.path) for row in rows]

    def notices(self, ecn: str) -> list[dict[str, Any]]:
        """Return what a notice was whenever it was written, the latest first: `seal`, `front`, `body_sha256`."""
        told = "SELECT seal, front, body_sha256, written_at FROM notices WHERE ecn = ? ORDER BY rowid DESC"
        return [row | {"front": json.loads(row["front"])} for row in self.query(told, ecn)]

    def decisions(self, ecn: str | None = None) -> list[dict[str, Any]]:
        """Return the decisions on a notice, or on all of them, the oldest first."""
        asked = ("WHERE ecn = ? ", (ecn,)) if ecn else ("", ())
        return self.query(f"SELECT * FROM decisions {asked[0]}ORDER BY number", *asked[1])  # noqa: S608 - our own text

    def highest_number(self) -> int:
        """Return the highest number of a notice that was ever written or decided on, or 0."""
        rows = self.query("SELECT ecn FROM notices UNION SELECT ecn FROM decisions")
        return max((int(row["ecn"].removeprefix("ECN-")) for row in rows if _is_number(row["ecn"])), default=0)

    def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Return the rows of a query, by column."""
        with self._told():
            cursor = self._base.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _begin(self) -> None:
        """Make an empty file a ledger; two at once make it once."""
        self._base.execute("PRAGMA foreign_keys = ON")
        if self._is_empty():
            with self._writing():
                if self._is_empty():
                    for statement in statements():
                        self._base.execute(statement)
                    return
        if self._pragma("application_id") != APPLICATION:
            raise InputError("is a database of another program", where=self.path, hint=_AWAY)
        if self._pragma("user_version") > VERSION:
            hint = "Update exact-change, or move the file away; a new one is begun"
            raise InputError("was written by a newer version", where=self.path, hint=hint)
        if (fault := self._pragma("quick_check(1)")) != "ok":
            raise InputError(f"is damaged ({' '.join(str(fault).split())})", where=self.path, hint=_AWAY)

    def _is_empty(self) -> bool:
        return self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0  # type: ignore[no-any-return]

    def _pragma(self, name: str) -> Any:
        return self._base.execute(f"PRAGMA {name}").fetchone()[0]

    def _has(self, table: str, **key: object) -> bool:
        asked = " AND ".join(f"{name} = ?" for name in key)
        found = self._base.execute(f"SELECT 1 FROM {table} WHERE {asked}", tuple(key.values()))  # noqa: S608 - our names
        return found.fetchone() is not None

    def _insert(self, table: str, row: Mapping[str, object]) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._base.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - our names

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction, whole or not at all, for which other writers wait."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into an error that people can act on."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # our own mistake, not the file's
        except sqlite3.OperationalError as error:
            hint = "Look at its folder: room, rights, another program that holds it; or move it away"
            raise InputError(f"can't be used ({error})", where=self.path, hint=hint) from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"is damaged, or no ledger ({error})", where=self.path, hint=_AWAY) from error


@cache
def tell_once(text: str) -> None:
    """Print a line where errors go; the same one once."""
    print(text, file=sys.stderr, flush=True)


def keep(out: Path, write: Callable[[Ledger], T], say: Callable[[str], None] = tell_once) -> T | None:
    """Do something with the ledger of a folder; where it can't be used, say so and return None: it stops nobody."""
    try:
        with Ledger(out / LEDGER) as ledger:
            return write(ledger)
    except (InputError, OSError, sqlite3.Error, ValueError) as error:
        say(f"warning: the ledger was not written: {' '.join(str(error).split())}")
        return None


def look(out: Path, read: Callable[[Ledger], T], say: Callable[[str], None] = tell_once) -> T | None:
    """Read from the ledger of a folder; None where there is none, or it can't be used, which is said."""
    return keep(out, read, say) if (out / LEDGER).is_file() else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_number(ecn: str) -> bool:
    return re.fullmatch(r"ECN-\d{4,}", ecn) is not None
