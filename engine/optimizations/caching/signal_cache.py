"""Find the signals of a declared strategy once per market, not once per run.

How: What the entry, the exit and the gates of a strategy gave on a market, two rows of bits a timestamp, is kept with
the market in memory under those very conditions. A second run with other stops, sizes, costs or cash finds it there.
What was used longest ago is dropped when the budget of bytes is full.

Exact: What is kept is what the loop has found before; conditions and gates are values that can't be changed, and so is
a loaded market. A feature of a condition is still computed, or found in its own cache, since it is an output.

Risk: It pays only from the second run over a market on. Up to 64 MiB a market stay in memory: 200 sets of signals on
500 symbols over 2,520 days.
"""

from __future__ import annotations

from engine.catalog import optimization
from engine.packed.signals import keep_signals
from engine.pipeline import Feed, FeedComponent, Loaded

BUDGET_BYTES = 64 << 20


@optimization(component="feed", requires=["vectorization/packed_loop"])
def signal_cache(inner: FeedComponent) -> FeedComponent:
    """Wrap the feed of arrays."""

    def make(loaded: Loaded) -> Feed:
        feed = inner(loaded)
        keep_signals(feed, BUDGET_BYTES)
        return feed

    return make
