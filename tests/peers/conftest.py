"""Lets the tests of the suite import it as `peers`, the name that its processes know it by."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # last: `engine` is not the folder of its tests
