"""One wrong operator in any optimization, and the check exits 1 and names the place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MUTANTS = {
    "a fill at the close in place of the open": (
        "vectorization/compiled_loop.py",
        "market.open[book.cursor[symbol] + 1]",
        "market.close[book.cursor[symbol] + 1]",
    ),
    "cash that has to be more than enough": (
        "vectorization/compiled_loop.py",
        "if cost > book.cash[0]:",
        "if cost >= book.cash[0]:",
    ),
    "one share more": (
        "vectorization/compiled_loop.py",
        "market.close[entries.bar]).astype(np.int64)",
        "market.close[entries.bar]).astype(np.int64) + 1",
    ),
    "a stop that has to be passed": (
        "vectorization/masked_rules.py",
        "high >= level if rule.rising else low <= level",
        "high >= level if rule.rising else low < level",
    ),
    "a delisted symbol that runs on into the next one's bars": (
        "vectorization/compiled_loop.py",
        "following < market.starts[symbol + 1] and",
        "following <= market.starts[symbol + 1] and",
    ),
    "a held symbol that is delisted and runs on": (
        "vectorization/compiled_loop.py",
        "bar == starts[symbol + 1] or",
        "bar > starts[symbol + 1] or",
    ),
    "a second block that starts a bar late": (
        "vectorization/column_features.py",
        "range(warm, end, BLOCK)",
        "range(warm, end, BLOCK + 1)",
    ),
    "not where both hold": ("vectorization/awaited_bars.py", ") | signal_of(", ") ^ signal_of("),
    "above, or equal": (
        "../arrays.py",
        "signal[bar] = left[bar] > right[bar]",
        "signal[bar] = left[bar] >= right[bar]",
    ),
    "entries alone": ("vectorization/awaited_bars.py", ") | signal_of(", ") & signal_of("),
    "a window that is one bar late": (
        "vectorization/column_features.py",
        "closes[bar - length + 1 :]",
        "closes[bar - length :]",
    ),
    "highs for opens": ("vectorization/array_feed.py", "matrices[field][self.step])", 'matrices["high"][self.step])'),
    "the price of the last addition": (
        "vectorization/soa_broker.py",
        "(self._entry_prices[number] * before + notional) / quantity",
        "notional / order.quantity",
    ),
    "a key without the configuration": (
        "caching/feature_cache.py",
        "hashlib.sha256(repr(feature).encode())",
        "hashlib.sha256(b'any')",
    ),
}


@pytest.fixture
def whole(project: Path, whole_build: tuple[str, ...]) -> Path:
    """A project whose build has all of the catalog."""
    lines = "\n".join(f'"{name}" = "ECN-0000"' for name in whole_build)
    (project / "engine" / "build.toml").write_text(f"[build]\n{lines}\n")
    return project


@pytest.mark.parametrize("name", MUTANTS)
def test_the_check_catches(optimize, whole: Path, name: str) -> None:
    file, right, wrong = MUTANTS[name]
    path = whole / "engine" / "optimizations" / file
    source = path.read_text()
    assert source.count(right) == 1
    path.write_text(source.replace(right, wrong))
    done = optimize("check", "--set", "generated", cwd=whole)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIVERGED" in done.stdout
    assert re.search(r"first at   20\d\d-\d\d-\d\d  (symbol \w+|the whole account)  \w+\.[\w() ]+", done.stdout), (
        done.stdout
    )
    assert "Traceback" not in done.stderr


def test_the_check_passes_what_was_not_changed(optimize, whole: Path) -> None:
    done = optimize("check", "--set", "generated", cwd=whole)
    assert done.returncode == 0, done.stdout + done.stderr
