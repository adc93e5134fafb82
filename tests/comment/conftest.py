"""What the tests of the comment share with others: the workspace, its git, the reader of comments."""

import sys
from pathlib import Path

for name in ("integration", "rebuild", "page"):
    sys.path.append(str(Path(__file__).parents[1] / name))
