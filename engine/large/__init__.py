"""Markets larger than memory: laid out on disk once, then run in chunks of timestamps with the same bits.

`prepare` lays a Parquet file out, `run_large` runs a declared strategy over it, `write_market` makes one to try it on.
What stays in memory is a chunk of bars, two bits a bar for the signals, and the tables of what happened.
"""

from engine.large.generating import write_market
from engine.large.running import LargeResult, run_large
from engine.large.store import LargeStore, prepare

__all__ = ["LargeResult", "LargeStore", "prepare", "run_large", "write_market"]
