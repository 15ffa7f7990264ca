"""The broker and the rules as arrays, and the loops that leave bars out."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

EDITS = [
    *edits(
        "optimizations/vectorization/soa_broker.py",
        (
            "a close of the bar before",
            "off by one bar",
            "step = step_of(self._bars)\n",
            "step = step_of(self._bars) - 1\n",
        ),
        (
            "quantities of before the fill",
            "stale cache",
            "self._held_arrays = None\n        super()._hold",
            "super()._hold",
        ),
        (
            "worth added in pairs",
            "order of addition",
            'values = np.add.accumulate(quantities * row_of(self._bars, "close")[held])',
            'values = np.array([np.sum(quantities * row_of(self._bars, "close")[held])])',
        ),
        (
            "quantities in single precision",
            "float32",
            "np.array(quantities)\n",
            "np.array(quantities, np.float32)\n",
        ),
        (
            "an empty account worth minus nothing",
            "sign of zero",
            "        if not self._names:\n            return 0.0\n",
            "        if not self._names:\n            return -0.0\n",
        ),
        (
            "what is held marked at the open",
            "open for close",
            'arrays.matrices["close"]',
            'arrays.matrices["open"]',
        ),
        (
            "equity that is no number while something is halted",
            "NaN",
            "if values[-1] != values[-1]:",
            "if values[-1] == np.inf:",
        ),
        (
            "worth an ulp higher",
            "one ulp",
            "total: float = values.item(-1)",
            "total: float = np.nextafter(values[-1], np.inf).item()",
        ),
    ),
    *edits(
        "optimizations/vectorization/masked_rules.py",
        (
            "a stop that has to be passed",
            "comparison",
            "high >= level if rule.rising else low <= level",
            "high >= level if rule.rising else low < level",
        ),
        (
            "a water mark that sees its own bar late",
            "swapped names",
            "np.where(low < lowest, low, lowest)",
            "np.where(low < lowest, lowest, low)",
        ),
        (
            "a short watched as a long",
            "missing case",
            "rules is not None or not long",
            "rules is not None",
        ),
        ("rules of its own, forgotten", "missing case", "rules is not None or not long", "not long"),
        (
            "a gap that leaves at the level",
            "stop before open",
            "yield Exit(symbol, at_open.item(place), self._rules[first].name)",
            "yield Exit(symbol, levels[first][1].item(place), self._rules[first].name)",
        ),
        (
            "the rule declared last first",
            "tie-break",
            "for number, mask in enumerate(masks) if mask[place]), None)",
            "for number, mask in reversed(list(enumerate(masks))) if mask[place]), None)",
        ),
        (
            "a halt that spoils the highest price",
            "NaN",
            "np.where(high > highest, high, highest)",
            "np.maximum(high, highest)",
        ),
        (
            "a target by the entry and a part of it",
            "algebra",
            "self._entry_prices[held] * (1.0 + rule.fraction)",
            "self._entry_prices[held] + self._entry_prices[held] * rule.fraction",
        ),
        (
            "an addition that the highest price does not see",
            "missing case",
            "        self._highest[number] = max(self._highest.item(number), entry_price)\n",
            "",
        ),
        (
            "an addition that keeps the old entry price",
            "stale cache",
            "        self._entry_prices[number] = entry_price\n",
            "        self._entry_prices[number] = self._entry_prices[number] or entry_price\n",
        ),
        (
            "exits of the ones, then of the others",
            "order of symbols",
            'merge(self._masked(bars), self._others.exits(bars), key=attrgetter("symbol"))',
            'merge(self._masked(bars), self._others.exits(bars), key=attrgetter("reason"))',
        ),
        (
            "levels in single precision",
            "float32",
            "return self._entry_prices[held] * (1.0 - rule.fraction)",
            "return self._entry_prices[held].astype(np.float32) * (1.0 - rule.fraction)",
        ),
    ),
    *edits(
        "optimizations/vectorization/awaited_bars.py",
        ("not where both hold", "comparison", "entry | signal_of(", "entry ^ signal_of("),
        (
            "entries whatever the gates",
            "missing case",
            "signal_of(strategy.entry, features, columns) & open_gates",
            "signal_of(strategy.entry, features, columns)",
            "the loop asks the gates again for what is not held, and what is held does not enter",
        ),
        (
            "an exit signal that enters outside the gates",
            "missing case",
            "if open_gates[flat[event]] or broker",
            "if True or broker",
        ),
        (
            "the last symbol called first",
            "order of symbols",
            "for event in range(offsets[step], offsets[step + 1]):",
            "for event in reversed(range(offsets[step], offsets[step + 1])):",
        ),
        (
            "the first symbol of a bar passed over",
            "off by one bar",
            "for event in range(offsets[step], offsets[step + 1]):",
            "for event in range(offsets[step] + 1, offsets[step + 1]):",
        ),
    ),
    *edits(
        "optimizations/early_exit/passing_bars.py",
        (
            "what is held, not shown outside its gates",
            "missing case",
            "if (bar := bars.get(self._names[number])) is not None:",
            "if number in passing_here and (bar := bars.get(self._names[number])) is not None:",
        ),
        (
            "what passes and what is held, in the order of a set of names",
            "order of symbols",
            "for number in sorted({*passing_here, *(self._index[symbol] for symbol in held)}):",
            "for number in (\n"
            "            self._index[name] for name in {*(self._names[one] for one in passing_here), *held}\n"
            "        ):",
        ),
        (
            "gates of the bar to come",
            "look-ahead",
            "step = step_of(bars)\n",
            "step = min(step_of(bars) + 1, len(self._offsets) - 2)\n",
        ),
        (
            "all bars shown",
            "surplus row",
            "bars.only(list(shown.of(bars, broker.held())))",
            "bars",
        ),
        (
            "the last bar that passes is not shown",
            "off by one bar",
            "self._symbols[self._offsets[step] : self._offsets[step + 1]]",
            "self._symbols[self._offsets[step] : max(self._offsets[step + 1] - 1, self._offsets[step])]",
        ),
    ),
    *edits(
        "optimizations/early_exit/ruined_account.py",
        (
            "a tail that is a row short",
            "missing row",
            "timestamps[len(equity) :]",
            "timestamps[len(equity) + 1 :]",
        ),
        (
            "no tail",
            "missing row",
            "return pl.concat([equity, tail]) if len(missing) else equity",
            "return equity",
        ),
        (
            "a tail whose types are those of its values",
            "dtype",
            "pl.lit(value, dtype=equity.schema[name]).alias(name)",
            "pl.lit(value).alias(name)",
        ),
        (
            "timestamps in no order",
            "order of symbols",
            'feed.bars["timestamp"].unique(maintain_order=True)',
            'feed.bars["timestamp"].unique()',
            "Polars sorts the dates and datetimes that it gives, and bars come sorted by timestamp: both are the same",
        ),
        (
            "an account that trades a bar more after its ruin",
            "off by one bar",
            "            if self._broker.ruined:\n                return\n",
            "            if self._broker.ruined:\n                self._broker.ruined = False\n",
        ),
    ),
]
