"""Tables kept on disk between runs: mapped when they are read, and never trusted.

A kept table is one uncompressed Arrow file below `cache_root()`. Its name comes from its key, which is the content
and the code that it depends on; the file has the key and a digest of its values with it. What does not fit, or can't
be read, is dropped, told on the log, and computed again by whoever asked. A file is written aside and put in place
in one step, so that readers and writers need no lock: two that write at once write the same.

How much is kept, and how it is read, the settings say (engine/settings.py): `engine.eviction` removes what was used
longest ago.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from polars.exceptions import PanicException, PolarsError
from pyarrow import ipc

from engine.eviction import fits, make_room, used
from engine.settings import MachineSettings, settings
from engine.sources import PACKAGE, code_digest

log = logging.getLogger("engine.cache")
Key = Mapping[str, str | int]
_KEY, _DIGEST = b"exact-change.key", b"exact-change.digest"


def cache_root() -> Path:
    """Return the folder of all caches: EXACT_CHANGE_CACHE, or data/cache of the project, or the user's cache."""
    if named := os.environ.get("EXACT_CHANGE_CACHE"):  # exact: where it is kept, not what
        return Path(named)
    project = PACKAGE.parent
    if (project / "pyproject.toml").is_file():
        return project / "data" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "exact-change"  # exact: where it is kept


def key_hash(key: Key) -> str:
    """Return a short name for a key."""
    return hashlib.sha256(key_text(key).encode()).hexdigest()[:32]


_ahead: dict[Path, tuple[threading.Thread, list[str]]] = {}  # exact: digests of contents, each asked for once
_PIECE = 1 << 18  # bytes: stays in a core's own cache
_AT_ONCE = 1 << 26  # bytes: while another thread is busy, each turn that this one needs is waited for


@contextmanager
def reading_ahead(path: Path) -> Iterator[None]:
    """Begin to take the SHA-256 of a file's content, for the first `content_of` of it before this ends."""
    found: list[str] = []

    def take() -> None:
        with suppress(OSError), path.open("rb", buffering=0) as file:
            digest = hashlib.sha256()
            while part := file.read(_AT_ONCE):
                digest.update(part)
            found.append(digest.hexdigest())

    thread = threading.Thread(target=take, daemon=True)  # exact: one value, that is read when the thread has ended
    _ahead[path] = thread, found
    thread.start()
    try:
        yield
    finally:
        _ahead.pop(path, None)  # a later one looks at the file anew


def content_of(path: Path) -> str | None:
    """Return the SHA-256 of a file's content; None where it can't be read."""
    if begun := _ahead.pop(path, None):
        thread, found = begun
        thread.join()
        if found:
            return found[0]
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def fingerprint_of(path: Path) -> str | None:
    """Return 128 bits of XXH3 of a file's content, for what this process keeps; None where it can't be read.

    It takes a fraction of the time of `content_of`, and tells contents apart as well, but for those that somebody has
    made to have the same one.
    """
    digest, room = xxhash.xxh3_128(), memoryview(bytearray(_PIECE))
    try:
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(room):
                digest.update(room[:size])
    except OSError:
        return None
    return digest.hexdigest()


def keep(path: Path, table: pl.DataFrame, key: Key) -> bool:
    """Write a table under its key; tell where it can't be written, and go on."""
    arrow = table.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    arrow = arrow.replace_schema_metadata({_KEY: key_text(key).encode(), _DIGEST: digest_of(table).encode()})

    def write(temporary: Path) -> None:
        with pa.OSFile(str(temporary), "wb") as sink, ipc.new_file(sink, arrow.schema) as writer:
            writer.write_table(arrow)

    return put_in_place(path, write)


def put_in_place(path: Path, write: Callable[[Path], None]) -> bool:
    """Write a file aside and put it in place in one step; tell where that can't be done, and go on."""
    aside = f"{os.getpid()}.{secrets.token_hex(4)}"  # exact: the name of a file that is renamed at once
    temporary = path.with_name(f".{path.name}.{aside}")
    root = cache_root()
    budget = settings(root).cache_bytes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            if not fits(root, path, temporary, budget):
                return False
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        make_room(root, path, budget)
    except (OSError, PolarsError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        log.warning("%s: can't be kept (%s), so it is computed every time", path, why)
        return False
    return True


def kept(path: Path, key: Key) -> pl.DataFrame | None:
    """Return the table that was kept under this key; None where there is none.

    Its numbers are mapped from the file, or read into memory where the settings say so.
    """
    try:
        if not path.is_file():
            return None
        with _opened(path, settings(cache_root())) as source:
            arrow = ipc.open_file(source).read_all()
        meta = arrow.schema.metadata or {}
        if meta.get(_KEY) != key_text(key).encode():
            why = "belongs to another key"
        else:
            arrow.validate(full=True)  # text that points outside of the file must not be followed
            table = pl.DataFrame(pl.from_arrow(arrow))
            if meta.get(_DIGEST) == digest_of(table).encode():
                used(path)
                return table
            why = "is damaged: its values do not have their digest"
    except FileNotFoundError:
        return None  # another process has just made room
    except (pa.ArrowException, PanicException, PolarsError, OSError, UnicodeDecodeError) as error:
        why = f"can't be read ({' '.join(str(error).split())[:120]})"
    drop(path, why)
    return None


def _opened(path: Path, how: MachineSettings) -> pa.NativeFile:
    """Open a file to be mapped or read; from a disk that turns it is fetched ahead, whole and in order.

    All of it is needed at once, for the digest; a mapped file would be fetched where that happens to touch it.
    """
    if how.io == "hdd" and hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
    return pa.memory_map(str(path), "r") if how.mmap else pa.OSFile(str(path), "rb")


def drop(path: Path, why: str) -> None:
    """Remove a file that does not hold what it should, and tell."""
    log.warning("%s: %s; dropped, and computed again", path, why)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s: can't be removed (%s)", path, error.strerror or error)


def key_text(key: Key) -> str:
    """Return the key as text, with the code that it is for."""
    return json.dumps(dict(key) | {"code": code_digest()}, sort_keys=True)


def digest_of(table: pl.DataFrame) -> str:
    """Return the digest of a table's names, types and values, to tell damage: fast, and no proof against forgery."""
    digest = xxhash.xxh3_128()
    rows = settings(cache_root()).chunk_rows
    for column in table:
        digest.update(f"{column.name}\0{column.dtype}\0{len(column)}\0".encode())
        if column.dtype == pl.String:
            for buffer in column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[1:]:
                digest.update(buffer or b"")
        else:
            # a chunk at a time, since values are copied to be hashed where they are flags; nulls decide for all as what
            step = max(1, len(column)) if column.has_nulls() else rows
            for start in range(0, len(column), step):
                part = column.slice(start, step)
                digest.update(np.ascontiguousarray(part.to_physical().to_numpy()).view(np.uint8).data)
    return digest.hexdigest()
