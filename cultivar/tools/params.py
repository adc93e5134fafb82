"""Check params.yaml (or another file) from top to bottom: `cultivar params [FILE]`.

Exit status 1 and one line per fault: the key's path, the value and what is allowed.
"""

import argparse
import sys
from pathlib import Path

from cultivar.runner.graph import PARAMS, load_yaml
from cultivar.runner.params import sections, validate
from schemas.errors import GraphError, ParamsError


def main() -> int:
    parser = argparse.ArgumentParser(prog="cultivar params", description="Check every section of params.yaml.")
    parser.add_argument("file", nargs="?", type=Path, default=PARAMS)
    path = parser.parse_args().file
    try:
        params = load_yaml(path)
        validate(params)
    except (GraphError, ParamsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {len(params)} of {len(sections())} sections, all valid")
    return 0


if __name__ == "__main__":
    sys.exit(main())
