"""How a family looks: texts of rows act nowhere, the picture has no arrow through a text, many siblings share a box."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from handmade import row_id
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rows import P0, TURN, VERDICT, D, admitted, problem, table

from cultivar.cli import as_command
from reports.trace import command
from reports.trace.family import Tracer
from reports.trace.layout import Sizes, lay_out
from reports.trace.outline import outline
from reports.trace.picture import MOST, drawn, render_svg
from reports.trace.text import render_text
from reports.versions.version import open_version

HOSTILE = (
    "\x1b[2J\x1b]8;;http://evil\x07 </text><script>alert(1)</script> ]]> `` ``` \u202e <img src=x onerror=a()>\n"
    "# heading\n- [link](javascript:a) | x |\n```\n<b>"
)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        as_command("trace", command.main, command.__doc__ or "")(list(arguments), prog_name="trace")
    return ended.value.code


@pytest.fixture
def hostile(project):
    evil = problem(0, 1) | {"prompt": HOSTILE, "source": f"data/{HOSTILE.splitlines()[0]}:1", "license": HOSTILE}
    turns = [{"role": "assistant", "content": HOSTILE}]
    row = admitted("d", [P0], [VERDICT], completion=turns, engine=HOSTILE, split="train")
    failed = {"id": row_id("failed"), "parents": [P0], "stage": HOSTILE, "error": HOSTILE, "source": "", "raw": HOSTILE}
    project.put(
        {"ingest": {"data/problems.parquet": table(evil)}, "assemble": {"data/demonstrations.parquet": table(row)}}
    )
    project.put({"rejection": {"data/quarantine/rejection.parquet": table(failed)}})
    return project


def test_a_file_that_cannot_be_written_is_said(project, capsys):
    Path("taken").write_text("a file")
    assert run(P0, "--no-requests", "--svg", "taken/x.svg") == 1
    assert "error: " in capsys.readouterr().err


def test_hostile_texts_act_neither_on_a_terminal_nor_in_markdown_nor_in_a_picture(hostile, capsys):
    assert run(P0, "--no-requests", "--full", "--markdown", "out/trace.md", "--svg", "out/trace.svg") == 0
    said = capsys.readouterr().out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said) and r"\x1b[2J" in said
    picture = Path("out/trace.svg").read_text()
    kinds = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()}
    assert kinds <= {"svg", "title", "defs", "marker", "path", "rect", "g", "text"}
    assert not re.search(r"\x1b|\u202e|<script|href|on\w+=\"", picture)
    written = Path("out/trace.md").read_text()
    assert "![The family" in written and "](trace.svg)" in written
    fence, outside = None, []
    for line in written.splitlines():
        mark = re.match(r"\s*(`{3,})(text)?$", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None  # no text ended or opened a block
    assert not re.search(
        r"<(?!a id=\"[0-9a-f]{32}\">|/a>)|(?<!\\)\]\(javascript|^# heading|\x1b|\u202e",
        "\n".join(outside),
        re.MULTILINE,
    )


def test_json_holds_the_family_and_nothing_that_acts(hostile, capsys):
    assert run(D, "--json", "--no-requests") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\u202e" not in said
    told = json.loads(said)
    assert {one["id"] for one in told["nodes"] if one["depth"] == 0} == {D}
    assert {"parent": P0, "child": D} in told["edges"] or {"parent": VERDICT, "child": D} in told["edges"]
    assert told["made_of_it"] == {"data/rollouts.parquet": 20} and told["not_listed"] == {"data/rollouts.parquet": 12}


def test_secrets_stay_here(project, capsys, monkeypatch):
    monkeypatch.setenv("CULTIVAR_API_KEY", "sk-" + "a1B2" * 10)
    turns = [{"role": "assistant", "content": f"my key is {'sk-' + 'a1B2' * 10}"}]
    project.put(
        {"assemble": {"data/demonstrations.parquet": table(admitted("d", [P0], [], completion=turns, split="train"))}}
    )
    for form in ([], ["--json"], ["--markdown", "t.md", "--svg", "t.svg", "--full"]):
        assert run(D, "--no-requests", *form) == 0
    everything = capsys.readouterr().out + Path("t.md").read_text() + Path("t.svg").read_text()
    assert "a1B2a1B2" not in everything and "my key is" in everything


def test_the_same_version_gives_the_same_bytes(project):
    for name in ("one", "two"):
        assert run(D, "--at", "HEAD", "--markdown", f"{name}.md", "--svg", f"{name}.svg") == 0
    assert Path("one.svg").read_bytes() == Path("two.svg").read_bytes()
    assert Path("one.md").read_text().replace("one.svg", "two.svg") == Path("two.md").read_text()


def test_errors_name_the_remedy(project, capsys):
    assert run() == 1 and run(D, "--source", "x") == 1 and run(row_id("no")) == 1 and run(D, "--at", "nowhere") == 1
    said = capsys.readouterr().err
    assert said.count("name one thing to trace") == 2 and "--at REV" in said and "git log --oneline" in said


def test_many_siblings_share_a_box_and_few_do_not(project):
    rollouts = [{"id": row_id(f"r {n}"), "parents": [D], "episode": n} for n in range(200)]
    project.put({"online_dpo": {"data/rollouts.parquet": table(*rollouts)}})
    tracer = Tracer(open_version())
    boxes, _ = drawn(tracer.trace(D, shown=50))
    said = [(box.title, box.lines[0]) for box in boxes.values() if box.title.startswith("and ")]
    assert said == [("and 46 more", "rollouts"), ("and 150 more", "rollouts")]
    assert len(boxes) <= MOST
    project.put({"online_dpo": {"data/rollouts.parquet": table(*rollouts[:5])}})
    boxes, _ = drawn(Tracer(open_version()).trace(D))
    assert not any(box.title.startswith("and ") for box in boxes.values())  # a box for one more would save nothing
    assert (
        "5 "
        not in render_text(outline(Tracer(open_version()).trace(D, shown=5), None))
        .split("Made of it")[1]
        .split("└")[-1]
    )


def test_a_row_of_d_is_named_so_in_the_picture(project):
    picture = render_svg(Tracer(open_version()).trace(D))
    assert f"demonstration of D {D[:8]}" in picture and "data/seeds/problems.jsonl:1" in picture
    assert TURN[0]["content"] in picture


names = st.integers(0, 11).map(str)


@settings(max_examples=80, deadline=None)
@given(st.sets(names, min_size=1), st.lists(st.tuples(names, names), max_size=24))
def test_no_arrow_crosses_a_box_and_no_boxes_overlap(some, edges):
    sizes = Sizes()
    layout = lay_out(sorted(some), edges, sizes)
    corners = list(layout.boxes.values())
    for number, (x, y) in enumerate(corners):
        for other_x, other_y in corners[number + 1 :]:
            assert abs(x - other_x) >= sizes.width or abs(y - other_y) >= sizes.height
    for points in layout.ways.values():
        assert len(points) % 2 == 0
        for number in range(0, len(points), 2):  # in the gap between two columns, where no box stands
            assert points[number + 1][0] - points[number][0] == sizes.gap
        for number in range(1, len(points) - 1, 2):  # across a column, in a lane of its own
            (x, y), (to_x, to_y) = points[number], points[number + 1]
            assert y == to_y and to_x - x == sizes.width
            assert all(bx + sizes.width <= x or bx >= to_x or not by < y < by + sizes.height for bx, by in corners)
