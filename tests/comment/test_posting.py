"""One comment per request: found by its marker, replaced in place, never written twice; the key goes nowhere else."""

import json

import pytest
from fake_host import KEY, FakeHost

from reports.comment.calls import Api
from reports.comment.hosts import GitHub, GitLab, base_revision, find_host, github_number
from reports.comment.posting import publish
from schemas.errors import UserError

MARKER = "<!-- cultivar comment . -->"
ME = {"id": 42}


@pytest.fixture(params=["github", "github workflow", "gitlab"])
def host(request, monkeypatch):
    """A host, and how it is reached: as a user on GitHub, by a workflow's key, and on GitLab."""
    for name in ("GITHUB_REPOSITORY", "CI_PROJECT_ID", "GITHUB_EVENT_PATH", "CI_JOB_TOKEN", "CI_PROJECT_URL"):
        monkeypatch.delenv(name, raising=False)
    with FakeHost(per_page=2, me=None if request.param == "github workflow" else ME) as fake:
        if request.param == "gitlab":
            monkeypatch.setenv("GITLAB_TOKEN", KEY)
            monkeypatch.setenv("CI_API_V4_URL", fake.url)
            monkeypatch.setenv("CI_PROJECT_ID", "77")
        else:
            monkeypatch.setenv("GITHUB_TOKEN", KEY)
            monkeypatch.setenv("GITHUB_API_URL", fake.url)
            monkeypatch.setenv("GITHUB_REPOSITORY", "team/data")
        yield fake


def post(text: str = "text", waits: list[float] | None = None) -> str:
    return publish(find_host(5), MARKER, text, (waits if waits is not None else []).append)


def test_the_first_time_a_comment_is_written(host):
    host.add("hello")
    assert post("one")
    assert host.bodies() == ["hello", f"{MARKER}\none"]
    assert [key.endswith(KEY) for key in host.keys] == [True]


@pytest.mark.parametrize("before", [1, 2, 4])
def test_then_it_is_replaced_in_place_wherever_it_stands(host, before):
    for number in range(before):
        host.add(f"hello {number}")
    post("one")
    host.add("and so on")
    post("two")
    assert host.bodies() == [*(f"hello {number}" for number in range(before)), f"{MARKER}\ntwo", "and so on"]


def test_a_comment_that_only_repeats_the_marker_is_not_ours(host):
    host.add(f"{MARKER}\nmine now", author=7)
    host.add(f"> {MARKER} quoted", author=42, kind="Bot")
    post("one")
    assert host.bodies() == [f"{MARKER}\nmine now", f"> {MARKER} quoted", f"{MARKER}\none"]


def test_another_project_of_the_repository_has_its_own(host):
    publish(find_host(5), "<!-- cultivar comment other -->", "other")
    post("one")
    post("two")
    assert host.bodies() == ["<!-- cultivar comment other -->\nother", f"{MARKER}\ntwo"]


@pytest.mark.parametrize(
    ("status", "headers", "waited"),
    [(500, {}, 1.0), (503, {"Retry-After": "7"}, 7.0), (429, {"Retry-After": "9999"}, 60.0)],
)
def test_a_failure_that_passes_is_waited_for(host, status, headers, waited):
    waits: list[float] = []
    host.faults = [("POST", status, headers)]
    post("one", waits)
    assert (host.bodies(), waits) == ([f"{MARKER}\none"], [waited])


def test_a_lost_receipt_makes_no_second_comment(host):
    waits: list[float] = []
    host.faults = [("POST", 0, {})]
    post("one", waits)
    assert (host.bodies(), waits) == ([f"{MARKER}\none"], [1.0])


def test_a_host_that_stays_busy_ends_it_with_its_words(host):
    waits: list[float] = []
    host.faults = [("POST", 502, {})] * 5
    with pytest.raises(UserError, match="502 no, and your key is .redacted.; tried 5 times"):
        post("one", waits)
    assert (host.bodies(), waits) == ([], [1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(("status", "remedy"), [(401, "renew"), (403, "pull-requests: write"), (404, "scope api")])
def test_a_refusal_says_what_to_do_and_shows_no_key(host, status, remedy):
    host.faults = [("POST", status, {})]
    with pytest.raises(UserError, match=remedy) as caught:
        post("one")
    assert KEY not in str(caught.value) and "[redacted]" in str(caught.value)


@pytest.mark.parametrize(("method", "status"), [("GET", 302), ("POST", 307)])
def test_a_redirect_is_not_followed(host, method, status):
    with FakeHost(me=ME) as other:
        host.add("hello")
        host.faults = [(method, status, {"Location": f"{other.url}/repos/team/data/issues/5/comments"})] * 9
        with pytest.raises(UserError, match=str(status)):
            post("one")
        assert (other.calls, other.keys) == ([], set())


@pytest.mark.parametrize(
    "url", ["http://host.example/api", "ftp://127.0.0.1/", "http://127.0.0.1.example/", "http://10.0.0.1"]
)
def test_a_key_is_sent_over_tls_or_stays(url):
    with pytest.raises(UserError, match="https only"):
        Api(url, {}, KEY)


@pytest.mark.parametrize(
    "url", ["https://api.github.com", "http://127.0.0.1:80/api", "http://localhost/", "http://[::1]:1"]
)
def test_tls_and_loopback_will_do(url):
    Api(url, {}, KEY)


def test_the_number_is_that_of_the_event(tmp_path, monkeypatch):
    event = tmp_path / "event.json"
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    for value, number in (
        ({"pull_request": {"number": 12, "base": {"sha": "abc"}}}, 12),
        ({"issue": {"number": 13, "pull_request": {}}}, 13),
    ):
        event.write_text(json.dumps(value))
        assert github_number() == number
    event.write_text(json.dumps({"issue": {"number": 13}}))
    monkeypatch.setenv("GITHUB_REF", "refs/pull/14/merge")
    assert github_number() == 14
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    with pytest.raises(UserError, match="no pull request"):
        github_number()


def test_the_base_is_what_the_request_will_be_merged_to(tmp_path, monkeypatch):
    for name in (
        "GITHUB_EVENT_PATH",
        "GITHUB_BASE_REF",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    ):
        monkeypatch.delenv(name, raising=False)
    assert base_revision() is None
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
    assert base_revision() == "origin/main"
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", "def")
    assert base_revision() == "def"
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    assert base_revision() == "origin/release"
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12, "base": {"sha": "abc"}}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert base_revision() == "abc"


@pytest.mark.parametrize(("kind", "name"), [(GitHub, "GITHUB_TOKEN"), (GitLab, "GITLAB_TOKEN")])
def test_without_a_key_it_says_which(monkeypatch, kind, name):
    for variable in ("GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=f"{name} is not set"):
        kind(5)


def test_outside_ci_it_says_what_shows_the_comment(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.delenv("CI_PROJECT_ID", raising=False)
    with pytest.raises(UserError, match="--print"):
        find_host(None)
