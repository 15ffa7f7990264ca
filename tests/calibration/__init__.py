"""How far the instrument can be trusted: how often it calls equal builds different, and which gains it finds.

Run as `python -m tests.calibration.run`, which `make calibrate` does.
"""
