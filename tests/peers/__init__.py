"""The engine against engines that we did not write: the same data, the same wishes, trade by trade.

`make peers` runs it. The peers live in an environment of their own, so each side is a process that writes its trades as
JSON (`backtrader_side`, `vectorbt_side`, `zipline_side`, `pyalgotrade_side`, and `our_side` for the engine), and `run`
starts them, compares and reports. What both environments read imports the standard library only: `scenarios`,
`market`, `wishes` and `trades`.
"""
