"""The loop: bar after bar, in the order of events that the engine means."""

from __future__ import annotations

from engine.model import FeatureTable, PassTable, Result
from engine.pipeline import Brokerage, Feed
from engine.strategy import Context, Strategy


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
        broker, strategy = self.broker, self.strategy
        context = Context(broker, self.features, self.passes)
        gated = bool(strategy.gates)
        for bars in self.feed:
            if broker.ruined:
                broker.stand_still(bars.timestamp)
                continue
            opens = bars.by_symbol("open")
            highs = bars.by_symbol("high")
            lows = bars.by_symbol("low")
            closes = bars.by_symbol("close")
            broker._update_time(bars.timestamp, opens, highs, lows, closes)
            broker.fill_queued_orders()
            broker.evaluate_position_rules()
            for symbol in closes:
                context.advance(symbol)
            for bar in bars.bars():
                if not gated or context.passes(bar.symbol) or broker.get_position(bar.symbol):
                    strategy.on_bar(context, bar)
            broker.move_water_marks()
            broker.mark_to_market()
        return broker.records.result(self.feed.bars, self.features, self.passes)


def run_loop(feed: Feed, features: FeatureTable, passes: PassTable, broker: Brokerage, strategy: Strategy) -> Result:
    """Run the strategy over the feed."""
    return Engine(feed, features, passes, broker, strategy).run()
