"""Lines of human/annotations that go with a person: what the person wrote is looked for afterwards."""

import json
from pathlib import Path

import pytest

from reports.forget.people import cut_lines


def test_the_texts_that_a_person_corrected_go_with_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "human/annotations").mkdir(parents=True)
    lines = [
        {"annotator": "ada", "note": "hm", "edited": {"0": "Ada's own text.", "1": "Another."}},
        {"annotator": "ada", "edited": ["no mapping"]},
        {"annotator": "bo", "edited": {"0": "Bo's text."}},
    ]
    path = Path("human/annotations/all.jsonl")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = cut_lines(lambda judgement: judgement["annotator"] == "ada")
    assert found.count == 2 and found.files == {path: (json.dumps(lines[2]) + "\n").encode()}
    assert {"Ada's own text.", "Another.", "hm"} <= found.texts and "Bo's text." not in found.texts
