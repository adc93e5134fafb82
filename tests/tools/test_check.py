"""`cultivar check`: what people wrote amiss ends it with file, line and remedy; what stops nobody is named and passes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from project import ROOT

from cultivar.tools import check
from schemas.conversations import text_of
from schemas.errors import UserError
from schemas.rows import Candidate
from schemas.table import Table
from stages.annotation.rankings import candidate_hash, item_hash
from tests.admission.rows import PROMPT, candidate

A, B = "Rivers carry salts.", "Rocks dissolve."
COPIED = ("prompts", "human", "reports/gates.yaml", "params.yaml", "dvc.yaml")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What people write of this project, to be changed; the code is the project's own."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for room in ("cultivar", "schemas", "stages", "train"):
        (tmp_path / room).symlink_to(ROOT / room)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judgement(**fields: object) -> str:
    line = {
        "uuid": "1",
        "annotator": "ada",
        "item": item_hash(PROMPT, (A, B)),
        "meets_criteria": True,
        "guideline": "1",
    }
    line |= {"time": "2026-01-01T00:00:00Z", "order": [[candidate_hash(A)], [candidate_hash(B)]]}
    return json.dumps(line | fields) + "\n"


def with_candidates(project: Path) -> None:
    (project / "data").mkdir()
    Table.of(Candidate, [candidate(A), candidate(B)]).write(project / "data/candidates.parquet")


def change(old: str, new: str, name: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        text = (project / name).read_text()
        assert text.count(old) >= 1
        (project / name).write_text(text.replace(old, new, 1))

    return edit


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda project: (project / name).write_text(text) and None


def test_the_project_itself_is_valid_and_says_what_was_not_compared(project, capsys):
    assert check.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        "rankings: names not compared, data/candidates.parquet is not built yet (`dvc repro`)",
        "refinements: names not compared, data/ontology.parquet is not built yet (`dvc repro`)",
    ]
    assert lines[-1].startswith("params.yaml, 25 prompts, ") and lines[-1].endswith(": all valid")


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (change("max_tags:", "max_tag:", "params.yaml"), "tag.max_tag: unknown key (did you mean max_tags?)"),
        (
            change("{{ instruction }}", "{{ instrution }}", "prompts/score.jinja"),
            "prompts/score.jinja:10: instrution: unknown variable (did you mean instruction?); known are instruction",
        ),
        (
            change("{{ max_tags }}", "five", "prompts/tag.jinja"),
            "prompts/tag.jinja:4: does not use 'max_tags', which it is given; put {{ max_tags }} in",
        ),
        (change("{% block user %}", "", "prompts/rank.jinja"), "prompts/rank.jinja:"),
        (lambda project: (project / "prompts/evolve.jinja").unlink(), "prompts/evolve.jinja: no such prompt file"),
        (
            change("polarity: avoid", "polarity: avoyd", "human/constitution/principles.yaml"),
            "human/constitution/principles.yaml:5: principles[0].polarity: Input should be 'follow' or 'avoid', got "
            "'avoyd' (did you mean avoid?)",
        ),
        (
            change("merge:", "merg:", "human/ontology/refinements.yaml"),
            "human/ontology/refinements.yaml:2: merg: unknown key (did you mean merge?)",
        ),
        (
            change(
                "waivers: []",
                "waivers:\n- gate: licences\n  scope: all\n  reason: a reason long enough\n  who: a\n  until: 2027-01-01",
                "human/waivers.yaml",
            ),
            "human/waivers.yaml:10: waivers[0].gate: unknown gate (did you mean licenses?)",
        ),
        (
            change("severity: warn", "severity: warm", "reports/gates.yaml"),
            "'fail' or 'warn', got 'warm' (did you mean warn?)",
        ),
        (
            write("human/annotations/ada.jsonl", judgement() + judgement()),
            "human/annotations/ada.jsonl:2: uuid '1' is that of human/annotations/ada.jsonl:1 as well; give it another",
        ),
        (
            write("human/annotations/ada.jsonl", judgement(anotator="ada")),
            "human/annotations/ada.jsonl:1: anotator: unknown key (did you mean annotator?)",
        ),
        (
            write("human/annotations/ada.jsonl", judgement(meets_criteria="yes")),
            "human/annotations/ada.jsonl:1: meets_criteria: Input should be a valid boolean, got 'yes'",
        ),
        (
            write("human/annotations/ada.jsonl", judgement(supersedes="2") + judgement(uuid="2", supersedes="1")),
            "supersedes: '1' and '2' replace each other, so that none of them counts; remove one",
        ),
        (
            write("human/annotations/ada.jsonl", judgement().replace('"guideline"', '"note": "", "note"')),
            "human/annotations/ada.jsonl:1: no JSON: 'note' stands in it twice; correct or remove the line",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_remedy(project, capsys, edit, fault):
    edit(project)
    assert check.main() == 1
    assert fault in capsys.readouterr().err
    with pytest.raises(UserError) as error:
        check.raise_faults()
    assert fault in str(error.value)


def test_every_fault_of_every_file_is_named_at_once(project, capsys):
    for edit in (
        change("max_tags:", "max_tag:", "params.yaml"),
        change("{{ instruction }}", "", "prompts/score.jinja"),
        change("polarity: avoid", "polarity: no", "human/constitution/principles.yaml"),
        write("human/annotations/ada.jsonl", judgement(margin=4) + "{}\n"),
    ):
        edit(project)
    assert check.main() == 1
    said = capsys.readouterr().err
    for part in (
        "tag.max_tag",
        "score.jinja",
        "principles.yaml:5",
        "ada.jsonl:1: margin",
        "ada.jsonl:2: uuid: is missing",
    ):
        assert part in said


def test_what_judgements_name_is_compared_with_the_candidates(project, capsys):
    with_candidates(project)
    wrong = candidate_hash(A)[:-1] + "x"
    write("human/annotations/ada.jsonl", judgement() + judgement(uuid="2", order=[[wrong], [candidate_hash(B)]]))(
        project
    )
    assert check.main() == 1
    said = capsys.readouterr().err
    assert (
        f"human/annotations/ada.jsonl:2: order: {wrong}: unknown candidate (did you mean {candidate_hash(A)}?)" in said
    )
    check.raise_faults()  # a plan is about what is written: the tables may be those of an earlier version


def test_what_counts_no_more_or_only_in_part_is_named_and_stops_nobody(project, capsys):
    with_candidates(project)
    lines = judgement(order=[[candidate_hash(B)]]), judgement(uuid="2", item="f" * 32, supersedes="0")
    write("human/annotations/ada.jsonl", "".join(lines))(project)
    write("human/annotations/bo.json", "[]")(project)
    write("prompts/scor.jinja", "text")(project)
    pl.DataFrame({"raw": ["fact recall", "general", "story writing"], "canonical": ["a", "b", "c"]}).write_parquet(
        project / "data/ontology.parquet"
    )
    assert check.main() == 0
    said = capsys.readouterr().out
    for remark in (
        "human/annotations/bo.json: this is not read; rankings stand in files *.jsonl",
        f"human/annotations/ada.jsonl:1: order: {candidate_hash(A)} of 2 candidates left out, which puts them below",
        "human/annotations/ada.jsonl:2: supersedes: no judgement has the uuid '0'",
        f"human/annotations/ada.jsonl:2: item: {'f' * 32}: no prompt of data/candidates.parquet has just these candidates",
        "prompts/scor.jinja: no stage opens this template",
        "human/ontology/refinements.yaml:7: merge.creative writing[1]: no tag is called 'poem writing'",
    ):
        assert remark in said
    assert said.splitlines()[-1].endswith("2 rankings, 4 refinements, 5 principles, 22 gates and waivers: all valid")


def test_the_hashes_of_candidates_are_those_of_their_texts(project):
    row = candidate(A)
    assert item_hash(text_of(row["prompt"]), [text_of(row["completion"])]) == item_hash(PROMPT, [A])
