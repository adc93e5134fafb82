"""The family of a row: `cultivar trace ROW`; how far something reaches: `cultivar trace --source S | --license L | --model M`.

ROW is an id or its first characters, file:line of a source, or an entire prompt in quotes. Shown are what the row was made
from, back to the lines that people wrote, what was made of it, its way through the stages or where and why it ended, and the
training that used it. Requests are shown as they were sent where that can be proved: the stages are run again over the
family's rows from remembered answers, nothing is sent and nothing written.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from cultivar.outgoing.redaction import redacted_value
from cultivar.runlog.console import complain, say
from reports.trace.family import SHOWN, Family, Tracer
from reports.trace.find import find_row
from reports.trace.markdown import render_markdown
from reports.trace.outline import outline
from reports.trace.picture import render_svg
from reports.trace.requests import Requests, fill_answers, rebuild
from reports.trace.spread import What, spread
from reports.trace.spread_text import as_json, spread_lines
from reports.trace.text import render_text
from reports.trace.words import kind_of_node, raw_of, way_of
from reports.versions.version import WORKSPACE, open_version
from schemas.errors import UserError
from schemas.writing import Drafts, naming, write_text


def main(
    row: Annotated[str | None, typer.Argument(help="id or its beginning, file:line, or a prompt in quotes")] = None,
    at: Annotated[
        str, typer.Option(help="git revision, tag, branch or experiment; default: the workspace")
    ] = WORKSPACE,
    source: Annotated[str, typer.Option(help="how far a source reaches: file, folder, file:line, or its name")] = "",
    license: Annotated[str, typer.Option(help="how far a licence reaches")] = "",
    model: Annotated[str, typer.Option(help="how far a model reaches: engine/model@revision, model, or role")] = "",
    markdown: Annotated[Path | None, typer.Option(help="write the trace as Markdown, complete")] = None,
    svg: Annotated[Path | None, typer.Option(help="write a picture of the family")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="print as JSON, complete")] = False,
    full: Annotated[bool, typer.Option(help="every text in full, all requests")] = False,
    requests: Annotated[bool, typer.Option(help="rebuild the requests (seconds)")] = True,
    limit: Annotated[int, typer.Option(min=0, help="rows of one kind made of the row that are shown")] = SHOWN,
) -> int:
    asked: list[tuple[What, str]] = [("source", source), ("license", license), ("model", model)]
    named = [(what, name) for what, name in asked if name]
    try:
        if (row is not None) + len(named) != 1:
            raise UserError("name one thing to trace: a ROW, or --source, --license or --model")
        tracer = Tracer(open_version(at))
        if row is None:
            found = spread(*named[0], tracer.index)
            say(json.dumps(redacted_value(as_json(found)), indent=2) if as_json_ else "\n".join(spread_lines(found)))
            return 0
        whole = full or markdown is not None or as_json_
        family = tracer.trace(find_row(row, tracer.index), limit, whole)
        rebuilt = None
        if requests:
            rebuilt = rebuild(family, tracer)
        else:
            fill_answers(node for node in family.nodes.values() if not node.tables)
        write_files(family, rebuilt, markdown, svg)
        if as_json_:
            print(json.dumps(redacted_value(family_json(family, rebuilt)), indent=2))
        else:
            columns = shutil.get_terminal_size((80, 24)).columns
            say(render_text(outline(family, rebuilt, full), columns, full))
    except KeyboardInterrupt:
        return 130
    except (UserError, OSError) as error:  # a file that cannot be written is no traceback
        complain(f"error: {error}")
        return 1
    return 0


def write_files(family: Family, requests: Requests | None, markdown: Path | None, svg: Path | None) -> None:
    """Write what was asked for, all or none. Raises DiskFull."""
    with Drafts() as drafts:
        if svg is not None:
            with naming(svg):
                write_text(drafts.add(svg), render_svg(family))
        if markdown is not None:
            picture = "" if svg is None else svg.name if svg.parent == markdown.parent else svg.as_posix()
            with naming(markdown):
                write_text(drafts.add(markdown), render_markdown(outline(family, requests, full=True), picture))
        drafts.publish()


def family_json(family: Family, requests: Requests | None) -> dict[str, Any]:
    """A family as plain values: nodes with all their columns, edges, counts, requests by row."""
    version = family.version
    return {
        "version": {"name": version.name, "commit": version.commit},
        "row": family.focus,
        "nodes": [
            {
                "id": node.id,
                "kind": kind_of_node(node),
                "depth": node.depth,
                "tables": node.tables,
                "parents": node.parents,
                "source": None if node.line is None else {"place": node.line.place, "line": node.line.text},
                "way": way_of(node, version),
                "raw": list(raw_of(node)),
                "row": {name: value for name, value in node.row.items() if name != "ended"},
                "answer": node.answer,
            }
            for node in family.nodes.values()
        ],
        "edges": [{"parent": parent, "child": child} for parent, child in family.edges()],
        "made_of_it": family.totals,
        "not_listed": family.more,
        "requests": {}
        if requests is None
        else {row: [request_json(one) for one in own] for row, own in requests.of_row.items()},
        "outputs": {}
        if requests is None
        else {row: [vars(one) for one in own] for row, own in requests.outputs.items()},
        "notes": [] if requests is None else requests.notes,
    }


def request_json(asked: Any) -> dict[str, Any]:
    request = asked.request
    return {
        "key": asked.key,
        "proof": asked.proof,
        "stage": asked.stage,
        "role": asked.role,
        "engine": asked.engine,
        "sampling": request.config.sampling,
        "schema": request.config.schema,
        "seed": request.seed,
        "sample": request.sample,
        "messages": request.messages,
        "answer": asked.answer.text,
    }


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("trace")
