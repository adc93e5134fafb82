"""Modules of this folder that are no tests, for tests and the processes they start."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
