"""Keeping one comment up to date: found by its marker, replaced in place, written once."""

import time
from collections.abc import Callable

from reports.comment.calls import Busy, Refused
from reports.comment.hosts import Comment, Host
from schemas.errors import UserError

TRIES = 5
MOST_PAUSE_S = 60.0
Wait = Callable[[float], None]


def publish(host: Host, marker: str, text: str, wait: Wait = time.sleep) -> str:
    """Replace the comment that begins with the marker, or write it; its address.

    After a failure that may pass, the comments are read again before anything is written: of a comment whose receipt was
    lost no second one is made. Raises UserError where the host refuses, or stays busy.
    """
    body = f"{marker}\n{text}"
    for number in range(1, TRIES + 1):
        try:
            found = own(host.comments(), marker)
            if found is None:
                return host.create(body)
            return host.update(found.number, body)
        except Busy as error:
            if number == TRIES:
                raise UserError(f"{error}; tried {TRIES} times, run it again later") from error
            wait(min(MOST_PAUSE_S, error.pause_s if error.pause_s is not None else 2.0 ** (number - 1)))
        except Refused as error:
            raise UserError(f"{error}; {remedy(error.status)}") from error
    raise AssertionError("unreachable")


def own(comments: list[Comment], marker: str) -> Comment | None:
    """The oldest comment of ours that begins with the marker. Somebody else's that repeats it is not ours to change."""
    return next((one for one in comments if one.is_own and one.body.startswith(marker)), None)


def remedy(status: int) -> str:
    """What to do about a refusal."""
    match status:
        case 401:
            return "the key is wrong or has expired: renew GITHUB_TOKEN or GITLAB_TOKEN"
        case 403 | 404:
            return (
                "the key may not comment there: on GitHub give the job `permissions: pull-requests: write` (a pull request "
                "from a fork gets a key that only reads; its job summary holds the review), on GitLab use a project "
                "access token with scope api, since CI_JOB_TOKEN may not write notes"
            )
    return "the host takes no such comment"
