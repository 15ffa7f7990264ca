"""The loop: bar after bar, in the order of events that the engine means."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model import Bars, FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed
from engine.strategy import Context, Strategy


def live_steps(feed: Feed, broker: Brokerage) -> Iterator[Bars]:
    """Take the broker through every timestamp; hand over the bars where the strategy is to be called."""
    for bars in feed:
        if broker.ruined:
            broker.stand_still(bars.timestamp)
            continue
        broker._update_time(bars)
        broker.fill_queued_orders()
        broker.evaluate_position_rules()
        broker.fill_resting_orders()
        yield bars
        broker.move_water_marks()
        broker.fill_at_close()
        broker.mark_to_market()


class Engine:
    """Runs one strategy over one feed, event by event."""

    def __init__(
        self, feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy
    ) -> None:
        self.feed = feed
        self.features = features
        self.passes = passes
        self.broker = broker
        self.strategy = strategy

    def run(self) -> Result:
        """Run from the first timestamp to the last."""
        context = Context(self.broker, self.features, self.passes)
        for bars in live_steps(self.feed, self.broker):
            context.bars = bars
            self.strategy.on_bars(context, self._shown(context, bars) if self.strategy.gates else bars)
        return self.broker.records.result(self.feed.bars, self.features, self.passes, self.broker.settings)

    def _shown(self, context: Context, bars: Bars) -> Bars:
        """Return the bars that pass all gates, and those of what is held."""
        shown = [bar for bar in bars if context.passes(bar.symbol) or self.broker.get_position(bar.symbol)]
        return bars.only(shown)


def run_loop(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    """Run the strategy over the feed."""
    return Engine(feed, features, passes, broker, strategy).run()
