"""A market laid out on disk, to be read in part: by symbol over all time, or a chunk of time over all symbols.

The timestamps are cut into chunks. A chunk is one file of float64, (fields, symbols, timestamps), NaN where a bar is
missing: what some symbols did in one field stands together in it, and so does all that happened in the chunk. One
layout serves both the features, which go along a symbol, and the loop, which goes along time.

A store is one folder, named after the content it was made of and the code that made it. It is written aside and put in
place in one step; each file's digest stands in it and is taken again when it is opened. What does not fit is dropped,
told on the log, and made again.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import xxhash

from engine.arrays import Floats
from engine.disk import cache_root, content_of, digest_of, key_hash, key_text, log
from engine.errors import InputError
from engine.large.reading import ROWS, pieces_of, symbols_of
from engine.reference.loader import WAYS

CHUNK_BYTES = 1 << 26  # of a chunk, where its length is not given
_READ = 1 << 20
Progress = Callable[[str, int, int], None]
"""Is told what is being done, how far it has come, and how far it will go."""


class Span(NamedTuple):
    """Timestamps by number: from `first` to before `last`."""

    first: int
    last: int


@dataclass(frozen=True)
class LargeStore:
    """A market on disk; see `prepare`.

    `fields` are those of a bar, then the other columns of numbers of the data.
    """

    folder: Path
    timestamps: pl.Series
    symbols: tuple[str, ...]
    fields: tuple[str, ...]
    chunk: int
    bars: int
    notes: tuple[str, ...]

    @property
    def spans(self) -> list[Span]:
        """The timestamps of each chunk."""
        return _spans(len(self.timestamps), self.chunk)

    def read_chunk(self, number: int, fields: Sequence[str]) -> Floats:
        """Return fields of a chunk, (fields, symbols, timestamps)."""
        span = self.spans[number]
        values = np.empty((len(fields), len(self.symbols), span.last - span.first))
        for part, field in zip(values, fields, strict=True):
            self._read(number, field, 0, part)
        return values

    def read_symbols(self, field: str, first: int, last: int) -> Floats:
        """Return a field of the symbols from `first` to before `last` over all time, (symbols, timestamps)."""
        values = np.empty((last - first, len(self.timestamps)))
        for number, span in enumerate(self.spans):
            part = np.empty((last - first, span.last - span.first))
            self._read(number, field, first, part)
            values[:, span.first : span.last] = part
        return values

    def _read(self, number: int, field: str, first: int, into: Floats) -> None:
        """Fill `into`, (symbols, timestamps of the chunk), from symbol `first` on."""
        place = self.fields.index(field) * len(self.symbols) + first
        with _chunk_file(self.folder, number).open("rb", buffering=0) as file:
            file.seek(place * into.shape[1] * into.itemsize)
            left = into.reshape(-1).view(np.uint8).data
            while left:
                if not (count := file.readinto(left)):
                    raise InputError("the store was cut", where=file.name, hint="Prepare it again")
                left = left[count:]


def prepare(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    chunk: int | None = None,
    on_bad_bars: str = "refuse",
    progress: Progress | None = None,
) -> LargeStore:
    """Lay a Parquet file out on disk, or find it there; in memory stay one chunk and a piece of the file.

    Args:
        source: a long table, one row a bar, as `engine.load` takes it, sorted by timestamp; Parquet.
        folder: where stores are kept; `large` in the folder of the caches if None. The cache's budget is not for them:
            a store takes 40 bytes a symbol and timestamp, and stays until it is removed.
        chunk: timestamps in a chunk; as many as fit into 64 MiB if None.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.
        progress: is told how far it has come.

    Raises:
        InputError: where the data can't be used, or the store can't be written.
    """
    path, root = Path(source), Path(folder) if folder is not None else cache_root() / "large"
    if on_bad_bars not in WAYS:
        raise InputError(f"unknown way with bad bars {on_bad_bars!r}", hint=f"Choose from {', '.join(WAYS)}")
    if chunk is not None and chunk < 1:
        raise InputError(f"a chunk of {chunk} timestamps", hint="A whole number: 1 or more")
    if (content := content_of(path)) is None:
        raise InputError("no such file, or it can't be read", where=path, hint="Give the path of a file with bars")
    key: dict[str, str | int] = {
        "what": "large",
        "source": content,
        "on_bad_bars": on_bad_bars,
        "chunk": chunk or 0,
        "polars": pl.__version__,
    }
    place = root / key_hash(key)
    if (store := _opened(place, key_text(key))) is not None:
        return store
    aside = root / f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}"  # exact: a name that is changed at once
    try:
        aside.mkdir(parents=True)
        try:
            _write(path, aside, chunk, on_bad_bars, key_text(key), progress or _tell_nobody)
            if not place.exists():  # else another process was faster
                aside.replace(place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise InputError(f"a store can't be written ({error.strerror or error})", where=root) from error
    if (store := _opened(place, key_text(key))) is None:
        raise InputError("a store that was just written can't be read", where=place, hint="See the log")
    return store


def _tell_nobody(what: str, done: int, whole: int) -> None:
    """Tell nobody how far it has come."""


def _write(path: Path, folder: Path, chunk: int | None, on_bad_bars: str, key: str, progress: Progress) -> None:
    """Write the files of a store, its description last."""
    symbols = symbols_of(path)
    chunks = _Chunks(folder, symbols, chunk)
    notes: list[str] = []
    rows = 0
    for piece in pieces_of(path, on_bad_bars, ROWS):
        chunks.add(piece.bars)
        notes.extend(piece.notes)
        progress("bars laid out", rows := rows + len(piece.bars), 0)
    if not rows:
        raise InputError("no bar is left", where=path, hint="Every row is a missing or a bad bar")
    chunks.finish()
    times = pl.concat(chunks.times).to_frame("timestamp")
    times.write_ipc(folder / "timestamps.arrow", compat_level=pl.CompatLevel.oldest())
    about = {
        "key": key,
        "symbols": symbols,
        "fields": chunks.fields,
        "chunk": chunks.length,
        "timestamps": digest_of(times),
        "bars": rows,
        "notes": notes,
        "digests": chunks.digests,
    }
    text = json.dumps(about)
    (folder / "store.json").write_text(f"{_digest(text)}\n{text}", encoding="utf-8")


class _Chunks:
    """Takes bars in the order of time and writes them as chunks."""

    def __init__(self, folder: Path, symbols: Sequence[str], length: int | None) -> None:
        self.folder = folder
        self.symbols = pl.Enum(symbols)
        self.fields: list[str] = []
        self.length = length or 0
        self.times: list[pl.Series] = []
        self.digests: list[str] = []
        self._count = len(symbols)
        self._filled = 0  # timestamps of the chunk that is being filled
        self._values: Floats = np.empty(0)

    def add(self, bars: pl.DataFrame) -> None:
        """Take the bars of whole timestamps."""
        if not self.fields:
            self.fields = [name for name in bars.columns if name not in ("timestamp", "symbol")]
            self.length = self.length or max(1, CHUNK_BYTES // (8 * len(self.fields) * self._count))
            self._begin()
        step = bars["timestamp"].rle_id().to_numpy().astype(np.int64)
        symbol = bars["symbol"].cast(self.symbols).to_physical().to_numpy().astype(np.int64)
        self.times.append(bars["timestamp"].unique(maintain_order=True))
        done, steps = 0, len(self.times[-1])
        while done < steps:
            upto = min(steps, done + self.length - self._filled)
            rows = slice(*np.searchsorted(step, [done, upto]))
            for values, name in zip(self._values, self.fields, strict=True):
                values[symbol[rows], step[rows] - done + self._filled] = bars[name].to_numpy()[rows]
            self._filled += upto - done
            done = upto
            if self._filled == self.length:
                self._put()
                self._begin()

    def finish(self) -> None:
        """Write what is left."""
        if self._filled:
            self._values = np.ascontiguousarray(self._values[:, :, : self._filled])
            self._put()

    def _begin(self) -> None:
        self._values = np.full((len(self.fields), self._count, self.length), np.nan)
        self._filled = 0

    def _put(self) -> None:
        data = self._values.reshape(-1).view(np.uint8).data
        _chunk_file(self.folder, len(self.digests)).write_bytes(data)
        self.digests.append(xxhash.xxh3_128_hexdigest(data))


def _opened(folder: Path, key: str) -> LargeStore | None:
    """Return the store in a folder, where it is whole; what is not is dropped."""
    if not folder.is_dir():
        return None
    try:
        digest, _, text = (folder / "store.json").read_text(encoding="utf-8").partition("\n")
        about = json.loads(text) if digest == _digest(text) else {}
        times = pl.scan_ipc(folder / "timestamps.arrow").collect()
        if about.get("key") == key and digest_of(times) == about["timestamps"] and _are_whole(folder, about["digests"]):
            return LargeStore(
                folder,
                times["timestamp"],
                tuple(about["symbols"]),
                tuple(about["fields"]),
                about["chunk"],
                about["bars"],
                tuple(about["notes"]),
            )
        why = "does not have its digest"
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        why = f"can't be read ({' '.join(str(error).split())[:120]})"
    log.warning("%s: %s; dropped, and made again", folder, why)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _are_whole(folder: Path, digests: Sequence[str]) -> bool:
    """Whether each chunk has its digest, read a little at a time."""
    return all(_digest_of_file(_chunk_file(folder, number)) == digest for number, digest in enumerate(digests))


def _digest_of_file(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        for part in iter(lambda: file.read(_READ), b""):
            digest.update(part)
    return digest.hexdigest()


def _digest(text: str) -> str:
    return xxhash.xxh3_128_hexdigest(text.encode())


def _chunk_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.chunk"


def _spans(steps: int, chunk: int) -> list[Span]:
    return [Span(first, min(first + chunk, steps)) for first in range(0, steps, chunk)]
