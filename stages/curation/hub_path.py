"""Names of data sets of a hub: hf://datasets/OWNER/NAME@REVISION/file, where `datasets/` and the file may be left out."""

import re
from typing import NamedTuple

HUB = "hf://"
FORM = "hf://datasets/OWNER/NAME@REVISION, maybe with /FILE, /FOLDER or a glob behind"
PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
PATH = re.compile(
    rf"hf://(?:datasets/)?(?P<owner>{PART})/(?P<name>{PART})(?:@(?P<revision>[^/]{{1,200}}))?(?:/(?P<inside>.*))?\Z"
)
COMMIT = re.compile(r"[0-9a-f]{40}\Z")


class HubPath(NamedTuple):
    """A data set of a hub. `repo`: OWNER/NAME; `revision`: commit, branch or tag, "" for none; `inside`: a glob, or ""."""

    repo: str
    revision: str
    inside: str

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which always holds the same files."""
        return COMMIT.match(self.revision) is not None

    def at(self, revision: str) -> str:
        """The path at another revision."""
        return f"{HUB}datasets/{self.repo}@{revision}" + (f"/{self.inside}" if self.inside else "")


def parse_hub(path: str) -> HubPath:
    """Raises ValueError for what names no data set."""
    found = PATH.match(path)
    if found is None or found["owner"] in ("datasets", "models", "spaces", "buckets"):
        raise ValueError(f"{path} names no data set of a hub: write {FORM}")
    inside = (found["inside"] or "").strip("/")
    if ".." in inside.split("/"):
        raise ValueError(f"{path}: `..` leads out of the data set")
    return HubPath(f"{found['owner']}/{found['name']}", found["revision"] or "", inside)
