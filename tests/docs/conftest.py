"""The docs are run in a copy of the project: tests/integration/workspace.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "integration"))
