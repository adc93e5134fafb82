"""The description by which LLaMA-Factory finds the rows of an export: its folder is a `dataset_dir` as it is.

Source: LLaMA-Factory, data/README.md.
"""

from collections.abc import Iterable
from typing import Any

from reports.export.files import Written
from reports.export.rows import Product

OWN = {
    "sharegpt": {"messages": "conversations", "system": "system", "tools": "tools"},
    "alpaca": {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    },
}
"""Format -> what LLaMA-Factory calls a column -> its name in the files."""
PAIR = {"chosen": "chosen", "rejected": "rejected"}


def dataset_info(form: str, chosen: Product, files: Iterable[Written], columns: Iterable[str]) -> dict[str, Any]:
    """`dataset_info.json`: a data set per split, named demonstrations_train and so on. `columns` are those of the files."""
    present = set(columns)
    names = {key: name for key, name in (OWN[form] | PAIR).items() if name in present}
    shared = {"formatting": form, "columns": names} | ({"ranking": True} if chosen.name == "P" else {})
    table = "demonstrations" if chosen.name == "D" else "preferences"
    return {f"{table}_{one.split}": {"file_name": one.name} | shared for one in files}
