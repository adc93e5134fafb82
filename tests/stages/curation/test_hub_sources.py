"""Data sets of a hub: pinned, fetched once, read from the cache; a token goes to the endpoint alone. On a hub on loopback."""

import io
from pathlib import Path

import polars as pl
import pytest
from fake_hub import COMMIT, FakeHub
from huggingface_hub import constants
from read_files import asks, take

from stages.curation.hub_path import HubPath, parse_hub
from stages.curation.preview import at_commit
from stages.curation.readers.hub import HubError, of_split

REPO = "hf://datasets/team/chats"
PINNED = f"{REPO}@{COMMIT}"


def parquet(*prompts: str) -> bytes:
    sink = io.BytesIO()
    pl.DataFrame({"prompt": prompts}).write_parquet(sink)
    return sink.getvalue()


FILES = {
    "data/train-00000-of-00001.parquet": parquet("one", "two"),
    "data/test-00000-of-00001.parquet": parquet("three"),
    "more/a[1].jsonl": b'{"prompt": "four"}\n',
    "more/b.csv": b"prompt\nfive\n",
    "README.md": b"# chats",
    "picture.png": b"\x89PNG",
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    Path(tmp_path / "token").write_text("hf_of_a_login_that_nobody_asked")
    (tmp_path / "work").mkdir()
    with FakeHub(FILES, large=("data/train-00000-of-00001.parquet",)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def read(tmp_path, monkeypatch, path, **source):
    return take(tmp_path / "work", monkeypatch, path=path, **source)


def test_a_whole_data_set_is_read_by_its_split_and_only_data_is_fetched(hub, tmp_path, monkeypatch):
    tables = read(tmp_path, monkeypatch, PINNED)
    assert asks(tables) == ["five", "four", "one", "two"]
    assert tables.metrics["not_taken"] == {"s: files of split test": 1}
    assert {row.source for row in tables.instructions} == {
        f"{PINNED}/data/train-00000-of-00001.parquet:1",
        f"{PINNED}/data/train-00000-of-00001.parquet:2",
        f"{PINNED}/more/a[1].jsonl:1",
        f"{PINNED}/more/b.csv:2",
    }
    assert not {"README.md", "picture.png"} & set(hub.asked())
    assert asks(read(tmp_path, monkeypatch, PINNED, split="test")) == ["five", "four", "three"]
    with pytest.raises(HubError, match="has the splits test, train, not validation"):
        read(tmp_path, monkeypatch, f"{PINNED}/data", split="validation")


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ("more/a[1].jsonl", ["four"]),
        ("more", ["five", "four"]),
        ("**/*.csv", ["five"]),
        ("data/*.parquet", ["one", "two"]),
        ("data/test-00000-of-00001.parquet", ["three"]),  # named by itself: whatever its split
    ],
)
def test_a_file_a_folder_or_a_glob_within_it(hub, tmp_path, monkeypatch, inside, found):
    assert asks(read(tmp_path, monkeypatch, f"hf://team/chats@{COMMIT}/{inside}")) == found
    assert len([name for name in hub.asked() if name in FILES]) <= 2


def test_what_is_in_the_cache_is_read_without_the_hub(hub, tmp_path, monkeypatch):
    first = read(tmp_path, monkeypatch, PINNED)
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again = read(tmp_path, monkeypatch, PINNED)
    assert again.instructions.frame.equals(first.instructions.frame) and len(hub.requests) == asked
    with pytest.raises(HubError, match="HF_HUB_OFFLINE=1 forbids to fetch them"):
        read(tmp_path, monkeypatch, f"hf://team/other@{COMMIT}")


def test_a_data_set_that_is_not_pinned_is_refused_with_its_commit_where_one_can_ask(hub, tmp_path, monkeypatch):
    with pytest.raises(HubError, match=rf"main is now at {COMMIT}: write {PINNED}/more/b.csv$"):
        read(tmp_path, monkeypatch, f"{REPO}@main/more/b.csv")
    with pytest.raises(HubError, match=f"not pinned to a commit.* write {PINNED}$"):
        read(tmp_path, monkeypatch, "hf://team/chats")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=r"write hf://datasets/team/chats@COMMIT \(40 hex digits"):
        read(tmp_path, monkeypatch, REPO)


def test_the_token_is_the_environments_and_goes_to_the_endpoint_alone(hub, tmp_path, monkeypatch):
    read(tmp_path, monkeypatch, PINNED)
    assert not any("authorization" in map(str.lower, headers) for _, _, headers, _ in hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another"))
    hub.key = "hf_0123456789abcdefghijklmnop"
    with pytest.raises(HubError, match="or it is private: .* set HF_TOKEN") as error:
        read(tmp_path, monkeypatch, PINNED)
    hub.requests.clear()
    monkeypatch.setenv("HF_TOKEN", hub.key)
    assert len(read(tmp_path, monkeypatch, PINNED).instructions) == 4
    keys = {
        port: {headers.get("authorization") for _, _, headers, p in hub.requests if p == port}
        for *_, port in hub.requests
    }
    assert keys == {hub.port: {f"Bearer {hub.key}"}, hub.store_port: {None}}
    assert hub.key not in str(error.value)


def test_nothing_of_this_machine_is_told(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("AI_AGENT", "someone")
    read(tmp_path, monkeypatch, PINNED)
    assert not [
        path for _, path, _, _ in hub.requests if not path.startswith(("/api/datasets/", "/datasets/", "/store/"))
    ]
    assert not any(word in str(headers) for _, _, headers, _ in hub.requests for word in ("torch/", "agent/someone"))


def test_a_file_of_the_cache_that_was_changed_is_refused(hub, tmp_path, monkeypatch):
    read(tmp_path, monkeypatch, PINNED)
    for file in ("more/b.csv", "data/train-00000-of-00001.parquet"):
        (link,) = (tmp_path / "cache").rglob(file)
        content = link.read_bytes()
        link.resolve().write_bytes(content.replace(b"five", b"nine").replace(b"one", b"two"))
        with pytest.raises(HubError, match="in the cache is not what the hub sent"):
            read(tmp_path, monkeypatch, f"{PINNED}/{file}")
        link.resolve().write_bytes(content)
        assert len(read(tmp_path, monkeypatch, f"{PINNED}/{file}").instructions)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"hf://team/nothing@{COMMIT}", "no such data set, or it is private"),
        (f"{REPO}@{'f' * 40}", "no such commit"),
        (f"{PINNED}/no.jsonl", "no such file"),
    ],
)
def test_what_is_not_there_is_named_with_the_remedy(hub, tmp_path, monkeypatch, path, reason):
    with pytest.raises(HubError, match=reason):
        read(tmp_path, monkeypatch, path)


def test_a_hub_that_does_not_answer(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # it tries again and again
    with pytest.raises(HubError, match="the hub cannot be reached"):
        read(tmp_path, monkeypatch, PINNED)
    with pytest.raises(HubError, match="is not pinned to a commit"):
        read(tmp_path, monkeypatch, REPO)


@pytest.mark.parametrize(
    ("path", "parsed"),
    [
        (REPO, HubPath("team/chats", "", "")),
        (f"{PINNED}/", HubPath("team/chats", COMMIT, "")),
        ("hf://team/chats@v1.0/data/*.parquet", HubPath("team/chats", "v1.0", "data/*.parquet")),
        ("hf://datasets/a/b.c-d_e/x@y.jsonl", HubPath("a/b.c-d_e", "", "x@y.jsonl")),
    ],
)
def test_paths_of_a_hub(path, parsed):
    assert parse_hub(path) == parsed


@pytest.mark.parametrize(
    "path",
    ["hf://", "hf://gsm8k", "hf://models/a/b", "hf://spaces/a/b@main", f"{PINNED}/../x", "hf://a/..", "hf://a b/c"],
)
def test_what_names_no_data_set_is_refused_with_the_form(tmp_path, monkeypatch, path):
    with pytest.raises(ValueError, match=r"names no data set of a hub: write hf://datasets/OWNER/NAME|leads out"):
        take(tmp_path, monkeypatch, path=path)


@pytest.mark.parametrize(
    ("names", "split", "kept"),
    [
        (["train.jsonl", "test.jsonl", "extra.jsonl"], "train", ["train.jsonl", "extra.jsonl"]),
        (["data/train_sft-0.parquet", "data/test_sft-0.parquet"], "train", ["data/train_sft-0.parquet"]),
        (["train_sft-0.parquet", "train_prefs-0.parquet"], "train_prefs", ["train_prefs-0.parquet"]),
        (["main/validation.csv", "main/dev.csv", "main/train.csv"], "validation", ["main/validation.csv"]),
        (["dev.csv", "train.csv"], "validation", ["dev.csv"]),
        (["training/a.csv", "eval/a.csv"], "test", ["eval/a.csv"]),
        (["constrained.csv", "b.csv"], "train", ["constrained.csv", "b.csv"]),
        (["a.csv", "b.csv"], "test", ["a.csv", "b.csv"]),
    ],
)
def test_the_split_of_a_file_is_told_by_its_name(names, split, kept):
    found, left = of_split(names, split, HubPath("a/b", COMMIT, ""))
    assert found == kept and sum(left.values()) == len(names) - len(kept)


def test_a_path_is_pinned_to_the_commit_that_its_branch_is_at(hub):
    assert at_commit(REPO) == PINNED and at_commit(f"{REPO}@main/more/*") == f"{PINNED}/more/*"
    assert at_commit(PINNED) == PINNED
    with pytest.raises(HubError, match="is not pinned to a commit"):
        at_commit("hf://datasets/team/nothing")
