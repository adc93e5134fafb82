"""Forget a source, a row, an annotator, a model or one remembered answer, with everything that was made of it alone.

    cultivar forget --row ID|FILE:LINE            # what would go; nothing is touched
    cultivar forget --row ID --yes --reason "…"   # do it
    dvc repro                                     # build again, without a request to a model
    cultivar forget --check reports/forgotten/ID.json

Goes: the record in its file (or the source's entry in params.yaml and its files, the annotator's lines), answers, verdicts
and embeddings that nothing else asks for, tables and models of every version in DVC's cache that hold it, people's rankings
of what was made of it. What a row that stays needs as well is kept. Copies elsewhere (git's history, remotes) are not
reached; the commands for them are printed. A broken-off run is taken up by the same command.
"""

import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import PARAMS, load_yaml
from cultivar.store.store import Store, project_store_folder
from reports.forget.answers import REWARDS, labelled_keys, take_in_journals
from reports.forget.applying import carry_out, check_writable
from reports.forget.certificate import complete, read, write
from reports.forget.elsewhere import SHOWN, remote_commands, store_commands
from reports.forget.plan import Plan, id_of, make_plan, today, unfinished
from reports.forget.target import (
    Target,
    annotator_target,
    answer_target,
    model_target,
    row_target,
    source_target,
)
from schemas.errors import UserError
from schemas.params.engines import RoleParams
from schemas.stage import UndeclaredRead
from schemas.table import TableError


def main(
    source: Annotated[str | None, typer.Option(help="a source of params.yaml by name, or a file of sources")] = None,
    row: Annotated[str | None, typer.Option(help="a source's row by id, or its record as file:line")] = None,
    annotator: Annotated[str | None, typer.Option(help="a person, as human/annotations names them")] = None,
    model: Annotated[str | None, typer.Option(help="a model: engine/model@revision, model@revision or model")] = None,
    answer: Annotated[str | None, typer.Option(help="one remembered answer, by its key")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without this, only say what would go")] = False,
    unclaimed: Annotated[
        bool, typer.Option("--unclaimed", help="also all answers that no stage of this version asks for")
    ] = False,
    reason: Annotated[str, typer.Option(help="why, for the certificate")] = "",
    who: Annotated[str, typer.Option(help="who does it, for the certificate; default: git's user")] = "",
    date: Annotated[str, typer.Option(help="ISO day, for the certificate; default: today")] = "",
    check: Annotated[Path | None, typer.Option(help="complete a certificate after `dvc repro`: scan again")] = None,
) -> int:
    """What goes, or with --yes its end."""
    try:
        store = Store(project_store_folder())
        if check is not None:
            return check_certificate(check, store)
        asked = {"source": source, "row": row, "annotator": annotator, "model": model, "answer": answer}
        given = {kind: name for kind, name in asked.items() if name is not None}
        if len(given) != 1:
            raise UserError("name one of --source, --row, --annotator, --model and --answer, or --check CERTIFICATE")
        ((kind, name),) = given.items()
        return forget(kind, name, store, yes, unclaimed, (reason, who or git_user(), date or today()))
    except (UserError, TableError, UndeclaredRead, OSError) as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("broken off; the same command takes it up again")
        return 130


def forget(kind: str, name: str, store: Store, yes: bool, unclaimed: bool, why: tuple[str, str, str]) -> int:
    """Say what goes with one name; with `yes` make it go. `why`: reason, who, when."""
    for begun in unfinished():
        if yes and begun.kind == kind and begun.asked == hashed(kind, name):
            say(f"{begun.id} was begun and is taken up again")
            return finish(begun, store)
        say(f"{begun.id} ({begun.kind}) was begun and did not end: run its command with --yes again")
        return 1
    take_in_journals(store)
    target = target_of(kind, name, store)
    plan = make_plan(target, store, unclaimed)
    plan.reason, plan.who, plan.date = why
    plan.asked = hashed(kind, name)
    say("\n".join(summary(plan)))
    if not yes:
        say(
            "nothing was touched; --yes does it"
            + (" (by the row's id: lines move)" if ":" in name and kind == "row" else "")
        )
        return 0
    check_writable(plan, store)  # a plan that is refused is not kept: what DVC writes meanwhile would not be in it
    plan.save(target.files)
    return finish(plan, store)


def finish(plan: Plan, store: Store) -> int:
    """Carry out a saved plan and say what is left to do."""
    path = carry_out(plan, store)
    certificate = read(path)
    found = certificate["scans"]["when forgotten"]["found"]
    say_found(certificate["scans"]["when forgotten"])
    say(f"certificate: {path}")
    say(f"next: `dvc repro`, then `cultivar forget --check {path}`, and commit both")
    return 1 if found else 0


def target_of(kind: str, name: str, store: Store) -> Target:
    """What a name stands for. Raises UserError."""
    match kind:
        case "source":
            return source_target(name)
        case "row":
            return row_target(name)
        case "annotator":
            return annotator_target(name)
        case "model":
            keys = labelled_keys(store)
            target = model_target(name, keys)
            target.keys = {key.hex() for key in keys[target.name]}
            return target
        case _:
            target = answer_target(name)
            if not any(store.get(one, [name]).height for one in store.kinds()):
                raise UserError(f"the store has no answer {name}; `cultivar trace ROW` names those behind a row")
            return target


def check_certificate(path: Path, store: Store) -> int:
    """Complete a certificate; 1 where something is still found."""
    certificate = complete(read(path), store)
    write(certificate)
    scan = certificate["scans"]["when rebuilt"]
    say_found(scan)
    say(
        f"{scan['files']:,} files of workspace, store and cache read: "
        + (f"{len(scan['found'])} hold it" if scan["found"] else "nothing of it is left")
        + (f"; {len(scan['not_readable'])} could not be read" if scan["not_readable"] else "")
    )
    return 1 if scan["found"] else 0


def roles_of(label: str) -> list[str]:
    """Roles of params.yaml that a model answers."""
    found = {name: RoleParams.model_validate(role) for name, role in (load_yaml(PARAMS).get("roles") or {}).items()}
    return [name for name, role in found.items() if f"{role.engine}/{role.model}@{role.revision}" == label]


def say_found(scan: dict[str, Any]) -> None:
    """Say where a scan has found something."""
    for one in scan["found"]:
        say(f"still holds it: {one['path']} ({one['hits']} texts or ids)")
    for path in scan["mentioned"]:
        say(f"{path}, which no stage reads or writes, says the same; change it by hand if it should not")


def hashed(kind: str, name: str) -> str:
    """What was asked for, as a draft may hold it."""
    return id_of(Target(kind, name))


def git_user() -> str:
    done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True)
    return done.stdout.strip()


def summary(plan: Plan) -> list[str]:
    """What goes, in lines."""
    lines = [f"forget {plan.kind} {plan.name} ({plan.id})"]
    for path, hashes in plan.files.items():
        lines.append(f"  file {path}: {'goes' if hashes['after'] is None else 'is cut'}")
    if plan.judgements:
        lines.append(f"  {plan.judgements:,} rankings by people")
    answers = sum(map(len, plan.answers.values()))
    if rewards := len(plan.answers.get(REWARDS, ())):
        lines.append(f"  store: all {rewards:,} cached rewards, since the reward model is trained anew")
        answers -= rewards
    lines.append(
        f"  store: {answers:,} entries that nothing else asks for, in {sum(map(len, plan.segments.values())):,} segments; "
        f"{plan.kept_answers:,} that this version goes on asking for are kept"
    )
    if plan.damaged:
        lines.append(f"  store: {len(plan.damaged):,} damaged or unfinished files")
    if plan.unclaimed:
        lines.append(
            f"  store: {sum(plan.unclaimed.values()):,} entries that no stage of this version asks for stay (of other "
            "branches and versions; --unclaimed removes them too)"
        )
    lines.append(f"  DVC's cache: {len(plan.objects):,} objects with {plan.rows:,} rows of it in all versions")
    if plan.foreign:
        lines.append(
            f"  DVC's cache: {len(plan.foreign):,} objects hold it that no revision here names; the cache lies outside this "
            "project, so they stay: `dvc gc` of all its projects removes them"
        )
    if plan.unreadable:
        lines.append(f"  DVC's cache: {len(plan.unreadable):,} damaged objects cannot be read; see `cultivar doctor`")
    for revision in plan.revisions:
        lines.append(
            f"  {revision['commit']} {revision['title'][:60]}: {len(revision['outputs'])} outputs become unavailable"
        )
    lines.append(f"  to be rebuilt: {', '.join(plan.rebuild) or 'nothing'}")
    if plan.kind == "model" and (roles := roles_of(plan.name)):
        lines.append(
            f"  {PARAMS} still names it for {', '.join(roles)}: give these another model, or it is asked again"
        )
    if plan.to_ask:
        asked = ", ".join(f"{stage} {count:,}" for stage, count in plan.to_ask.items())
        lines.append(f"  the next run asks what no remembered answer says, at least: {asked} requests")
    if any(plan.shared.values()):
        lines.append(
            f"  {plan.shared['texts']:,} of its texts and {plan.shared['rows']:,} of its rows stand elsewhere as well and stay"
        )
    for entry in plan.history:
        lines.append(
            f"  git: {len(entry['commits'])} commits hold it in {entry['path']}: {' '.join(entry['commits'][:5])}"
        )
        lines.append(f"       {entry['command']}")
    commands = remote_commands(plan.objects) + store_commands(plan.segments)
    if commands:
        lines.append("  copies elsewhere, where they were pushed:")
        lines += [f"       {command}" for command in commands[:SHOWN]]
        if len(commands) > SHOWN:
            lines.append(f"       and {len(commands) - SHOWN:,} more, in the certificate")
    return lines
