"""The loop written out, without a generator."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import LoopComponent
from engine.strategy import Context


@optimization(component="loop")
def written_out_loop(inner: LoopComponent) -> LoopComponent:  # noqa: ARG001 - it takes its place
    """Replace the loop."""

    def run(feed, features, passes, broker, strategy):
        context = Context(broker, features, passes)
        rest = iter(feed)
        while (bars := next(rest, None)) is not None:
            if broker.ruined:
                broker.stand_still(bars.timestamp)
                continue
            broker._update_time(bars)
            for step in (broker.fill_queued_orders, broker.evaluate_position_rules, broker.fill_resting_orders):
                step()
            context.bars = bars
            if strategy.gates:
                held = set(broker.held())
                shown = [bar for bar in bars if bar.symbol in held or context.passes(bar.symbol)]
                strategy.on_bars(context, bars.only(shown))
            else:
                strategy.on_bars(context, bars)
            for step in (broker.move_water_marks, broker.fill_at_close, broker.mark_to_market):
                step()
        return broker.records.result(feed.bars, features, passes, broker.settings)

    return run
