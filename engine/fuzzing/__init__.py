"""What the fuzzer draws: markets, accounts, strategies and sweeps, as documents that can be kept.

Hypothesis is imported by what draws, and not before: the engine does without it.
"""
