"""The packed loop: signals as bits, prices where they are found together, one pass over what is held.

`signals` packs conditions into bits, `kernel` is the compiled loop, `journal` what it writes down, `tables` what
becomes of that.
"""
