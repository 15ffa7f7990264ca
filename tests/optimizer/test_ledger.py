"""The ledger takes runs and decisions once and for ever, and a damaged one stops nobody."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import InputError
from optimizer.ledger import LEDGER, Ledger, keep
from optimizer.ledger_schema import statements
from optimizer.run_documents import machine_of, run_document
from tests.optimizer.run_values import HARDWARE, a_run

ROOT = Path(__file__).parents[2]
TABLES = ("changes", "decisions", "machines", "notices", "runs", "samples", "totals")


@pytest.fixture
def ledger(tmp_path: Path):
    """A ledger with a run, a notice and a decision."""
    with Ledger(tmp_path / LEDGER) as ledger:
        ledger.append_run(a_run())
        front = {"ecn": "ECN-0001", "seal": "s" * 64, "optimization": "caching/once", "run": "20260101T000000Z-0000"}
        ledger.append_notice(front, "t" * 64)
        ledger.append_decision("ECN-0001", "accepted", "it is twice as fast", seal="s" * 64)
        yield ledger


@pytest.mark.parametrize("schema", [1, 2])
def test_a_run_is_appended_once_with_all_that_was_measured(tmp_path: Path, schema: int) -> None:
    with Ledger(tmp_path / LEDGER) as ledger:
        assert ledger.append_run(a_run(schema=schema))
        assert not ledger.append_run(a_run(schema=schema, focus="all"))
        (run,) = ledger.query("SELECT * FROM runs")
        (change,) = ledger.query("SELECT * FROM changes")
        (total,) = ledger.query("SELECT * FROM totals")
        samples = ledger.query("SELECT arm, place, seconds FROM samples ORDER BY arm, place")
        (read,) = ledger.runs()
    assert (run["focus"], run["aa_passed"], run["build_after"]) == ("caching", 1, '["caching/once"]')
    assert (change["seconds_before"], change["ratio"], change["low"], change["pairs"]) == (2.0, 2.0, 1.9, 8)
    assert change["bound_low"] == (1.8 if schema == 2 else None)
    assert total["final_seconds"] == 1.0
    assert [tuple(one.values()) for one in samples][:2] == ([("after", 0, 1.0), ("after", 1, 1.05)] * (schema - 1))
    kept = {name: value for name, value in a_run(schema=schema).items() if name != "hotspots"}
    assert read == run_document(kept, "")


def test_a_run_without_a_fingerprint_of_its_hardware_gets_one_that_versions_do_not_move() -> None:
    assert machine_of(HARDWARE) == machine_of(HARDWARE | {"python": "3.14", "fingerprint": "0"})
    assert machine_of(HARDWARE) != machine_of(HARDWARE | {"cores": 4})


@pytest.mark.parametrize("table", TABLES)
def test_nothing_in_it_can_be_changed_deleted_or_replaced(ledger: Ledger, table: str) -> None:
    everything = f"SELECT * FROM {table}"  # noqa: S608 - one of ours
    before = ledger.query(everything)
    name = next(iter(before[0]))
    for start, end in (("UPDATE", f"SET {name} = {name}"), ("DELETE FROM", ""), ("INSERT OR REPLACE INTO", everything)):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            ledger.query(f"{start} {table} {end}")
    assert ledger.query(everything) == before


def test_two_processes_append_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom optimizer.ledger import Ledger\n"
        "from tests.optimizer.run_values import a_run\n"
        "for place in range(25):\n    with Ledger(Path(sys.argv[1])) as ledger:\n"
        "        ledger.append_run(a_run(f'run-{place if place < 5 else sys.argv[2] + str(place)}'))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / LEDGER)]
    both = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("a", "b")]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    with Ledger(tmp_path / LEDGER) as ledger:
        assert len(ledger.runs()) == 45


@pytest.mark.parametrize("kind", ["not a database", "cut short", "of another program", "of a newer version"])
def test_a_file_that_can_not_be_used_is_told_and_stops_nobody(tmp_path: Path, kind: str) -> None:
    path = tmp_path / LEDGER
    with Ledger(path) as ledger:
        ledger.append_run(a_run())
    if kind == "not a database":
        path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    elif kind == "cut short":
        path.write_bytes(path.read_bytes()[:-8192])
    else:
        base = sqlite3.connect(path)
        base.execute("PRAGMA application_id = 7" if kind == "of another program" else "PRAGMA user_version = 99")
        base.commit()
        base.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"[Mm]ove .*away; a new one is begun") as caught:
        Ledger(path)
    assert str(caught.value).startswith(str(path))
    said: list[str] = []
    assert keep(tmp_path, lambda ledger: ledger.append_run(a_run()), said.append) is None
    assert len(said) == 1
    assert said[0].startswith(f"warning: the ledger was not written: {path}: ")
    assert "\n" not in said[0]
    assert path.read_bytes() == before
    path.rename(tmp_path / "away")
    assert keep(tmp_path, lambda ledger: ledger.append_run(a_run()), said.append) is True


@pytest.mark.parametrize("wrong", [{}, {"schema": 3}, {"schema": 2, "run_id": "x"}, []])
def test_what_is_no_run_is_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(InputError, match="run"):
        run_document(wrong, tmp_path)


@pytest.mark.parametrize("field", ["hardware", "changes", "totals", "aa_control", "golden", "data"])
@pytest.mark.parametrize("value", [None, 7, "text", [7], {"a": [None]}])
def test_a_run_with_parts_of_another_kind_is_taken_for_what_it_tells(tmp_path: Path, field: str, value: Any) -> None:
    with Ledger(tmp_path / LEDGER) as ledger:
        assert ledger.append_run(a_run(**{field: value}))
        assert len(ledger.runs()) == 1


def test_the_example_query_of_the_documentation_answers(ledger: Ledger) -> None:
    text = (ROOT / "docs" / "NOTICES.md").read_text(encoding="utf-8")
    queries = [part.split("```")[0] for part in text.split("```sql\n")[1:]]
    assert len(queries) >= 2
    assert [bool(ledger.query(query)) for query in queries] == [True] * len(queries)


def test_the_documentation_names_every_table() -> None:
    text = (ROOT / "docs" / "NOTICES.md").read_text(encoding="utf-8")
    made = [one.split()[2] for one in statements() if one.startswith(("CREATE TABLE", "CREATE VIEW"))]
    assert [name for name in made if f"| `{name}` |" not in text] == []


def test_a_document_is_kept_as_json(ledger: Ledger) -> None:
    (row,) = ledger.query("SELECT document FROM runs")
    assert json.loads(row["document"])["run_id"] == "20260101T000000Z-0000"
