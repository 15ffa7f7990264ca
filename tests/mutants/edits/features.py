"""Features in compiled code."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

EDITS = [
    *edits(
        "compiled_features.py",
        (
            "a second block that starts a bar late",
            "off by one bar",
            "range(warm, end, BLOCK)",
            "range(warm, end, BLOCK + 1)",
        ),
        (
            "a window that has the bar to come",
            "look-ahead",
            "closes[bar - length + 1 :], length",
            "closes[min(bar - length + 2, len(closes) - length) :], length",
        ),
        (
            "a window added in pairs",
            "order of addition",
            "total = means[bar] + v0[bar] + v1[bar] + v2[bar] + v3[bar]",
            "total = means[bar] + (v0[bar] + v1[bar]) + (v2[bar] + v3[bar])",
        ),
        ("a mean by the reciprocal", "algebra", "means[bar] /= length", "means[bar] *= 1.0 / length"),
        (
            "an average that is there a bar early",
            "warm-up",
            "warm = min(begin + length - 1, end)",
            "warm = min(begin + max(length - 2, 0), end)",
        ),
        (
            "a deviation by the square of the mean",
            "algebra",
            "            off = v0[bar] - means[bar]\n            sums[bar] += off * off",
            "            sums[bar] += v0[bar] * v0[bar] - means[bar] * means[bar]",
        ),
        (
            "an exponential average of two products",
            "algebra",
            "average = (closes[bar] - average) * weight + average",
            "average = closes[bar] * weight + average * (1.0 - weight)",
        ),
        (
            "a smoothing that weighs the past too much",
            "off by one bar",
            "gain = (gain * (length - 1) +",
            "gain = (gain * length +",
        ),
        (
            "an index of 100 where nothing moves",
            "missing case",
            "return 100.0 if gain > 0.0 else 50.0",
            "return 100.0",
        ),
        (
            "a true range without the close before it",
            "missing case",
            "return max(high - low, high - before, before - low)",
            "return max(high - low, high - before)",
        ),
        (
            "a momentum into the symbol before",
            "warm-up",
            "warm = min(begin + length, end)\n        changes",
            "warm = min(max(begin, length), end)\n        changes",
        ),
        (
            "a highest of a longer window",
            "off by one bar",
            "tops[bar] = highs[bar]\n        width = 1\n        while width < min(length, end - begin):\n"
            "            step = min(width, length - width)",
            "tops[bar] = highs[bar]\n        width = 1\n        while width < min(length, end - begin):\n"
            "            step = width",
        ),
        (
            "a lowest of the highest",
            "high for low",
            "bottoms[bar] = min(bottoms[bar], bottoms[bar - step])",
            "bottoms[bar] = max(bottoms[bar], bottoms[bar - step])",
        ),
        on="vectorization/column_features",
    ),
    *edits(
        "optimizations/vectorization/column_features.py",
        (
            "a column of the data in the order of its rows",
            "order of symbols",
            "return values[_order(feed)]",
            "return values",
        ),
        (
            "a missing value that is nothing",
            "NaN",
            "return values[_order(feed)]",
            "return np.nan_to_num(values[_order(feed)])",
        ),
        (
            "the lowest for the highest",
            "swapped names",
            "Highest: compiled_features.highest,",
            "Highest: compiled_features.lowest,",
        ),
        (
            "a window that is longer than the data, cut",
            "warm-up",
            "min(feature.length, len(values) + 1)",
            "min(feature.length, len(values))",
        ),
        (
            "a not-a-number with its sign turned",
            "NaN",
            "columns[feature.name] = values.data",
            "columns[feature.name] = np.where(values != values, -values, values).data",
        ),
        (
            "a feature under the name of another",
            "swapped names",
            "columns[feature.name] = values.data",
            "columns[features[-1 - features.index(feature)].name] = values.data",
        ),
        (
            "a feature an ulp off on its last bar",
            "one ulp",
            "columns[feature.name] = values.data",
            "values[-1] = np.nextafter(values[-1], 0.0)\n            columns[feature.name] = values.data",
        ),
    ),
]
