"""The ready files for CI: they parse, fetch what they need, and their commands and options exist."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cultivar.cli import as_command
from cultivar.tools import check
from reports.comment import command as comment
from reports.gates import command as gate

FOLDER = Path(__file__).parents[2] / "docs" / "ci"
COMMANDS = {"check": check, "comment": comment, "gate": gate}


def read(name: str):
    return YAML(typ="safe", pure=True).load(FOLDER / name)


def github_steps():
    return read("github-actions.yml")["jobs"]["review"]["steps"]


def commands(name: str) -> list[list[str]]:
    """Arguments of every call of cultivar in a file."""
    if name == "github-actions.yml":
        lines = [step["run"] for step in github_steps() if "run" in step]
    else:
        lines = read(name)["data-review"]["script"]
    return [shlex.split(re.sub(r"\$\(.*\)", "base", line))[1:] for line in lines if line.startswith("cultivar ")]


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_commands_and_their_options_exist(name):
    called = commands(name)
    assert [arguments[0] for arguments in called] == ["check", "comment", "gate"]
    for job, *rest in called:
        known = {name for option in as_command(job, COMMANDS[job].main, "").params for name in option.opts}
        assert {argument for argument in rest if argument.startswith("--")} <= known


def test_github_has_all_history_may_comment_and_keeps_the_report():
    workflow = read("github-actions.yml")
    checkout, *_ = (step["with"] for step in github_steps() if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["fetch-depth"] == 0 and "head.sha" in checkout["ref"]
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "pull_request" in workflow["on"] and "pull_request_target" not in workflow["on"]
    keys = [step["env"] for step in github_steps() if "GITHUB_TOKEN" in step.get("env", {})]
    assert keys == [{"GITHUB_TOKEN": "${{ github.token }}"}]
    upload = github_steps()[-1]
    assert (upload["if"], upload["with"]["path"]) == ("always()", "review.html")


def test_no_text_of_a_request_is_part_of_a_shell_command():
    for step in github_steps():
        assert "${{" not in step.get("run", "")


def test_gitlab_has_all_history_and_keeps_the_report():
    job = read("gitlab-ci.yml")["data-review"]
    assert job["variables"]["GIT_DEPTH"] == "0"
    assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert (job["artifacts"]["when"], job["artifacts"]["paths"]) == ("always", ["review.html"])
