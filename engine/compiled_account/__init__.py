"""A compiled account: market orders on any `Settings`, bit for bit what `engine.reference.broker` does with them.

Its parts: `terms` says what an account asks and allows, `state` what it holds and has queued, `log` what has happened.
`steps` takes them through a timestamp: `open_step`, then `submit` for each order of the strategy, then `close_step`.
`tables` makes the tables of a result from the log. Bars are rows of time-major matrices, (steps, symbols), NaN where a
bar is missing; a run may be given them in parts, one after another, with state and log carried over.

Before a step the caller makes sure of room in log and queue (`log.with_room`), and after it looks at
`state.sizes[UNCOUNTABLE]`: not 0 where a number of lots or ticks was beyond what is counted here exactly. Such a run
has to be left to the reference, from its beginning.
"""
