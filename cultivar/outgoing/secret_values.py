"""The secrets of this process's environment, and where they, their encodings and parts of them stand in a text.

A secret is the value of a variable whose name says so (KEY, TOKEN, PASSWORD …), the password of a URL in any variable,
or what was registered: the servers' key, under whatever name (`register`). Too short a value, a plain word, a number, a
path or a placeholder is none, else `KEY=1` would take every 1 out of every text.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

WORDS = frozenset(
    "KEY KEYS TOKEN TOKENS SECRET SECRETS PASSWORD PASSWORDS PASSWD PASS PASSPHRASE PWD CREDENTIAL CREDENTIALS CRED CREDS "
    "AUTH AUTHORIZATION BEARER COOKIE DSN JWT PASSCODE PAT PGPASS SAS SIG SSHPASS".split()
)
ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS")
"""Of a word of a name: HFTOKEN, APIKEY. Not AUTH: it would be GIT_AUTHOR's."""
ABOUT = frozenset(
    "ALGORITHM DIR ENDPOINT ENV FILE HOST ISSUER LENGTH METHOD MODE NAME NAMES PATH PROVIDER SCHEME SIZE SOCK TTL TYPE "
    "URI URL".split()
)
"""The last word of a name that says something about a secret: AUTH_TYPE=basic-auth, SECRET_NAME, KEY_FILE."""
PLACEHOLDERS = frozenset(
    "changeme not-needed not_needed no-key-required sk-no-key-required lm-studio placeholder dummy-key dummy_key fake-key "
    "fake_key test-key test_key your-api-key your_api_key your-key-here api-key api_key x-api-key x-auth-token".split()
)
LEAST = 8
"""Characters of a secret in the environment."""
LEAST_REGISTERED = 6
WHOLE_RUN = 12
"""So many characters of a secret in a row are of it; of a short one half of it, and no fewer than LEAST."""
LEAST_CUT = 5
"""Characters of a secret at the end or the beginning of an error, where somebody else has cut it."""

PUBLIC = re.compile(r"(?:[a-z]{2,8}[0-9]{0,2}[-_]){1,3}")
PAIR = re.compile(r"://|[A-Za-z][\"']?\s*[=:]")
"""What the value of a variable without a telling name may hold: an address, `name=value`, JSON."""
ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://")
USER = re.compile(r"://([^\s/?#\"'<>@]{1,512}(?:@[^\s/?#\"'<>@]{1,512}){0,8})@")
QUERY = re.compile(r"[?&;]([\w.-]{1,64})=([^\s&;#\"'<>]{1,4096})")
FIELD = re.compile(r"(?P<name>[\w.-]{1,64})\s{0,4}[=:]\s{0,4}(?:[A-Za-z]{1,20} )?(?P<value>\S{1,4096})")
"""`name=value`, or `name: Scheme value`."""

_registered: set[str] = set()


def register(*values: str) -> None:
    """Take these values as secrets from now on, whatever variable or file they come from."""
    _registered.update(value for value in values if is_secret(value, LEAST_REGISTERED))


def register_url(url: str) -> None:
    """Take the user information of a URL as a secret, also as a server gets it: `Basic` and base64."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if password:
        register(password, base64.b64encode(f"{user}:{password}".encode()).decode())
    elif user and parts.scheme in ("http", "https"):
        register(user, base64.b64encode(f"{user}:".encode()).decode())


class SecretValues:
    """Some secrets, with every form in which a server may repeat them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.forms = sorted({form for secret in secrets for form in forms(secret)})
        self.runs: dict[int, set[str]] = {}  # length -> runs of so many characters
        for form in self.forms:
            size = run_length(form)
            self.runs.setdefault(size, set()).update(form[at : at + size] for at in range(len(form) - size + 1))
        self.halves = {half for form in self.forms for half in halves(form)}

    def may_occur(self, text: str) -> bool:
        """Whether a secret or a half of one stands in the text, or the beginning of one at its end. Quick."""
        return any(half in text for half in self.halves) or self.cut_end(text, LEAST) < len(text)

    def spans(self, text: str, least_cut: int = LEAST_CUT) -> Iterator[tuple[int, int]]:
        """Where secrets and runs of their characters stand, in order, apart.

        `least_cut`: characters of a secret at the very end or beginning of the text that count as one that was cut.
        """
        ends = [(at, at + size) for size, runs in self.runs.items() for at in found_at(text, size, runs)]
        if head := self.cut_head(text, least_cut):
            ends.append((0, head))
        if (tail := self.cut_end(text, least_cut)) < len(text):
            ends.append((tail, len(text)))
        ends.sort()
        begin, stop = -1, -1
        for start, end in ends:
            if start > stop:
                if stop > begin:
                    yield begin, stop
                begin, stop = start, end
            stop = max(stop, end)
        if stop > begin:
            yield begin, stop

    def cut_end(self, text: str, least: int) -> int:
        """Where the text's last characters are the first `least` or more of a secret; its length where they are not."""
        found = len(text)
        for form in self.forms:
            head = form[: least + (public_length(form) if least >= LEAST else 0)]
            at = text.find(head, max(0, len(text) - len(form)))
            while at >= 0:
                if form.startswith(text[at:]):
                    found = min(found, at)
                    break
                at = text.find(head, at + 1)
        return found

    def cut_head(self, text: str, least: int) -> int:
        """How many of the text's first characters are the last `least` or more of a secret."""
        found = 0
        for form in self.forms:
            at = text.find(form[-least:], 0, len(form))
            while at >= 0:
                end = at + len(form[-least:])
                if form.endswith(text[:end]):
                    found = max(found, end)
                at = text.find(form[-least:], at + 1, len(form))
        return found


def secret_values() -> SecretValues:
    """The secrets of this process at this moment."""
    variables: dict[bytes, bytes] = vars(os.environ)["_data"]  # os.environb decodes and encodes: 50 µs a text
    return from_environment(tuple(variables.items()), frozenset(_registered))


@lru_cache(maxsize=8)
def from_environment(variables: tuple[tuple[bytes, bytes], ...], registered: frozenset[str]) -> SecretValues:
    """The secrets among all variables, as bytes: a page asks for every text that it shows, and decoding them takes longest."""
    decoded = ((os.fsdecode(name), os.fsdecode(value)) for name, value in variables)
    named = [(name, value) for name, value in decoded if is_secret_name(name) or PAIR.search(value)]
    return from_variables(tuple(sorted(named)), registered)


@lru_cache(maxsize=8)
def from_variables(variables: tuple[tuple[str, str], ...], registered: frozenset[str]) -> SecretValues:
    found = {secret for name, value in variables for secret in secrets_of(name, value)}
    return SecretValues(found | registered)


def is_secret_name(name: str) -> bool:
    """Whether the name of an environment variable (or of a field) says that its value is secret."""
    if name in ("PWD", "OLDPWD"):  # the working folder
        return False
    words = [word for word in re.split("[^A-Z]+", re.sub("(?<=[a-z])(?=[A-Z])", "_", name).upper()) if word]
    if words and words[-1] in ABOUT:
        return False
    return any(word in WORDS or word.endswith(ENDINGS) for word in words)


def secrets_of(name: str, value: str) -> Iterator[str]:
    """The secrets that the value of a variable holds: it, its items, the fields of JSON and of `name=value`, what URLs in it
    hold."""
    is_named = is_secret_name(name)
    parts = [*passwords_of(value)]
    texts = strings_of_json(value, is_named)
    if texts is not None:
        parts += texts or [value] * is_named
    else:
        items = re.split(r"[\s,;]+", value)
        if is_named:
            parts += [item for item in (value, *items) if not ADDRESS.search(item)]
        pairs = filter(None, (FIELD.fullmatch(item.strip()) for item in [*re.split("[;,]", value), *items]))
        parts += [pair["value"] for pair in pairs if is_secret_name(pair["name"])]
    yield from (part for part in map(str.strip, parts) if is_secret(part))


def passwords_of(value: str) -> Iterator[str]:
    """The passwords of the URLs in a value and the secrets of their queries, as written and decoded."""
    written = [user.partition(":")[2] or user for user in USER.findall(value)]
    if ADDRESS.search(value):
        written += [text for name, text in QUERY.findall(value) if is_secret_name(name)]
    for text in written:
        yield from (text, unquote(text))


def strings_of_json(value: str, is_named: bool) -> list[str] | None:
    """Strings in JSON under names that say that they are secret; of several lines (a private key) each line as well.

    `is_named`: whether the variable's name says so of what stands in a list. None where the value is no JSON.
    """
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        waiting = [("", json.loads(value))]
    except (ValueError, RecursionError):
        return None
    found: list[str] = []
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [(str(key), one) for key, one in item.items()]
        elif isinstance(item, list):
            waiting += [(name, one) for one in item]
        elif isinstance(item, str) and (is_secret_name(name) if name else is_named):
            found += [item, *item.splitlines()]
    return found


def is_secret(value: str, least: int = LEAST) -> bool:
    """Whether a value is long and odd enough to be looked for: no word, number, path, address or placeholder."""
    if len(value) < least or value.lower() in PLACEHOLDERS:
        return False
    if value.isalpha() and len(value) < 2 * LEAST and (value.islower() or value.isupper() or value.istitle()):
        return False
    if re.fullmatch(r"[\d.,:_-]{1,15}", value):
        return False
    return not (is_path(value) or value.startswith("-----") or value.endswith("-----"))  # the marks of a private key


def is_path(value: str) -> bool:
    """Whether a value names a file; keys may begin with a slash, so one that is there, or one as paths are written."""
    if not value.startswith(("/", "~", "./", "../")):
        return False
    try:
        return bool(re.fullmatch(r"[~.]{0,2}(?:/[\w .@-]{1,64}){2,32}/?", value)) or Path(value).exists()
    except (OSError, ValueError):  # too long, or no name at all
        return False


def forms(secret: str) -> set[str]:
    """A secret as it is, and in the notations of URLs, JSON, Python, HTML and base64 (wherever a text it starts in)."""
    quoted = quote(secret, safe="")
    found = {secret, quoted, re.sub("%..", lambda code: code[0].lower(), quoted), quote_plus(secret), quote(secret)}
    found |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    found |= {html.escape(secret), secret.replace("/", "\\/")}
    content = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):  # by what stands before: base64 takes three bytes at a time
        stable = slice((4 * shift + 2) // 3, 4 * (shift + len(content)) // 3)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(b"\0" * shift + content)[stable].decode())
    return {form for form in found if len(form) >= min(LEAST, len(secret))}


def public_length(form: str) -> int:
    """Characters with which all keys of a service begin (`sk-proj-`, `github_pat_`): a text about keys may end in them."""
    found = PUBLIC.match(form)
    return found.end() if found else 0


def run_length(form: str) -> int:
    """How many characters of a form in a row are taken for it."""
    return min(len(form), WHOLE_RUN, max(LEAST, len(form) // 2))


def halves(form: str) -> tuple[str, ...]:
    """Both halves of a form; the whole of one whose halves could be anything."""
    middle = len(form) // 2
    return (form[:middle], form[middle:]) if middle >= LEAST else (form,)


def found_at(text: str, size: int, runs: set[str]) -> Iterator[int]:
    """Where runs of a length begin in the text."""
    return (at for at in range(len(text) - size + 1) if text[at : at + size] in runs)
