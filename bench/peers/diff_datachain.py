"""DataChain: `diff()` of two chains over Parquet files, on `id`.

It reads no large lists, so it is given the files without `parents`; that copy is part of its time.
"""

import json
import sys
from collections import Counter

import datachain as dc
import pyarrow.parquet as pq

COLUMNS = ["source", "prompt", "score", "license", "split", "domain"]


def chain(path: str, name: str) -> dc.DataChain:
    pq.write_table(pq.read_table(path, columns=["id", *COLUMNS]), name)
    return dc.read_parquet(name, source=False)


old, new = chain(sys.argv[1], "old.parquet"), chain(sys.argv[2], "new.parquet")
found = new.diff(
    old, on="id", compare=COLUMNS, added=True, deleted=True, modified=True, same=False, status_col="status"
)
counted = Counter(status for (status,) in found.to_iter("status"))
print(json.dumps({"added": counted["A"], "removed": counted["D"], "changed": counted["M"]}))
