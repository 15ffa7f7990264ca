"""A part of the data, where a kind of profile would take too long on all of it."""

from __future__ import annotations

from optimizer.subject import Session


def part_of(session: Session, rows: int) -> tuple[Session, str]:
    """Return the session of the first timestamps that have no more than so many rows, and what that is in words."""
    if session.rows <= rows:
        return session, f"all {session.rows:,} rows"
    timestamps = session.bars["timestamp"].to_physical()
    last = timestamps[rows]  # sorted by timestamp
    before = timestamps.filter(timestamps < last)
    last = before[-1] if len(before) else last
    part = session.until(int(last))
    return part, f"the first {part.rows:,} of {session.rows:,} rows"
