"""The dataset card: a header that hubs read, and figures, warnings and names below that nothing in the data can break."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from export_project import PAIR, PLAIN, demonstration, make_project, user
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reports.export.card import text
from reports.export.command import main
from reports.export.licences import hub_licence, licence_urls


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A function that exports rows and gives the header and the body of the card."""

    def run(rows: list[dict[str, Any]], table: str = "D", **options: Any) -> tuple[dict[str, Any], str]:
        project = make_project(tmp_path, **{"demonstrations" if table == "D" else "preferences": rows})
        monkeypatch.chdir(project.folder)
        assert main(table, out=tmp_path / "out", **options) == 0
        content = (tmp_path / "out/README.md").read_text()
        assert DatasetCard(content).data.to_dict()
        _, header, body = content.split("---\n", 2)
        return YAML(typ="safe", pure=True).load(header), body

    return run


def test_the_header_says_what_a_hub_asks(card):
    english = PLAIN | {
        "completion": [{"role": "assistant", "content": "The answer to that is of course the number four."}]
    }
    header, body = card([demonstration(1, english), demonstration(2, english, split="heldout")])
    assert header["license"] == "apache-2.0"
    assert header["language"] == ["en"]
    assert header["size_categories"] == ["n<1K"]
    assert header["task_categories"] == ["text-generation"]
    files = [{"split": split, "path": f"{split}.jsonl"} for split in ("train", "heldout")]
    assert header["configs"] == [{"config_name": "default", "data_files": files}]
    assert "Warning" not in body and "simulated" not in header["tags"]


def test_a_simulated_row_is_warned_of_at_the_top(card):
    header, body = card([demonstration(1, PLAIN, simulated=True), demonstration(2, PLAIN)])
    assert body.split("\n\n")[1].startswith("> **Warning: 1 of 2 of these rows were written by a simulated model**")
    assert "simulated" in header["tags"]


def test_counts_by_column_and_margins(card):
    rows = [
        demonstration(number, PAIR, margin=float(number), source=f"a.jsonl:{number}", engine="e" if number < 4 else "f")
        for number in range(1, 6)
    ]
    _, body = card(rows, "P")
    assert "| a.jsonl | 5 |" in body
    assert "| e | 3 |\n| f | 2 |" in body
    assert "| 1 | 2 | 3 | 4 | 5 |" in body


def test_names_in_rows_break_nothing(card):
    hostile = "x | y\n# big\n<script>alert(1)</script> ![](http://evil) `\n---\nlicense: mit"
    header, body = card([demonstration(1, PLAIN, engine=hostile, license=hostile)])
    assert header["license"] == "other"
    assert "<script>" not in body and "\n# big" not in body and "\nlicense: mit" not in body and "![](" not in body


def test_a_secret_in_a_name_is_taken_out(card, monkeypatch):
    monkeypatch.setenv("TEACHER_API_KEY", "zq9-very-secret-value-77")
    header, body = card(
        [demonstration(1, PLAIN, engine="zq9-very-secret-value-77", license="zq9-very-secret-value-77")]
    )
    assert "very-secret" not in body + str(header)


def test_long_and_many_names_are_bounded(card):
    rows = [demonstration(number, PLAIN, engine=f"{number:03}" + "x" * 5_000) for number in range(40)]
    _, body = card(rows)
    assert "| 10 others | 10 |" in body
    assert len(body) < 12_000


@given(st.text(max_size=300))
@settings(max_examples=30)
def test_any_text_is_one_line_of_a_table(name):
    shown = text(name)
    assert "\n" not in shown and "|" not in shown.replace("\\|", "")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["MIT"], {"license": "mit"}),
        (["mit"], {"license": "mit"}),
        (["GPL-3.0-only"], {"license": "gpl-3.0"}),
        (["ODbL-1.0"], {"license": "odbl"}),
        (["LicenseRef-mine"], {"license": "other", "license_name": "LicenseRef-mine"}),
        (["CC0-1.0", "MIT"], {"license": "other", "license_name": "CC0-1.0 AND MIT"}),
        (["MIT OR Apache-2.0", "CC0-1.0"], {"license": "other", "license_name": "CC0-1.0 AND (MIT OR Apache-2.0)"}),
        ([], {}),
    ],
)
def test_licences_of_rows_are_one_of_the_whole(names, expected):
    assert hub_licence(Counter(names)) == expected


def test_licences_are_addresses_where_spdx_has_them():
    assert licence_urls(Counter(["mit", "my own"])) == ["https://spdx.org/licenses/MIT", "my own"]


def test_what_is_left_out_and_refused_is_in_the_card(card):
    two = PLAIN | {"prompt": [user("a"), user("b")]}
    _, body = card([demonstration(1, PLAIN), demonstration(2, two)], form="alpaca")
    assert "* column domain: left out of 1 row" in body
    assert "* 1 row refused: turns of user and assistant do not alternate (`left_out.jsonl`)" in body


def test_the_card_is_beside_the_rows(card, tmp_path):
    card([demonstration(1, PLAIN)])
    assert Path(tmp_path / "out/README.md").stat().st_size < 4_000
