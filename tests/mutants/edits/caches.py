"""What is kept, in memory and on disk."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_MEMORY, _DISK, _STORE = "caching/feature_cache", "caching/persistent_features", "io/matrix_store"

EDITS = [
    *edits(
        "optimizations/caching/feature_cache.py",
        (
            "a key without the configuration",
            "wrong key",
            "feature_key(feed, feature)",
            "feature_key(feed, features[0])",
        ),
        (
            "the last feature kept for all",
            "stale cache",
            "self._keep(key, found[feature])",
            "self._keep(key, found[features[-1]])",
        ),
        (
            "what is kept is kept in single precision",
            "float32",
            "        self._columns[key] = column\n",
            '        self._columns[key] = __import__("numpy").asarray(column, "float32").tolist()\n',
        ),
        (
            "features in the order of their names",
            "order of symbols",
            "FeatureTable({feature.name: found[feature] for feature in features}, starts)",
            "FeatureTable({feature.name: found[feature] for feature in reversed(features)}, starts)",
        ),
        (
            "a sign of zero that is lost in the cache",
            "sign of zero",
            "        self._columns[key] = column\n",
            "        self._columns[key] = [one + 0.0 for one in column]\n",
        ),
    ),
    *edits(
        "data_keys.py",
        (
            "a key that does not know the values",
            "wrong key",
            "data_digest(feed, feature.inputs))",
            "data_digest(feed, ()))",
        ),
        (
            "a key of the first input alone",
            "wrong key",
            "data_digest(feed, feature.inputs))",
            "data_digest(feed, feature.inputs[:1]))",
        ),
        (
            "a configuration of the kind alone",
            "wrong key",
            "repr((type(feature).__module__, feature)).encode()",
            "repr((type(feature).__module__, type(feature))).encode()",
        ),
        (
            "a key that does not know the rows",
            "wrong key",
            "for field in (_ROWS, *fields)]",
            "for field in fields]",
        ),
        on=_DISK,
    ),
    *edits(
        "optimizations/caching/persistent_features.py",
        (
            "a kept feature of another configuration",
            "wrong key",
            "**feature_key(feed, feature)._asdict()}",
            '**feature_key(feed, feature)._asdict(), "config_hash": ""}',
        ),
        (
            "kept on disk in single precision",
            "float32",
            "np.asarray(column, dtype=np.float64)",
            "np.asarray(column, dtype=np.float32)",
        ),
        (
            "read an ulp off",
            "one ulp",
            'return table["value"].to_numpy().data',
            'return np.nextafter(table["value"].to_numpy(), np.inf).data',
        ),
    ),
    *edits(
        "disk.py",
        (
            "a damaged file that is used",
            "stale cache",
            "if meta.get(_DIGEST) == digest_of(table).encode():",
            "if meta.get(_DIGEST):",
        ),
        on=_DISK,
    ),
    *edits(
        "optimizations/io/matrix_store.py",
        (
            "a store with highs for all",
            "high for low",
            "field: layout.matrices[field].ravel()",
            'field: layout.matrices["high"].ravel()',
        ),
        ("a market of any file", "wrong key", '            "source": content,\n', ""),
        ("starts for ends", "off by one bar", '"end": starts[1:]', '"end": starts[:-1]'),
        (
            "matrices with rows for columns",
            "order of symbols",
            "to_numpy().reshape(shape)",
            'to_numpy().reshape(shape, order="F")',
        ),
        (
            "columns named one field on",
            "swapped names",
            "zip(Columns._fields[1:], columns, strict=True)",
            "zip(Columns._fields[1:], [columns[0], *columns[2:], columns[1]], strict=True)",
        ),
        (
            "a market whose last symbol bears the name of the first",
            "swapped names",
            'symbols.gather(bars["symbol"])',
            'symbols.gather(bars["symbol"] % (len(symbols) - 1 or 1))',
        ),
    ),
    *edits(
        "optimizations/caching/loaded_markets.py",
        ("whatever market was loaded first", "wrong key", "name = (content, source", 'name = ("", source'),
        (
            "a market whose copies are a bar short",
            "off by one bar",
            "bars=loaded.bars.clone()",
            "bars=loaded.bars[:-1]",
        ),
    ),
    *edits(
        "optimizations/io/parquet_copy.py",
        (
            "a copy with its rows reversed",
            "order of symbols",
            "                    return loaded\n",
            "                    return Loaded(bars.reverse(), loaded.notes)\n",
        ),
        (
            "a copy that is a row short",
            "missing row",
            "                    return loaded\n",
            "                    return Loaded(bars[:-1], loaded.notes)\n",
        ),
        (
            "a copy with its first bar twice",
            "surplus row",
            "                    return loaded\n",
            "                    return Loaded(pl.concat([bars[:1], bars]), loaded.notes)\n",
        ),
        (
            "the copy of any text",
            "wrong key",
            '"source": content, "on_bad_bars"',
            '"on_bad_bars"',
        ),
        (
            "further columns of numbers left out",
            "missing case",
            "needed = {*COLUMNS, *extras}",
            "needed = {*COLUMNS}",
        ),
    ),
]
