"""The page headers of a Parquet file, looked through before Polars reads it.

One damaged byte there can ask Polars for an absurd amount of memory, for which it ends the process instead of raising:
a negative count of values. Arrow's check of the footer does not see these counts, and can end the process itself, so
both are read here, in Thrift's compact protocol: a field is a byte of its type and of the step to its number, and a
struct ends with a zero. Sources: apache/parquet-format, parquet.thrift (FileMetaData, RowGroup, ColumnChunk,
ColumnMetaData, PageHeader); apache/thrift, doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Bytes = bytes | mmap.mmap
_MAGIC = b"PAR1"
_BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 3, (4, 5, 6), 7, 8, (9, 10), 12  # types; 1 is true, 2 false
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


class _Chunk(NamedTuple):
    """One column of one row group: its pages lie from byte `start` to before `end` and have so many values."""

    start: int
    end: int
    values: int


def has_damaged_page(path: Path) -> bool:
    """Return whether a page of a Parquet file says that it has less than no values, or more than it can have.

    What can't be made out is left to who reads the file: its own error tells more.

    Raises:
        OSError: where the file can't be opened.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return any(not _counts_fit(data, chunk) for chunk in _chunks(data))
        except _UNREADABLE:
            return False


def _chunks(data: mmap.mmap) -> Iterator[_Chunk]:
    """Yield the column chunks of a file, which ends with its footer, the footer's size and the magic bytes."""
    size = len(data)
    length = int.from_bytes(data[size - 8 : size - 4], "little")
    if data[size - 4 :] != _MAGIC or length > size - 12:
        return
    footer, _ = _struct(data[size - 8 - length : size - 8], 0)
    for group in footer[4]:
        for column in group[1]:
            meta = column[3]
            start = meta.get(11, meta[9])  # the dictionary's page comes before those of the data
            yield _Chunk(start, start + meta[7], meta[5])


def _counts_fit(data: mmap.mmap, chunk: _Chunk) -> bool:
    at = chunk.start
    while 0 <= at < chunk.end:
        try:
            header, at = _struct(data, at)
            size = int(header[3])
            # of data, of a dictionary, which may have entries that no row uses, and of data, version 2
            counts = {kind: int(header[kind][1]) for kind in (5, 7, 8) if kind in header}
        except _UNREADABLE:
            return True
        if any(count < 0 or (count > chunk.values and kind != 7) for kind, count in counts.items()):
            return False
        if size < 0:
            return True
        at += size
    return True


def _struct(data: Bytes, at: int) -> tuple[dict[int, Any], int]:
    """Return the integers, structs and lists of a struct by the numbers of their fields, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        kind = head & 15
        if kind in (1, 2):  # in a struct, a truth value is its type
            continue
        fields[number], at = _value(data, at, kind)
    return fields, at + 1


def _value(data: Bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at)
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind in _LISTS:
        return _list(data, at)
    if kind == _DOUBLE:
        return None, at + 8
    if kind in (1, 2, _BYTE):
        return None, at + 1
    raise ValueError(f"no part of a Parquet file has Thrift's type {kind}")


def _list(data: Bytes, at: int) -> tuple[list[Any], int]:
    head = data[at]
    count, at = (head >> 4, at + 1) if head >> 4 < 15 else _varint(data, at + 1)
    if count > len(data):
        raise ValueError("no list is that long")
    values = []
    for _ in range(count):
        value, at = _value(data, at, head & 15)
        values.append(value)
    return values, at


def _integer(data: Bytes, at: int) -> tuple[int, int]:
    """Return a signed integer, which is written zigzag: 0, -1, 1, -2, and so on."""
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: Bytes, at: int) -> tuple[int, int]:
    """Return an unsigned integer of 7 bits a byte, the lowest first."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("no integer is that long")
