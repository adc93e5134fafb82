"""Write `fingerprints/<stage>.txt` for every stage of dvc.yaml: what its stage `code` runs."""

import argparse
import shutil
import sys

from cultivar.runlog.console import complain
from cultivar.runner.fingerprints import FOLDER, fingerprint, stages
from cultivar.runner.fingerprints.closure import SourceTree
from schemas.errors import GraphError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cultivar.runner.fingerprints", description=__doc__)
    parser.parse_args()
    try:
        source = SourceTree()
        written = {stage: fingerprint(stage, source) for stage in stages()}
    except GraphError as error:
        complain(f"error: {error}")
        return 1
    draft = FOLDER.with_name(f".{FOLDER.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for stage, text in written.items():
        (draft / f"{stage}.txt").write_text(text, encoding="utf-8")
    shutil.rmtree(FOLDER, ignore_errors=True)
    draft.rename(FOLDER)
    print(f"code: fingerprints of {len(written)} stages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
