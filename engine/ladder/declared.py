"""Declared strategies on every kind of account, and those that rank."""

from __future__ import annotations

from engine.scenario import Scenario, Workload

DECLARED: tuple[Scenario, ...] = ()
DECLARED_WORKLOADS: tuple[Workload, ...] = ()
