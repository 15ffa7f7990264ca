"""Strategies in plain Python: that wait, and that take all bars of a time as arrays."""

from __future__ import annotations

from engine.scenario import Scenario, Workload

SLICED: tuple[Scenario, ...] = ()
SLICED_WORKLOADS: tuple[Workload, ...] = ()
