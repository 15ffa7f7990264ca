"""The feed of matrices, and the two layouts that the array builds share."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_FEED, _AWAITED, _LOOP = "vectorization/array_feed", "vectorization/awaited_bars", "vectorization/compiled_loop"

EDITS = [
    *edits(
        "optimizations/vectorization/array_feed.py",
        (
            "the last timestamp left out",
            "missing row",
            "enumerate(self.arrays.times)",
            "enumerate(self.arrays.times[:-1])",
        ),
        (
            "the row of the bar to come",
            "look-ahead",
            "ArrayBars(self.arrays, step, timestamp)",
            "ArrayBars(self.arrays, min(step + 1, len(self.arrays.times) - 1), timestamp)",
        ),
        (
            "closes rounded to three decimals",
            "rounding",
            "else lay_out(loaded.bars)",
            'else lay_out(loaded.bars.with_columns(loaded.bars["close"].round(3)))',
        ),
    ),
    *edits(
        "arrays.py",
        (
            "a missing bar that is zero",
            "NaN",
            "matrix = np.full(shape, np.nan)",
            "matrix = np.zeros(shape)",
        ),
        (
            "numbers of bars from one",
            "off by one bar",
            "np.cumsum(present, axis=0, dtype=np.int32) - np.int32(1)",
            "np.cumsum(present, axis=0, dtype=np.int32)",
        ),
        (
            "a last close that is an open",
            "open for close",
            'close: float = self._arrays.matrices["close"].item(self.step, place)',
            'close: float = self._arrays.matrices["open"].item(self.step, place)',
        ),
        (
            "a halted symbol's close of two bars ago",
            "off by one bar",
            "self._arrays.columns.close.item(self._arrays.starts[place] + number)",
            "self._arrays.columns.close.item(self._arrays.starts[place] + max(number - 1, 0))",
        ),
        (
            "a missing bar that is counted",
            "missing case",
            'row = self.row("close")\n        return int(np.count_nonzero(row == row))',
            'row = self.row("close")\n        return len(row)',
        ),
        on=_FEED,
    ),
    *edits(
        "arrays.py",
        (
            "a crossing from below only",
            "comparison",
            "& (left_before[bar] <= right_before[bar])",
            "& (left_before[bar] < right_before[bar])",
        ),
        (
            "one gate is enough",
            "comparison",
            "together = np.ones(bars, np.bool_)\n    for column in passes.columns.values():\n        together &=",
            "together = np.full(bars, not passes.columns)\n    for column in passes.columns.values():\n"
            "        together |=",
        ),
        (
            "an order that is not stable",
            "order of symbols",
            'if limit <= 1 << 16 else numbers, kind="stable")',
            "if limit <= 1 << 16 else numbers)",
        ),
        (
            "a signal of the bar before",
            "off by one bar",
            "    by_symbol = np.flatnonzero(signal)\n",
            "    by_symbol = np.flatnonzero(np.roll(signal, 1))\n",
        ),
        on=_AWAITED,
    ),
    *edits(
        "arrays.py",
        (
            "above, or equal",
            "comparison",
            "signal[bar] = left[bar] > right[bar]",
            "signal[bar] = left[bar] >= right[bar]",
        ),
        (
            "a crossing from the symbol before",
            "warm-up",
            "        signal[columns.starts[:-1]] = False  # no bar before the first\n",
            "        signal[0] = False\n",
        ),
        (
            "a constant rounded to whole numbers",
            "rounding",
            "np.full(bars, side) if isinstance(side, float)",
            "np.full(bars, np.rint(side)) if isinstance(side, float)",
        ),
        (
            "an order of 8 bits",
            "dtype",
            "numbers.astype(np.uint16) if limit",
            "numbers.astype(np.uint8) if limit",
        ),
        on=_LOOP,
    ),
    *edits(
        "arrays.py",
        (
            "a first bar that does not count",
            "comparison",
            "if number < 0:\n            raise KeyError(symbol)",
            "if number <= 0:\n            raise KeyError(symbol)",
        ),
        on="early-exit/passing_bars",  # whose loop looks a number up without walking all bars
    ),
]
