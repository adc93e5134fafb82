"""Write `fingerprints/<stage>.txt` for every stage of dvc.yaml: what its stage `code` runs."""

import argparse
import shutil
import sys

from cultivar.runlog.console import complain
from cultivar.runlog.streams import open_console
from cultivar.runner.fingerprints import FOLDER, fingerprint, stages
from cultivar.runner.fingerprints.closure import SourceTree
from schemas.errors import GraphError
from schemas.writing import naming


def main() -> int:
    open_console()
    parser = argparse.ArgumentParser(prog="python -m cultivar.runner.fingerprints", description=__doc__)
    parser.parse_args()
    draft = FOLDER.with_name(f".{FOLDER.name}.tmp")
    try:
        source = SourceTree()
        written = {stage: fingerprint(stage, source) for stage in stages()}
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        with naming(FOLDER):
            for stage, text in written.items():
                (draft / f"{stage}.txt").write_text(text, encoding="utf-8")
        shutil.rmtree(FOLDER, ignore_errors=True)
        draft.rename(FOLDER)
    except (GraphError, OSError) as error:
        complain(f"error: {error}")
        shutil.rmtree(draft, ignore_errors=True)
        return 1
    print(f"code: fingerprints of {len(written)} stages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
