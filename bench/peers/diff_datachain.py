"""DataChain: `diff()` of two chains over Parquet files, on `id`."""

import json
import sys
from collections import Counter

import datachain as dc

old, new = (dc.read_parquet(f"file://{path}", source=False) for path in sys.argv[1:3])
columns = ["source", "prompt", "score", "license", "split", "domain"]
found = new.diff(
    old, on="id", compare=columns, added=True, deleted=True, modified=True, same=False, status_col="status"
)
counted = Counter(status for (status,) in found.to_iter("status"))
print(json.dumps({"added": counted["A"], "removed": counted["D"], "changed": counted["M"]}))
