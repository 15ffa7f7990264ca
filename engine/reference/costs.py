"""What a fill costs: slippage in its price, commission on top."""

from __future__ import annotations

from engine.model import Settings


class Costs:
    """The costs of an account, by its settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ticks = settings.ticks

    def price(self, base: float, quantity: float, volume: float) -> float:
        """Return the price at which so many shares fill: `base`, and slippage against the trader.

        The share of the bar's volume counts squared, as in Zipline's VolumeShareSlippage. Where there are ticks the
        price is rounded to one, against the trader. A sale brings nothing at worst.
        """
        settings = self._settings
        fraction = settings.slippage
        if settings.volume_impact:
            share = abs(quantity) / volume
            fraction += settings.volume_impact * share * share
        if quantity > 0:
            price = base * (1.0 + fraction) + settings.slippage_fixed
        else:
            price = max(base * (1.0 - fraction) - settings.slippage_fixed, 0.0)
        return self.on_tick(price, quantity)

    def on_tick(self, price: float, quantity: float) -> float:
        """Return a price on the ticks, rounded against the trader."""
        if self._ticks is None:
            return price
        return self._ticks.value(self._ticks.above(price) if quantity > 0 else self._ticks.below(price))

    def commission(self, notional: float, shares: float) -> float:
        """Return the commission of a fill of so much money and so many shares, both above 0."""
        settings = self._settings
        commission = notional * settings.commission + shares * settings.commission_per_share + settings.commission_fixed
        return max(commission, settings.commission_minimum)
