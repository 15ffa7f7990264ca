"""The tables of the ledger, for SQLite. docs/NOTICES.md shows what to ask them."""

from __future__ import annotations

APPLICATION = 0x45434C47  # "ECLG": marks the file as a ledger of this program
VERSION = 1  # in user_version; a change to the tables raises it

_TABLES = {
    "machines": """
        machine TEXT PRIMARY KEY, first_seen TEXT NOT NULL, cpu TEXT, cores INTEGER, memory_bytes INTEGER, simd TEXT,
        system TEXT
    """,
    "runs": """
        run_id TEXT PRIMARY KEY, started_at TEXT NOT NULL, focus TEXT, machine TEXT REFERENCES machines, hardware TEXT,
        golden_digest TEXT, data TEXT, data_sha256 TEXT, build_before TEXT NOT NULL, build_after TEXT NOT NULL,
        aa_ratio REAL, aa_low REAL, aa_high REAL, aa_passed INTEGER, exit_code INTEGER, document TEXT NOT NULL
    """,
    "changes": """
        run_id TEXT NOT NULL REFERENCES runs, name TEXT NOT NULL, ecn TEXT, verdict TEXT, reason TEXT, scenario TEXT,
        figure TEXT, data TEXT, control TEXT NOT NULL, source_digest TEXT, seconds_before REAL, seconds_after REAL,
        ratio REAL, low REAL, high REAL, bound_low REAL, bound_high REAL, pairs INTEGER, peak_before REAL,
        peak_after REAL, PRIMARY KEY (run_id, name)
    """,
    "totals": """
        run_id TEXT NOT NULL REFERENCES runs, scenario TEXT NOT NULL, figure TEXT NOT NULL, data TEXT NOT NULL,
        reference_seconds REAL, final_seconds REAL, ratio REAL, low REAL, high REAL,
        PRIMARY KEY (run_id, scenario, figure, data)
    """,
    "samples": """
        run_id TEXT NOT NULL REFERENCES runs, name TEXT NOT NULL, arm TEXT NOT NULL, place INTEGER NOT NULL,
        seconds REAL NOT NULL, PRIMARY KEY (run_id, name, arm, place)
    """,
    "notices": """
        ecn TEXT NOT NULL, seal TEXT NOT NULL, written_at TEXT NOT NULL, optimization TEXT NOT NULL, run_id TEXT,
        front TEXT NOT NULL, body_sha256 TEXT NOT NULL, PRIMARY KEY (ecn, seal)
    """,
    "decisions": """
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, ecn TEXT NOT NULL, decision TEXT NOT NULL, why TEXT NOT NULL,
        seal TEXT NOT NULL, machine TEXT, details TEXT
    """,
}
_KEYS = {
    "machines": ("machine",),
    "runs": ("run_id",),
    "changes": ("run_id", "name"),
    "totals": ("run_id", "scenario", "figure", "data"),
    "samples": ("run_id", "name", "arm", "place"),
    "notices": ("ecn", "seal"),
    "decisions": ("number",),
}
_VIEW = """
    CREATE VIEW history AS SELECT runs.started_at, runs.machine, changes.name, changes.scenario, changes.figure,
    changes.verdict, changes.seconds_before, changes.seconds_after, changes.ratio, changes.low, changes.high,
    changes.ecn, changes.run_id FROM changes JOIN runs USING (run_id) ORDER BY runs.started_at
"""


def statements() -> list[str]:
    """Return what makes an empty file a ledger."""
    made = [f"CREATE TABLE {table} ({' '.join(columns.split())})" for table, columns in _TABLES.items()]
    guards = [guard for table in _TABLES for guard in _guards(table)]
    head = [f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {VERSION}"]
    return [*head, *made, *guards, " ".join(_VIEW.split())]


def _guards(table: str) -> list[str]:
    """Return the triggers that refuse to change or delete a row, in place of which INSERT OR REPLACE would, too."""
    refuse = "SELECT RAISE(ABORT, 'the ledger is append-only')"
    same = " AND ".join(f"{key} = NEW.{key}" for key in _KEYS[table])
    there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - our own names
    return [
        f"CREATE TRIGGER {table}_{what.lower()} BEFORE {what} ON {table} {when} BEGIN {refuse}; END"
        for what, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", there))
    ]
