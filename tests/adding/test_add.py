"""cultivar add, sources, init: what they show, what they write, and that nothing is left of what fails."""

import shutil
import subprocess
from pathlib import Path

import pytest
from adding.conftest import CHAT
from project import ROOT

from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.tools.sources import add, listing, place, start
from cultivar.tools.sources.edits import declared, deps
from schemas.stage import Files
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams


def call(path="", **options):
    """`cultivar add` with everything answered; its exit status."""
    return add.main(path, **({"licence": "CC-BY-4.0", "columns": []} | options))


def state() -> tuple[bytes, bytes, list[str]]:
    files = sorted(str(path) for path in Path("data").rglob("*")) if Path("data").is_dir() else []
    return PARAMS.read_bytes(), GRAPH.read_bytes(), files


def staged() -> set[str]:
    shown = subprocess.run(["git", "diff", "--cached", "--name-only"], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


def test_a_file_is_shown_copied_kept_and_declared(project, own, capsys):
    odd = CHAT | {"lang": "en"}
    assert call(own(odd, {"messages": 3}, odd)) == 0
    shown = capsys.readouterr().out
    for line in (
        "format messages",
        "Rows: 1 instructions, 1 answers of people (for D)",
        "prompt · user: What is rust?",
        "reference · assistant: Iron oxide.",
        "2  field lang",
        "1  dropped: exact duplicate",
        "1  quarantined: not messages: no list `messages`",
    ):
        assert line in shown
    entry = {"name": "chats", "path": "data/raw/chats.jsonl", "domain": "general", "license": "CC-BY-4.0"}
    assert declared()[-3:][0] == ("sources", entry) and deps()[-1] == entry["path"]
    assert "data/raw/chats.jsonl" in staged() and Path(entry["path"]).is_file()


def test_rows_that_the_project_has_already_are_counted(project, own, capsys):
    other = {"messages": [{"role": "user", "content": "What is verdigris?"}]}
    source = {"name": "old", "path": own(CHAT, name="old.jsonl"), "domain": "general", "license": "CC0-1.0"}
    built = ingest(Files("ingest", (Path(source["path"]),)), IngestParams.model_validate({"sources": [source]}))
    built.instructions.frame.write_parquet("data/instructions.parquet", mkdir=True)
    assert call(own(CHAT, other)) == 0
    assert "the project has 1 of instructions already (" in capsys.readouterr().out
    assert call(own(other, name="new.jsonl")) == 0
    assert "already" not in capsys.readouterr().out


def test_every_other_line_of_both_files_stays(project, own):
    before = [path.read_text().splitlines() for path in (PARAMS, GRAPH)]
    call(own())
    for old, path, new in zip(before, (PARAMS, GRAPH), (4, 1), strict=True):
        now = path.read_text().splitlines()
        assert len(now) == len(old) + new
        place_of = next(n for n, (a, b) in enumerate(zip(old, now, strict=False)) if a != b)
        assert now[:place_of] + now[place_of + new :] == old


def test_what_was_added_can_be_removed_and_the_file_stays(project, own, capsys):
    before = state()[:2]
    assert call(own()) == 0 and add.main(remove="chats") == 0
    assert state()[:2] == before and Path("data/raw/chats.jsonl").is_file()
    assert "data/raw/chats.jsonl itself stays" in capsys.readouterr().out


def test_a_dep_that_another_source_needs_stays(project, own):
    call(own(name="a.jsonl"), name="one")
    call("data/raw/a.jsonl", name="two", domain="math", format="messages")
    add.main(remove="one")
    assert "data/raw/a.jsonl" in deps()
    add.main(remove="two")
    assert "data/raw/a.jsonl" not in deps()


def test_a_large_file_stands_under_dvc(project, own, monkeypatch):
    monkeypatch.setattr(place, "GIT_BYTES", 10)
    assert call(own()) == 0
    assert Path("data/raw/chats.jsonl.dvc").is_file() and "data/raw/chats.jsonl" not in staged()
    assert {"data/raw/chats.jsonl.dvc", "data/raw/.gitignore"} <= staged()
    ignored = subprocess.run(["git", "check-ignore", "data/raw/chats.jsonl"], capture_output=True, check=False)
    assert ignored.returncode == 0


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"licence": "CC-BY-4"}, "did you mean CC-BY-4.0"),
        ({"licence": ""}, "give --license"),
        ({"domain": "poetry"}, "domain"),
        ({"name": "general"}, "called 'general' already"),
        ({"format": "alpacca"}, "format"),
        ({"columns": ["prompt"]}, "write FIELD=COLUMN"),
        ({"format": "gsm8k"}, "not one row can be taken"),
    ],
)
def test_what_cannot_be_added_is_named_and_changes_nothing(project, own, capsys, options, fault):
    path, before = own(), state()
    assert call(path, **options) == 1
    assert fault in capsys.readouterr().err and state() == before


def test_a_missing_file_and_an_unknown_source_are_named(project, capsys):
    assert call("openai/gsm8k") == 1  # no hub can be asked here
    assert "write hf://datasets/openai/gsm8k@COMMIT" in capsys.readouterr().err
    assert call("../nope.jsonl") == 1 and "Hub" not in capsys.readouterr().err
    assert call("../nope.jsonl") == 1 and add.main(remove="generals") == 1 and add.main() == 1
    shown = capsys.readouterr().err
    assert "no such file" in shown and "did you mean general?" in shown and "cultivar add PATH" in shown


@pytest.mark.parametrize("broken", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("step", ["keep", "declare", "list_dep"])
def test_a_step_that_fails_leaves_nothing_half(project, own, monkeypatch, step, broken):
    def fail(*_):
        raise broken

    path, before = own(), state()
    monkeypatch.setattr(add, step, fail)
    with pytest.raises(broken):
        call(path)
    assert state()[:2] == before[:2] and not Path("data/raw/chats.jsonl").exists()


def test_a_name_that_a_pattern_or_a_terminal_would_read_is_replaced(project, own):
    assert call(own(name="a[1]\x1b.jsonl"), name="mine") == 0
    assert Path("data/raw/mine.jsonl").is_file()


def test_a_file_with_spaces_is_a_dep_that_yaml_reads(project, own):
    assert call(own(name="my chats #1.jsonl")) == 0
    assert deps()[-1] == "data/raw/my chats #1.jsonl" and declared()[-3][1]["path"] == deps()[-1]


def test_the_format_tells_the_domain(project, own):
    assert call(own({"question": "2+2?", "answer": "Four. #### 4"}, name="sums.jsonl")) == 0
    assert declared()[-3][1]["domain"] == "math"


@pytest.mark.parametrize(
    ("answers", "domain"),
    [
        (["4", "$\\frac{1}{2}$", "x"], "math"),
        (["Paris", "7", "Lyon"], "general"),
        (["You have 30 days to return the item to one of our shops."] * 3, "general"),
    ],
)
def test_questions_with_answers_are_of_maths_where_the_answers_are_formulas(project, own, answers, domain):
    rows = [{"question": f"How come, {n}?", "answer": answer} for n, answer in enumerate(answers)]
    assert call(own(*rows, name="faq.jsonl")) == 0
    assert declared()[-3][1]["domain"] == domain


def test_skipped_files_and_broken_rows_are_shown_with_their_places(project, own, capsys):
    folder = Path(own(CHAT, {"messages": 3}, CHAT, name="mine/chats.jsonl")).parent
    for name in ("LICENSE", ".hidden", "photo.jpg"):
        (folder / name).write_text("x")
    assert call(str(folder)) == 0
    shown = capsys.readouterr().out
    whole = "".join(shown.split())  # a long path is wrapped
    assert all(name in whole for name in ("LICENSE", ".hidden", "photo.jpg", "chats.jsonl:2"))
    assert all(len(line) <= 120 for line in shown.splitlines() if "skipped" in line or "quarantined" in line)


def test_a_cloned_repository_is_kept_as_files(project, own, tmp_path):
    folder = Path(own(name="cloned/chats.jsonl")).parent
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    assert call(str(folder)) == 0
    assert "data/raw/cloned/chats.jsonl" in staged() and not Path("data/raw/cloned/.git").exists()


def test_a_folder_that_cannot_be_copied_whole_is_named(project, own, capsys):
    folder = Path(own(name="mine/chats.jsonl")).parent
    (folder / "gone.jsonl").symlink_to("nowhere.jsonl")
    before = state()
    assert call(str(folder)) == 1 and "gone.jsonl" in capsys.readouterr().err
    assert state()[:2] == before[:2]


def test_rows_of_each_table_are_shown(project, own, capsys):
    ties = [{"prompt": f"Tie {n}?", "responses": ["a", "b"], "scores": [1, 1]} for n in range(4)]
    assert call(own(*ties, {"prompt": "Which?", "responses": ["Best.", "Worst."], "scores": [2, 1]})) == 0
    shown = capsys.readouterr().out
    assert "rejected · assistant: Worst." in shown and shown.count("prompt · user: Tie") == 2


def test_a_project_without_git_is_told_what_to_call(project, own, capsys):
    shutil.rmtree(".git")
    before = state()
    assert call(own()) == 1 and "call `git init`" in capsys.readouterr().err
    assert state()[:2] == before[:2]


def test_a_pair_is_shown_as_the_file_holds_it(project, own, capsys):
    assert call(own({"prompt": "Hi?", "chosen": "Good day.", "rejected": "No."})) == 0
    shown = capsys.readouterr().out
    assert "rejected · assistant: No." in shown and "engine" not in shown and "label_source" not in shown


def test_a_fault_names_the_option_that_heals_it(project, own, tmp_path, capsys):
    path = tmp_path / "gb.jsonl"
    path.write_bytes('{"prompt": "请解释数字", "completion": "好"}\n'.encode("gb18030"))
    assert call(str(path)) == 1 and "--encoding" in capsys.readouterr().err
    assert call(str(path), encoding="gb18030") == 0


def test_init_takes_the_sources_of_the_demo_out_and_an_own_one_goes_in(project, own, capsys):
    assert start.main(yes=True) == 0
    assert declared() == [] and "data/seeds" not in deps()
    assert "literature" in capsys.readouterr().out
    assert call(own(), evaluation=True) == 0 and call(own(name="b.jsonl")) == 0
    assert [(section, entry["name"]) for section, entry in declared()] == [("sources", "b"), ("evaluation", "chats")]
    assert start.main(yes=True) == 0 and "none of the demo's sources" in capsys.readouterr().out


def test_sources_says_where_each_stands_and_what_is_missing(project, own, capsys):
    call(own())
    Path("metrics").mkdir()
    Path("metrics/ingest.json").write_text('{"rows_by_source": {"chats": {"instructions": 1234}}}')
    capsys.readouterr()
    assert listing.main() == 0
    out, err = capsys.readouterr()
    row = next(line.split() for line in out.splitlines() if line.startswith("chats"))
    assert row == ["chats", "1,234", "general", "CC-BY-4.0", "auto", "git", "data/raw/chats.jsonl"]
    assert "general: data/seeds/general.jsonl is not here" in err and "chats:" not in err


def test_sources_says_why_a_source_has_no_row(project, own, capsys):
    call(own())
    Path("metrics").mkdir()
    ends = '{"rows_by_source": {"chats": {}}, "ends_by_source": {"chats": {"dropped": 12, "not_taken": 3}}}'
    Path("metrics/ingest.json").write_text(ends)
    assert listing.main() == 0
    assert (
        "chats: the last build took no row of it: 12 dropped (data/dropped/ingest.parquet)" in capsys.readouterr().err
    )


def test_the_project_s_own_files_are_those_that_are_edited_here():
    assert load_yaml(ROOT / "params.yaml")["ingest"]["sources"] and (ROOT / "dvc.yaml").is_file()
