"""GitHub and GitLab, as far as one comment needs them: what CI tells of the request under review, and four calls."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from reports.comment.calls import Api, Refused
from schemas.errors import UserError

PER_PAGE = 100


@dataclass(frozen=True)
class Comment:
    """A comment that stands at a request: its number there, its text, and whether this key's owner wrote it."""

    number: int
    body: str
    is_own: bool


class Host(Protocol):
    """Where the comment goes."""

    def comments(self) -> list[Comment]:
        """All comments of the request, oldest first."""

    def create(self, body: str) -> str:
        """Write a new one; its address."""

    def update(self, number: int, body: str) -> str:
        """Replace the text of one; its address."""


class GitHub:
    """A pull request on GitHub or GitHub Enterprise."""

    def __init__(self, number: int | None) -> None:
        key = need("GITHUB_TOKEN", "pass `GITHUB_TOKEN: ${{ github.token }}` in the step's env")
        self.repository = need("GITHUB_REPOSITORY", "GitHub Actions sets it to owner/name")
        self.number = number or github_number()
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self.api = Api(os.environ.get("GITHUB_API_URL", "https://api.github.com"), headers, key)
        self.place = f"/repos/{quote(self.repository)}/issues"

    def comments(self) -> list[Comment]:
        me = self.me()
        rows = pages(self.api, f"{self.place}/{self.number}/comments")
        return [Comment(row["id"], row.get("body") or "", is_mine(row.get("user") or {}, me)) for row in rows]

    def me(self) -> int | None:
        """The number of the key's owner; None for the key of a workflow, which belongs to no user."""
        try:
            return self.api.call("GET", "/user").value["id"]
        except Refused as error:
            if error.status == 401:
                raise
            return None

    def create(self, body: str) -> str:
        return self.api.call("POST", f"{self.place}/{self.number}/comments", {"body": body}).value["html_url"]

    def update(self, number: int, body: str) -> str:
        return self.api.call("PATCH", f"{self.place}/comments/{number}", {"body": body}).value["html_url"]


def is_mine(user: dict[str, Any], me: int | None) -> bool:
    """Whether a comment's author is the key's owner: for a workflow's key, an app rather than a person."""
    return user.get("id") == me if me is not None else user.get("type") == "Bot"


class GitLab:
    """A merge request on GitLab."""

    def __init__(self, number: int | None) -> None:
        token, job = os.environ.get("GITLAB_TOKEN"), os.environ.get("CI_JOB_TOKEN")
        key = token or job
        if not key:
            raise UserError("GITLAB_TOKEN is not set: add a project access token with scope api as a masked variable")
        base = need("CI_API_V4_URL", "GitLab CI sets it, e.g. to https://gitlab.com/api/v4")
        self.api = Api(base, {"PRIVATE-TOKEN" if token else "JOB-TOKEN": key}, key)
        iid = number or int(
            need("CI_MERGE_REQUEST_IID", "GitLab sets it in pipelines of merge requests; or give --number")
        )
        self.place = f"/projects/{quote(need('CI_PROJECT_ID', 'GitLab CI sets it'), safe='')}/merge_requests/{iid}"

    def comments(self) -> list[Comment]:
        me = self.api.call("GET", "/user").value["id"]
        rows = pages(self.api, f"{self.place}/notes", "&sort=asc&order_by=created_at")
        return [
            Comment(row["id"], row.get("body") or "", (row.get("author") or {}).get("id") == me)
            for row in rows
            if not row.get("system")
        ]

    def create(self, body: str) -> str:
        return self.address(self.api.call("POST", f"{self.place}/notes", {"body": body}).value["id"])

    def update(self, number: int, body: str) -> str:
        return self.address(self.api.call("PUT", f"{self.place}/notes/{number}", {"body": body}).value["id"])

    def address(self, number: int) -> str:
        project = os.environ.get("CI_PROJECT_URL") or self.api.base
        return f"{project}/-{self.place.removeprefix(self.place.partition('/merge_requests')[0])}#note_{number}"


def pages(api: Api, path: str, query: str = "") -> list[dict[str, Any]]:
    """All rows of a list that the host gives page by page."""
    rows: list[dict[str, Any]] = []
    page, has_next = 1, True
    while has_next:
        value, has_next = api.call("GET", f"{path}?per_page={PER_PAGE}&page={page}{query}")
        rows += value
        page += 1
    return rows


def need(name: str, remedy: str) -> str:
    """A variable of the environment. Raises UserError where it is not set."""
    if value := os.environ.get(name):
        return value
    raise UserError(f"{name} is not set: {remedy}")


def github_event() -> dict[str, Any]:
    """What started the workflow; {} outside one."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path or not Path(path).is_file():
        return {}
    return json.loads(Path(path).read_text("utf-8"))


def github_number() -> int:
    """The number of the pull request that the workflow runs for. Raises UserError where it runs for none."""
    event = github_event()
    if "pull_request" in event:
        return int(event["pull_request"]["number"])
    if "pull_request" in event.get("issue", {}):
        return int(event["issue"]["number"])
    if found := re.fullmatch(r"refs/pull/(\d+)/\w+", os.environ.get("GITHUB_REF", "")):
        return int(found[1])
    raise UserError("this workflow runs for no pull request: start it by `on: pull_request`, or give --number")


def find_host(number: int | None) -> Host:
    """The host whose CI this is. Raises UserError where it is neither's."""
    if os.environ.get("GITHUB_REPOSITORY"):
        return GitHub(number)
    if os.environ.get("CI_PROJECT_ID"):
        return GitLab(number)
    raise UserError(
        "neither GITHUB_REPOSITORY nor CI_PROJECT_ID is set, so this runs in no CI that is known; "
        "`cultivar comment --print` shows the comment"
    )


def base_revision() -> str | None:
    """Where the request's branch will be merged to, as CI tells it; None outside CI."""
    if sha := github_event().get("pull_request", {}).get("base", {}).get("sha"):
        return sha
    if branch := os.environ.get("GITHUB_BASE_REF"):
        return f"origin/{branch}"
    if sha := os.environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return sha
    if branch := os.environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        return f"origin/{branch}"
    return None


def run_address() -> str:
    """Where the CI run stands that wrote the comment; empty outside CI."""
    if run := os.environ.get("GITHUB_RUN_ID"):
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{os.environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    return os.environ.get("CI_JOB_URL", "")
