"""`cultivar gate`: exit status, what is printed, and which version is the base."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from made_versions import WHY, MadeVersion, key, shown

from reports.gates.command import default_base, main
from reports.gates.reading import read_gates

HOSTILE = "Mail jo@firm.org \x1b[31m\u202e<script>alert(1)</script> [a](http://b) | `x` token=Abcdef1234567890"
ROOT = Path(__file__).parent.parent.parent


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def record(project: MadeVersion) -> None:
    """A dvc.lock that names the tables of the project, and their objects in DVC's cache."""
    lines = ["schema: '2.0'", "stages:", "  assemble:", "    cmd: x", "    outs:"]
    for path in project.tables():
        content = (project.folder / path).read_bytes()
        md5 = hashlib.md5(content).hexdigest()
        place = project.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        lines += [f"    - path: {path}", "      hash: md5", f"      md5: {md5}", f"      size: {len(content)}"]
    project.write("dvc.lock", "\n".join(lines) + "\n").write("dvc.yaml", "stages:\n  assemble:\n    cmd: x\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeVersion:
    """A repository whose HEAD has one clean row, and whose working tree has one more that holds an address."""
    monkeypatch.chdir(tmp_path)
    made = MadeVersion(tmp_path).demonstrations(shown("1", "Clean.")).preferences()
    made.gates("rule: personal_data, max: 0", "rule: rows, table: demonstrations, min: 1")
    made.write(".gitignore", "/data\n/.dvc/cache\n/.cache\n")
    record(made)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "first")
    made.demonstrations(shown("1", "Clean."), shown("2", HOSTILE))
    record(made)
    return made


def test_a_failing_gate_ends_non_zero_with_its_rows(project: MadeVersion, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(day="2026-06-30") == 1
    out = capsys.readouterr().out
    assert "FAIL  g0  1 rows  at most 0   base 0  of 2 rows" in out
    assert f"FAIL: g0: {WHY}" in out and key("2") in out
    assert "2 gates against HEAD" in out and out.rstrip().endswith("1 pass, 1 FAIL")
    assert main("HEAD", "HEAD", day="2026-06-30") == 0


def test_tables_that_were_built_and_are_not_on_disk_do_not_pass(
    project: MadeVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / "data/preferences.parquet").unlink()  # a fresh clone
    assert main(day="2026-06-30") == 1
    assert "data/preferences.parquet is recorded in dvc.lock and not on disk" in capsys.readouterr().err
    assert main("HEAD", "HEAD", day="2026-06-30") == 0  # from DVC's cache


@pytest.mark.parametrize("markdown", [False, True])
def test_what_rows_hold_is_inert(project: MadeVersion, markdown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    file = project.folder / "gates.json"
    assert main(markdown=markdown, as_json=file, day="2026-06-30") == 1
    out = capsys.readouterr().out
    for text in (out, file.read_text(encoding="utf-8")):
        assert "jo@firm" not in text and "Abcdef1234567890" not in text
    assert "\x1b" not in out and "\u202e" not in out
    if markdown:
        assert "<script>" not in out and "](http" not in out and "`x`" not in out.replace("\\`", "")
        assert f"| {key('2')} | demonstrations | holds an e-mail address |" in out


def test_the_json_holds_everything_and_is_the_same_again(project: MadeVersion) -> None:
    first, second = project.folder / "1.json", project.folder / "2.json"
    main(as_json=first, day="2026-06-30")
    main(as_json=second, day="2026-06-30")
    assert first.read_bytes() == second.read_bytes()
    found = json.loads(first.read_text(encoding="utf-8"))
    assert [(gate["name"], gate["status"], gate["value"], gate["base"]) for gate in found["gates"]] == [
        ("g0", "fail", 1, 0),
        ("g1", "pass", 2, 1),
    ]
    assert found["gates"][0]["rows"][0]["id"] == key("2") and found["version"] == "workspace"


def test_without_gates_or_with_a_faulty_day_it_says_so(
    project: MadeVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(day="tomorrow") == 1
    (project.folder / "reports/gates.yaml").unlink()
    assert main(day="2026-06-30") == 1
    assert main("no-such-revision", day="2026-06-30") == 1
    err = capsys.readouterr().err
    assert "write a day as" in err and "reports/gates.yaml is not there" in err and "no-such-revision is no" in err


def test_the_base_is_head_on_the_default_branch_and_where_another_left_it(project: MadeVersion) -> None:
    first = git("rev-parse", "HEAD")
    base = default_base()
    assert base is not None and (base.name, base.commit) == ("HEAD", first)
    git("checkout", "-qb", "work")
    git("commit", "-qam", "second")
    base = default_base()
    assert base is not None and base.commit == first
    git("branch", "-D", "main")  # no default branch is known
    base = default_base()
    assert base is not None and (base.name, base.commit) == ("HEAD", git("rev-parse", "HEAD"))


def test_before_the_first_commit_there_is_no_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    assert default_base() is None


def test_the_declared_gates_have_reasons_and_titles_of_their_own() -> None:
    gates = read_gates((ROOT / "reports/gates.yaml").read_text(encoding="utf-8")).gates
    assert len({gate.why for gate in gates}) == len(gates) >= 20
    rules = {gate.rule for gate in gates}
    assert rules == {
        *("leaks", "reported_overlaps", "split_leaks", "personal_data", "licenses", "duplicates"),
        *("rows", "share", "quarantine", "lost_answers", "dropped", "metric"),
    }
