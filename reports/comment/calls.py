"""Calls to the JSON API of a host that holds a key: the key goes to that host alone, and over TLS."""

import http.client
import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from cultivar.llm.retry_after import parse_retry_after
from cultivar.outgoing.redaction import CONSIDERED, redacted
from cultivar.outgoing.secret_values import register
from schemas.errors import UserError

TIMEOUT_S = 30.0
MOST_BYTES = 64 * 2**20
"""Of a reply: a hundred comments at their longest, four times."""


class Reply(NamedTuple):
    """What a call returned: its JSON and whether a page follows (`Link: …; rel="next"`)."""

    value: Any
    has_next: bool


class Busy(Exception):
    """The host could not answer now. `pause_s` is what it asks for, None where it does not say."""

    def __init__(self, words: str, pause_s: float | None = None) -> None:
        super().__init__(words)
        self.pause_s = pause_s


class Refused(UserError):
    """The host answered and will not do it. `status` is that of HTTP."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another place."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class Api:
    """The API below a base URL. Raises UserError where the URL would show the key to others."""

    def __init__(self, base: str, headers: Mapping[str, str], key: str) -> None:
        self.base, self.headers = base.rstrip("/"), headers
        register(key)
        parts = urlsplit(self.base)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise UserError(f"{redacted(self.base)}: a key is sent over https only (http on loopback)")
        handlers: list[urllib.request.BaseHandler] = [NoRedirect()]
        if is_loopback(parts.hostname or ""):
            handlers.append(urllib.request.ProxyHandler({}))
        self.opener = urllib.request.build_opener(*handlers)

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        """One call. Raises Busy where trying again may help, Refused where it will not."""
        request = urllib.request.Request(
            f"{self.base}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={**self.headers, "Content-Type": "application/json", "User-Agent": "cultivar"},
            method=method,
        )
        try:
            with self.opener.open(request, timeout=TIMEOUT_S) as response:
                content = response.read(MOST_BYTES)
                return Reply(json.loads(content) if content else None, 'rel="next"' in response.headers.get("Link", ""))
        except urllib.error.HTTPError as error:
            self.fail(method, path, error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Busy(redacted(f"{method} {self.base}{path}: {error}")) from error

    def fail(self, method: str, path: str, error: urllib.error.HTTPError) -> NoReturn:
        """Raise what a reply that is no success means."""
        with error:
            words = message_of(error.read(CONSIDERED).decode(errors="replace"))
        text = redacted(f"{method} {self.base}{path}: {error.code} {words or error.reason}")
        pause_s = parse_retry_after(error.headers.get("Retry-After"))
        if error.code in (408, 425, 429) or error.code >= 500 or (error.code == 403 and pause_s is not None):
            raise Busy(text, pause_s)
        raise Refused(text, error.code)


def message_of(text: str) -> str:
    """What an error's reply says: GitHub's and GitLab's `message` or `error`, else its first words."""
    try:
        value = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:200]
    said = value.get("message") or value.get("error") if isinstance(value, dict) else value
    return (said if isinstance(said, str) else json.dumps(said))[:500]


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
