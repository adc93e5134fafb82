"""An export put into a dataset repository of a hub, in one commit, by `huggingface_hub`.

The server is HF_ENDPOINT, the token HF_TOKEN of the environment: a token that a login has left on disk is not used, and none
goes over an unencrypted connection to another machine.
"""

import ipaddress
import os
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cultivar.outgoing.redaction import redacted
from schemas.errors import UserError

HUB = "https://huggingface.co"
STALE = ["train.*", "heldout.*", "left_out.jsonl", "export.json", "croissant.json", "dataset_info.json", "README.md"]
"""Names that exports write: those of an earlier one that this one has not are removed from the repository."""
SCHEMES = ("hf://datasets/", "hf://")


class Target(NamedTuple):
    """A dataset repository OWNER/NAME at a server, and the token for it."""

    repository: str
    endpoint: str
    token: str

    @property
    def url(self) -> str:
        return f"{self.endpoint}/datasets/{self.repository}"


def target_of(name: str) -> Target:
    """The repository of a name `OWNER/NAME` or `hf://OWNER/NAME`. Raises UserError, also where it could not be pushed to."""
    repository = next((name.removeprefix(scheme) for scheme in SCHEMES if name.startswith(scheme)), name)
    from huggingface_hub import constants
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(f"--push {name}: {error}") from error
    if "/" not in repository:
        raise UserError(f"--push {name}: name the owner as well, OWNER/{repository}")
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here(parts.hostname or "")):
        raise UserError(f"HF_ENDPOINT is {endpoint}: a token goes over https only, or to this machine")
    if parts.username or parts.password:
        raise UserError("HF_ENDPOINT holds a user or password; put the token into HF_TOKEN")
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        raise UserError(
            f"HF_TOKEN is not set: pushing to {endpoint} needs a token with write access in the environment"
        )
    if constants.is_offline_mode():
        raise UserError("HF_HUB_OFFLINE is set, so nothing is pushed; unset it")
    return Target(repository, endpoint, token)


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def push(folder: Path, target: Target, public: bool, message: str) -> str:
    """Upload a folder as one commit; the address of the commit. The repository is made if there is none.

    Raises UserError, which says what the repository holds then; one that is public is not written to unless `public`.
    """
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi(endpoint=target.endpoint, token=target.token, library_name="cultivar")
    state = unsure = "nothing was pushed"
    try:
        try:
            is_private = api.dataset_info(target.repository).private
        except RepositoryNotFoundError:
            api.create_repo(target.repository, repo_type="dataset", private=not public)
            state = f"{target.url} was created and holds nothing of it"
        else:
            if not is_private and not public:
                raise UserError(f"{target.url} is public, nothing was pushed; --public says that this is meant")
        unsure = f"whether the commit was made is not known, look at {target.url}"
        commit = api.upload_folder(
            repo_id=target.repository,
            repo_type="dataset",
            folder_path=folder,
            commit_message=message,
            delete_patterns=STALE,
        )
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        words = " ".join(redacted(str(error)).split())
        raise UserError(
            f"{state if was_refused(error) else unsure} ({words}); the export itself is in {folder}"
        ) from error
    return str(commit.commit_url)


def was_refused(error: Exception) -> bool:
    """Whether a server said that it does not do what it was asked for; of a lost answer to a commit nobody knows."""
    if isinstance(error, RuntimeError):  # of one file, before the commit
        return isinstance(error.__cause__, Exception)
    response = getattr(error, "response", None)
    return response is not None and (response.status_code < 500 or "/commit/" not in str(response.url))
