"""Check params.yaml (or another file) whole: `python -m stages.params [FILE]`.

Exit status 1 and one line per fault: the key's path, the value and what is allowed.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from schemas.params.root import SECTIONS, ParamsError, validate
from stages.graph import PARAMS, GraphError, load_yaml


def check(params: dict[str, Any], declared: tuple[str, ...]) -> None:
    """Raise ParamsError for any fault in the whole file, also in sections that the stage does not declare.

    A slip in `sft` must not wait until the data is made. Sections of others are checked in a child process, so that
    this one imports their code no more than dvc.yaml says; a section whose code is not here is not checked.
    """
    validate(params, only=declared)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            validate(params)
        except ParamsError as error:
            os.write(writer, str(error).encode())
        except ImportError:
            pass
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as faults:
        said = faults.read()
    os.waitpid(child, 0)
    if said:
        raise ParamsError(said)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stages.params", description="Check every section of params.yaml.")
    parser.add_argument("file", nargs="?", type=Path, default=PARAMS)
    path = parser.parse_args().file
    try:
        params = load_yaml(path)
        validate(params)
    except (GraphError, ParamsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {len(params)} of {len(SECTIONS)} sections, all valid")
    return 0


if __name__ == "__main__":
    sys.exit(main())
