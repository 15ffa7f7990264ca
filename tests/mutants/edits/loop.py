"""The compiled loop, and the log that its tables are made of."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_LOOP = "vectorization/compiled_loop"

EDITS = [
    *edits(
        "optimizations/vectorization/compiled_loop.py",
        (
            "a fill at the close in place of the open",
            "open for close",
            "market.open[book.cursor[symbol] + 1]",
            "market.close[book.cursor[symbol] + 1]",
        ),
        ("cash that has to be more than enough", "comparison", "if cost > book.cash[0]:", "if cost >= book.cash[0]:"),
        (
            "shares rounded to the nearest",
            "rounding",
            "np.where(is_near, nearest, np.floor(shares))",
            "np.where(is_near, nearest, nearest)",
        ),
        (
            "shares truncated where they are whole but for an ulp",
            "rounding",
            "np.where(is_near, nearest, np.floor(shares))",
            "np.floor(shares)",
        ),
        (
            "a held symbol that is delisted and runs on",
            "off by one bar",
            "bar == starts[symbol + 1] or",
            "bar > starts[symbol + 1] or",
        ),
        ("a margin account run as a cash account", "missing case", '"short", "leverage", ', ""),
        ("a tick that is not looked at", "missing case", '"lot", "tick", ', '"lot", '),
        ("a fill at the close that is not looked at", "missing case", '("fill_at", "short",', '("short",'),
        (
            "a time exit that is a bar late",
            "comparison",
            "book.bars[symbol] >= factor",
            "book.bars[symbol] > factor",
        ),
        (
            "a commission without its minimum",
            "missing case",
            "return max(asked, terms.commission_minimum)",
            "return asked",
        ),
        (
            "a compiled account that lives on",
            "comparison",
            "log.equity[step, 2] >= ruin",
            "log.equity[step, 2] >= 0.0 * ruin",
        ),
        (
            "a commission on the notional before slippage",
            "wrong notional",
            "commission = _commission(terms, notional, quantity)\n    slippage = (price - base_price)",
            "commission = _commission(terms, base_price * quantity, quantity)\n    slippage = (price - base_price)",
        ),
        (
            "a commission added from the other end",
            "order of addition",
            "notional * terms.commission + shares * terms.commission_per_share + terms.commission_fixed",
            "notional * terms.commission + (shares * terms.commission_per_share + terms.commission_fixed)",
        ),
        (
            "a sale that slips upwards",
            "slippage side",
            "base_price * (1.0 - terms.slippage) - terms.slippage_fixed",
            "base_price * (1.0 + terms.slippage) - terms.slippage_fixed",
        ),
        (
            "a fixed slippage that helps the buyer",
            "slippage side",
            "base_price * (1.0 + terms.slippage) + terms.slippage_fixed",
            "base_price * (1.0 + terms.slippage) - terms.slippage_fixed",
        ),
        (
            "a fill an ulp dearer",
            "one ulp",
            "price = base_price * (1.0 + terms.slippage) + terms.slippage_fixed",
            "price = np.nextafter(base_price * (1.0 + terms.slippage) + terms.slippage_fixed, np.inf)",
        ),
        (
            "cash that pays price and commission in two steps",
            "order of addition",
            "book.cash[0] -= cost",
            "book.cash[0] = book.cash[0] - notional - commission",
        ),
        (
            "a purchase without its fill",
            "dropped fill",
            "    _record_fill(log, step, order, price, commission, slippage)\n    book.quantity[symbol] = quantity",
            "    book.quantity[symbol] = quantity",
        ),
        (
            "a rejection that is not told",
            "lost rejected order",
            "        log.counts[REJECTIONS] = row + 1\n",
            "",
        ),
        (
            "an entry price without slippage",
            "swapped names",
            "_price[symbol] = price\n",
            "_price[symbol] = base_price\n",
        ),
        ("bars counted from one", "initial value", "book.bars[symbol] = 0", "book.bars[symbol] = 1"),
        (
            "a highest price left from the position before",
            "stale cache",
            "    book.highest[symbol] = price\n",
            "    book.highest[symbol] = max(book.highest[symbol], price)\n",
        ),
        (
            "positions in the order of their entries",
            "order of symbols",
            "while place > 0 and book.held[place - 1] > symbol:",
            "while place > 0 and book.held[place - 1] < 0:",
        ),
        (
            "an order forgotten where its symbol is halted",
            "lost rejected order",
            "            waiting += 1\n            continue",
            "            continue",
        ),
        (
            "a gap that fills at the level",
            "stop before open",
            "return rule + 1, open_",
            "return rule + 1, level",
        ),
        (
            "the last rule first",
            "tie-break",
            "return rule + 1, open_\n    for rule in range(len(rules.factors)):",
            "return rule + 1, open_\n    for rule in range(len(rules.factors) - 1, -1, -1):",
        ),
        (
            "a low that has to pass the stop, compiled",
            "comparison",
            "low <= level:\n            return rule + 1, level",
            "low < level:\n            return rule + 1, level",
        ),
        (
            "rules before the queue",
            "stop before open",
            "        _fill_queue(book, market, log, terms, step)\n"
            "        _apply_rules(book, market, log, terms, step)\n",
            "        _apply_rules(book, market, log, terms, step)\n"
            "        _fill_queue(book, market, log, terms, step)\n",
        ),
        (
            "an exit on the signal of the bar to come",
            "look-ahead",
            "if leave[cursor[symbol]] and",
            "if leave[min(cursor[symbol] + 1, len(leave) - 1)] and",
        ),
        ("a position marked at the open", "open for close", "mark[symbol] = close[bar]", "mark[symbol] = open_[bar]"),
        (
            "equity added from the last symbol",
            "order of addition",
            "    value = 0.0\n    for place in range(book.sizes[0]):",
            "    value = 0.0\n    for place in range(book.sizes[0] - 1, -1, -1):",
        ),
        (
            "equity in single precision",
            "float32",
            "value += quantity[symbol] * mark[symbol]",
            "value += np.float32(quantity[symbol] * mark[symbol])",
        ),
        (
            "a worth of nothing below zero",
            "sign of zero",
            "    value = 0.0\n    for place",
            "    value = -0.0\n    for place",
        ),
        (
            "a tail that is begun late",
            "missing row",
            "range(last + 1, len(log.positions))",
            "range(last + 2, len(log.positions))",
        ),
        (
            "fee a share and fee an order changed over",
            "swapped names",
            "settings.commission_per_share,\n        settings.commission_fixed,",
            "settings.commission_fixed,\n        settings.commission_per_share,",
        ),
    ),
    *edits(
        "event_log.py",
        (
            "the last fill told twice",
            "doubled fill",
            "        return self._table(Fill, *self._of(step, order), *self._log.fill_money[:count].T)",
            "        told = self._table(Fill, *self._of(step, order), *self._log.fill_money[:count].T)\n"
            "        return pl.concat([told, told.tail(1)])",
        ),
        (
            "the last trade is missing",
            "missing row",
            "count = self._log.counts[TRADES]\n",
            "count = max(self._log.counts[TRADES] - 1, 0)\n",
        ),
        (
            "a price that is null where it is not a number",
            "NaN",
            "*(no_price, no_price, no_price),",
            "*(pl.Series([None] * count, dtype=pl.Float64), no_price, no_price),",
        ),
        (
            "a not-a-number of another payload",
            "NaN",
            "no_price, count = np.full(len(step), np.nan), len(step)",
            "no_price, count = -np.full(len(step), np.nan), len(step)",
        ),
        (
            "bars as 32 bits",
            "dtype",
            "            bars,\n            self._reasons[reason],\n        )",
            '            bars,\n            self._reasons[reason],\n        ).cast({"bars": pl.Int32})',
        ),
        on=_LOOP,
    ),
]
