"""Copies that this command does not reach, with the commands that do: git's history, DVC's remotes, copies of the store."""

import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from cultivar.runlog.previous import dvc_config
from cultivar.tools.objects import url_of
from reports.forget.probes import Probes
from reports.forget.revisions import git, git_bytes

SHOWN = 20
"""Commands in a list; the certificate has all of them."""


def history(paths: Iterable[Path], probes: Probes) -> list[dict[str, Any]]:
    """Files that some commit holds with the forgotten in them: path, commits that wrote such a version, command."""
    found: list[dict[str, Any]] = []
    for path in sorted(set(paths)):
        commits = []
        for line in git("log", "--all", "--format=%h", "--", str(path)).split():
            content = git_bytes("cat-file", "blob", f"{line}:./{path.as_posix()}")
            if content and probes.in_content(content):
                commits.append(line)
        if commits:
            command = f"git filter-repo --invert-paths --path {shlex.quote(path.as_posix())}"
            found.append({"path": str(path), "commits": commits, "command": command})
    return found


def remote_commands(objects: Collection[str]) -> list[str]:
    """A command for every object on every remote of .dvc/config; whether it is there is not asked."""
    commands = []
    for section in dvc_config().sections():
        if section.strip("'").startswith("remote "):
            url = url_of(section.strip("'").removeprefix("remote ").strip('"')).rstrip("/")
            commands += [removal(f"{url}/files/md5/{md5[:2]}/{md5[2:]}") for md5 in sorted(objects)]
    return commands


def store_commands(segments: Mapping[str, Collection[str]]) -> list[str]:
    """For copies that `cultivar sync push URL` made: what to delete there, and to push what took its place."""
    names = [f"{kind}/{name}" for kind, of_kind in sorted(segments.items()) for name in sorted(of_kind)]
    return [*(f"delete URL/{name}" for name in names), *(["cultivar sync push URL"] if names else [])]


def removal(url: str) -> str:
    """The command that deletes one object of a remote."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "file":
        return f"rm -f {shlex.quote(rest if separator else url)}"
    if scheme in ("s3", "s3a"):
        return f"aws s3 rm {shlex.quote(url)}"
    if scheme in ("gs", "gcs"):
        return f"gcloud storage rm {shlex.quote(url)}"
    if scheme == "ssh":
        host, _, path = rest.partition("/")
        return (
            f"ssh {shlex.quote(host.rpartition('@')[2] if '@' not in host else host)} rm -f {shlex.quote('/' + path)}"
        )
    return f"delete {url}"
