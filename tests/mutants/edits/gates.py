"""Gates in compiled code, and the sets of what passes them."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

EDITS = [
    *edits(
        "optimizations/vectorization/column_gates.py",
        (
            "a first bar that is passed over",
            "off by one bar",
            "if bar - needed < first:",
            "if bar - needed <= first:",
        ),
        (
            "a gate that has to be passed",
            "comparison",
            "figure >= threshold if rising",
            "figure - 0.02 >= threshold if rising",
        ),
        (
            "a momentum that looks into the symbol before",
            "warm-up",
            "needed = length if kind == MOMENTUM else length - 1",
            "needed = length - 1",
        ),
        (
            "a range that reaches into the symbol before",
            "missing case",
            "    if bar == first:\n        return float(high[bar] - low[bar])\n",
            "    if bar == 0:\n        return float(high[bar] - low[bar])\n",
        ),
        (
            "a window that ends before the bar",
            "off by one bar",
            "    for place in range(bar - length + 1, bar + 1):\n        total += close[place] * volume[place]",
            "    for place in range(bar - length + 1, bar):\n        total += close[place] * volume[place]",
        ),
        (
            "a range in percent of the open",
            "open for close",
            "return float(total / length / close[bar] * 100.0)",
            "return float(total / length / low[bar] * 100.0)",
        ),
        (
            "a momentum of the bar to come",
            "look-ahead",
            "figure = close[bar] / close[bar - length] - 1.0",
            "figure = close[min(bar + 1, starts[symbol + 1] - 1)] / close[bar - length] - 1.0",
        ),
    ),
    *edits(
        "optimizations/gates/pass_sets.py",
        (
            "what a tighter gate says, asked of the looser one",
            "swapped names",
            "(below, above) if gate.rising else (above, below)",
            "(above, below) if gate.rising else (below, above)",
        ),
        (
            "a pass set whatever the length",
            "wrong key",
            '            "length": gate.length,\n',
            "",
        ),
        (
            "a pass set of other data",
            "wrong key",
            '"data": data_digest(feed, ("high", "low", "close", "volume")),',
            '"data": "",',
        ),
        (
            "a threshold kept by one decimal",
            "wrong key",
            '        self._bits[threshold] = np.packbits(flags, bitorder="little")\n',
            '        self._bits[round(threshold, 1)] = np.packbits(flags, bitorder="little")\n',
        ),
        (
            "the nearest set for the very one",
            "rounding",
            "if found is not None and found[0] == threshold:",
            "if found is not None and abs(found[0] - threshold) <= 0.06:",
        ),
        (
            "a set read from disk a bar late",
            "stale cache",
            '            return table["passes"].to_numpy()\n',
            '            return np.roll(table["passes"].to_numpy(), 1)\n',
        ),
        (
            "the last bar that is asked about takes the answer of the first",
            "off by one bar",
            "flags[asked] = np.asarray(answers, dtype=np.bool_)",
            "flags[asked] = np.roll(np.asarray(answers, dtype=np.bool_), 1)",
        ),
    ),
]
