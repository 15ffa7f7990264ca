"""The race: the engine, rung by rung, beside vectorbt and beside what the memory of this machine allows, in one run.

`make bench` runs it. What is raced is in `workloads` (the data and the strategies) and in `contenders` (who runs them).
Each contender is timed in fresh processes, the sides: `our_side`, `vectorbt_side` (in an environment of its own),
`floor_side` and `cold`. `rounds` draws their order, starts them and holds the accounts of all of ours to be the same;
`goals`, `page`, `ladder_plot` and `terminal` tell what came out. `clock` is what both environments import, so it
imports the standard library only.
"""
