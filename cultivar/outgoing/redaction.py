r"""Secrets taken out of text, before it is shortened, stored, logged or shown: the one place for it.

`redacted` takes out of errors, logs, metrics and what is printed:

* the secrets of this environment (cultivar/outgoing/secret_values.py), in every notation, and parts of them;
* what stands in the place of a secret: the user and password of a URL, `Authorization` and its like as headers, JSON or
  Python print them, parameters of a query, `password = …` of a configuration;
* what has the form of one: keys of known services, JSON web tokens, private keys.

An answer of a model is data: of it `without_secrets` takes the environment's secrets alone, whole or by half, which a
server that repeats what it was sent may have put there. Every pattern here is linear in the text.
"""

import base64
import re
from typing import Any

from cultivar.outgoing.secret_values import LEAST, LEAST_CUT, SecretValues, is_secret_name, secret_values

REDACTED = "[redacted]"
CONSIDERED = 65_536
"""Bytes or characters of a text of unknown length, such as a server's reply, that an error is made from."""

PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z -]{0,16}|\Z)"
)
USERINFO = re.compile(r"(?i)([a-z0-9+.-]{0,12}:\\?/\\?/)([^\s/?#\"'<>\\]{1,512})@")
ENCODED_USERINFO = re.compile(r"(?i)(%3a%2f%2f)(?:[^\s%/?#\"'<>\\]|%(?!2f|3f|23)[0-9a-f]{2}){1,512}(%40)")
NAMED = re.compile(
    r"""(?ix)
    (?P<name> authorization | api[_-]?key | (?:access|account|private|signing|subscription|secret)[_-]?key(?:[_-]?id)?
        | secret | token | pass(?:word|wd|phrase) | credentials? | signature | connection[_-]?string )
    (?: (?: \\{0,2}["'] | %22 )? \s{0,4} (?: => | [:=] | %3a | %3d ) (?: \s | %20 | \+ ){0,4} (?: %22 )? | \\{0,2}["'] , \s{0,4} (?=b?\\{0,2}["']) )
    (?: \[(?!redacted\]) \s{0,4} )? (?: b(?=\\{0,2}["']) )? (?P<quote> \\{0,2}["'] )?
    (?P<scheme> (?: bearer | basic | token | digest | apikey | negotiate | aws4-hmac-sha256 ) (?: \s | %20 | \+ ){1,4} )?+
    (?P<value> (?(quote) (?: (?!(?P=quote)) (?: \\. | [^\\\r\n] ) ){1,4096} | (?: \[redacted\] | [^\s"'\\,;&<>()\[\]{}]{1,4096} ) ) )
    """
)
COOKIE = re.compile(r"""(?i)(cookie\\{0,2}["']?\s{0,4}[:=]\s{0,4}\\{0,2}["']?)[^"'\\\r\n<>]{1,4096}""")
QUERY = re.compile(
    r"(?i)((?:[?&]|&amp;|%3f|%26|\\u0026)(?:[a-z]{1,12}[_-]){0,3}(?:key|sig|code|auth|token|secret|pass|pwd|sas|credential|signature)"
    r"(?:=|%3d))(?:[^\s&#\"'<>\\%]|%(?!26)[0-9a-f]{2}){1,2048}"
)
SCHEME = re.compile(r"(?i)\b(bearer|basic)((?:\s|%20|\+|:){1,3})([a-z0-9._~+/=-]{8,4096})")
KEY = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))(?:"
    r"(?:sk|pk|rk)-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, many others
    r"|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}"  # Stripe
    r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|nvapi-[A-Za-z0-9_-]{20,}|tgp_v1_[A-Za-z0-9_-]{20,}"
    r"|gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{40,}|dop_v1_[a-f0-9]{40,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)?"  # a JSON web token
    r")"
)
NO_SECRETS = frozenset(
    "a an and are as bytes cannot denied empty error expired failed false for from has have in incorrect int invalid is list "
    "malformed missing must no none not null of on optional or required should str string the this to true "
    "unauthorized undefined unknown unset unsupported was were wrong xxx your".split()
)
"""Words that follow the name of a secret in prose."""
DOUBTFUL = frozenset(("token", "credential", "credentials", "signature"))
"""Names that stand before much else: what follows must look like a secret."""


def without_userinfo(found: re.Match[str]) -> str:
    """A user alone is a secret in http (a token); elsewhere it is a user, or a container (`ssh://git@`, `abfs://data@`)."""
    scheme, user = found[1], found[2]
    is_secret = ":" in user or scheme.lower().rstrip(":/\\").endswith(("http", "https"))
    return f"{scheme}{REDACTED}@" if is_secret else found[0]


def without_value(found: re.Match[str]) -> str:
    value, name = found["value"], found["name"].lower()
    if value.startswith(REDACTED[:-1]) or not value.strip("*.…-_ "):
        return found[0]
    if found["scheme"] is None:
        if found["quote"] is None and value.rstrip(".:!?").lower() in NO_SECRETS:
            return found[0]
        if name in DOUBTFUL and not looks_secret(value):
            return found[0]
    return found[0][: found.start("value") - found.start()] + REDACTED


def without_token(found: re.Match[str]) -> str:
    """`Bearer` and `Basic` without a header's name before them: "basic authentication" is no secret."""
    token = found[3]
    is_token = is_pair(token) if found[1].lower() == "basic" else looks_secret(token)
    return f"{found[1]}{found[2]}{REDACTED}" if is_token else found[0]


def looks_secret(value: str) -> bool:
    """Whether a word has letters and digits as keys have them."""
    return len(value) >= 8 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def is_pair(token: str) -> bool:
    """Whether a token is `user:password` in base64."""
    try:
        return b":" in base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_")
    except ValueError:
        return False


RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], Any], ...] = (
    (("-----begin ",), PRIVATE_KEY, REDACTED),
    (("@",), USERINFO, without_userinfo),
    (("%3a%2f%2f",), ENCODED_USERINFO, rf"\1{REDACTED}\2"),
    (
        ("authorization", "key", "secret", "token", "passw", "passphrase", "credential", "signature", "connection"),
        NAMED,
        without_value,
    ),
    (("cookie",), COOKIE, rf"\1{REDACTED}"),
    (("=", "%3d"), QUERY, rf"\1{REDACTED}"),
    (("bearer", "basic"), SCHEME, without_token),
    (
        (
            "sk",
            "pk",
            "rk",
            "hf_",
            "r8_",
            "nvapi-",
            "tgp_",
            "gh",
            "glpat-",
            "xox",
            "npm_",
            "pypi-",
            "dop_",
            "akia",
            "asia",
        )
        + ("aiza", "ya29", "sg.", "eyj"),
        KEY,
        REDACTED,
    ),
)
"""What one of must stand in the text, in lower case, for a pattern to be looked for; the pattern; what takes its place."""


def redacted(text: str) -> str:
    """The text without secrets; REDACTED stands in the place of each. What is redacted is not changed again."""
    text = replace_spans(text, secret_values(), LEAST_CUT)
    lowered = text.lower()
    for cues, pattern, replacement in RULES:
        if any(cue in lowered for cue in cues):
            text = pattern.sub(replacement, text)
    return text


def without_secrets(text: str, secrets: SecretValues | None = None) -> str:
    """The text of an answer without the environment's secrets, whole or by half; nothing else of it changes."""
    secrets = secrets or secret_values()
    return replace_spans(text, secrets, LEAST) if secrets.may_occur(text) else text


def redacted_value(value: Any) -> Any:
    """A value of JSON with all its strings redacted, keys too, and what stands under the name of a secret."""
    match value:
        case str():
            return redacted(value)
        case dict():
            return {
                redacted(name) if isinstance(name, str) else name: REDACTED
                if isinstance(item, str) and item and isinstance(name, str) and is_secret_field(name)
                else redacted_value(item)
                for name, item in value.items()
            }
        case list() | tuple():
            return type(value)(map(redacted_value, value))
    return value


def is_secret_field(name: str) -> bool:
    """Whether the last word of a name says that its value is secret: `api_key`, not `api_key_env`."""
    return is_secret_name(re.split("[_. -]+", name)[-1])


def replace_spans(text: str, secrets: SecretValues, least_cut: int) -> str:
    parts, at = [], 0
    for start, end in secrets.spans(text, least_cut):
        parts += [text[at:start], REDACTED]
        at = end
    return "".join([*parts, text[at:]]) if parts else text
