"""The account of a packed run: its tables are made of the journal when they are first asked for."""

from __future__ import annotations

from functools import cached_property

import polars as pl

from engine.model import Accounted, FeatureTable, PassTable, Result
from engine.packed import tables
from engine.packed.journal import Lent
from engine.packed.tables import Names


class PackedAccount(Accounted):
    """What happened to an account, a table each, made once, when it is first asked for.

    Its journal is lent to it, and goes back when nobody holds the account any more. A table is a copy, so a journal
    that is written to anew moves none.
    """

    _lent: Lent
    _names: Names

    def __init__(self, lent: Lent, names: Names) -> None:
        self.__dict__.update(_lent=lent, _names=names)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """The orders."""
        return tables.orders_of(self._lent.journal, self._names)

    @cached_property
    def rejections(self) -> pl.DataFrame:
        """The rejections."""
        return tables.rejections_of(self._lent.journal, self._names)

    @cached_property
    def cancellations(self) -> pl.DataFrame:
        """The cancellations."""
        return tables.cancellations_of(self._names)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """The fills."""
        return tables.fills_of(self._lent.journal, self._names)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """The trades."""
        return tables.trades_of(self._lent.journal, self._names)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The equity."""
        return tables.equity_of(self._lent.journal, self._names)


class PackedResult(PackedAccount, Result):
    """A whole result, made like this."""

    def __init__(
        self,
        lent: Lent,
        names: Names,
        bars: pl.DataFrame,
        features: FeatureTable,
        passes: PassTable,
        lot: float,
    ) -> None:
        super().__init__(lent, names)
        self.__dict__.update(bars=bars, feature_table=features, pass_table=passes, lot=lot)
