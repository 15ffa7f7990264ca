"""Read bars from a checked Parquet copy in place of CSV text, and from Parquet only the columns that are needed.

How: The bars of a CSV file, once checked, typed and sorted, are kept as a compressed Parquet file in the cache; the
next load of the same content reads them from there, and the notes of the load with them. From a long Parquet file
only the columns that are kept are read, the seven of a bar and further ones of numbers; the checks and their errors
are the reference's own.

Exact: A copy is found by the SHA-256 of the file's content, by what to do with bad bars, and by the code and the
Polars that made it. Its values have a digest, which is taken again at each load: a copy that does not fit is dropped,
told on the log, and made again. What is refused is never kept. What can't be read by columns is read whole, as
before, so that its error is the same.

Risk: The first load of a CSV file pays for the copy, and each later one for reading the whole text once, to hash it.
The copies take disk space, about a third of the text, until the budget of the caches makes them go. A Parquet file
without columns of text or flags loads no faster, and damage inside such a column is no longer seen. The digest tells
damage; it is no proof against someone who forges the cache.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
from polars.exceptions import PanicException, PolarsError
from pyarrow import parquet

from engine.catalog import optimization
from engine.disk import Key, cache_root, content_of, digest_of, drop, key_hash, key_text, put_in_place
from engine.errors import InputError
from engine.eviction import used
from engine.pipeline import Loaded, LoaderComponent
from engine.reference.columns import COLUMNS, extras_of
from engine.reference.loader import WAYS, check_bars
from engine.reference.page_headers import has_damaged_page

_KEY, _DIGEST, _NOTES = b"exact-change.key", b"exact-change.digest", b"exact-change.notes"


@optimization(component="loader", workload="load-csv")
def parquet_copy(inner: LoaderComponent) -> LoaderComponent:
    """Wrap the loader; tables and files of other formats are left to it."""

    def load(source: Path | pl.DataFrame, on_bad_bars: str) -> Loaded:
        if not isinstance(source, Path) or on_bad_bars not in WAYS or not source.is_file():
            return inner(source, on_bad_bars)
        if source.suffix.lower() == ".csv":
            return _load_text(inner, source, on_bad_bars)
        if source.suffix.lower() == ".parquet" and (needed := _read_needed(source)) is not None:
            raw, unread = needed
            return check_bars(raw, source, on_bad_bars, unread)
        return inner(source, on_bad_bars)

    return load


def _read_needed(path: Path) -> tuple[pl.DataFrame, list[str]] | None:
    """Return the columns of a long table that are kept, and the names of those that are not.

    None where they can't be had so, or there is nothing to leave out: whoever reads all will say why, or do.
    """
    try:
        schema = pl.scan_parquet(path, hive_partitioning=False, glob=False).collect_schema()
        extras, dropped = extras_of(schema)
        if not dropped or not schema.keys() >= set(COLUMNS) or has_damaged_page(path):
            return None
        needed = {*COLUMNS, *extras}
        places = [place for place, name in enumerate(schema) if name in needed]  # a name may look like a pattern
        return pl.read_parquet(path, columns=places, hive_partitioning=False, glob=False), dropped
    except (PolarsError, OSError, PanicException):
        return None


def _load_text(inner: LoaderComponent, path: Path, on_bad_bars: str) -> Loaded:
    content = content_of(path)
    if content is None:
        return inner(path, on_bad_bars)
    key = {"what": "bars of CSV", "source": content, "on_bad_bars": on_bad_bars, "polars": pl.__version__}
    copy = cache_root() / "bars" / f"{key_hash(key)}.parquet"
    if (loaded := _kept(copy, key)) is not None:
        return loaded
    loaded = inner(path, on_bad_bars)
    if content_of(path) == content:  # else it was written to meanwhile, and which content was read is not known
        _keep(copy, loaded, key)
    return loaded


def _keep(copy: Path, loaded: Loaded, key: Key) -> None:
    texts = {_KEY: key_text(key), _DIGEST: _digest(loaded), _NOTES: json.dumps(loaded.notes)}
    arrow = loaded.bars.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(texts)
    put_in_place(copy, lambda path: parquet.write_table(arrow, path, compression="zstd", write_page_checksum=True))


def _kept(copy: Path, key: Key) -> Loaded | None:
    try:
        if not copy.is_file():
            return None
        # by Arrow, which refuses what is damaged, where Polars can end the process
        with parquet.ParquetFile(copy, page_checksum_verification=True) as file:
            meta = file.schema_arrow.metadata or {}
            if meta.get(_KEY) == key_text(key).encode():
                arrow = file.read()
                arrow.validate(full=True)
                bars = pl.DataFrame(pl.from_arrow(arrow)).rechunk()
                loaded = Loaded(bars, tuple(json.loads(meta[_NOTES])))
                if meta.get(_DIGEST) == _digest(loaded).encode():
                    used(copy)
                    return loaded
                why = "is damaged: its values do not have their digest"
            else:
                why = "belongs to another key"
    except InputError:  # the engine's settings can't be read, which is no fault of the copy
        raise
    except (pa.ArrowException, PolarsError, PanicException, OSError, ValueError, KeyError, TypeError) as error:
        why = f"can't be read ({' '.join(str(error).split())[:120]})"
    drop(copy, why)
    return None


def _digest(loaded: Loaded) -> str:
    notes = pl.DataFrame({"note": list(loaded.notes)}, schema={"note": pl.String})
    return f"{digest_of(loaded.bars)} {digest_of(notes)}"
