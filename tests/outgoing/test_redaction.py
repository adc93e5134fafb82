"""Secrets are taken out whole, in every notation and when somebody else has cut them; what is no secret stays."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from cultivar.outgoing import redaction, secret_values
from cultivar.outgoing.redaction import REDACTED, redacted, redacted_value, without_secrets
from cultivar.outgoing.secret_values import is_secret, is_secret_name, register_url, secrets_of

KEY = "Zq8-vT/3kLw+9xYb7RfN2mJc5HdS0pGt"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setattr(secret_values, "_registered", set())
    monkeypatch.setenv("SOME_HOST_API_KEY", KEY)


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        quote(KEY),
        quote(KEY, safe=""),
        KEY.replace("/", "%2f").replace("+", "%2b"),
        KEY.replace("/", "\\/"),
        base64.b64encode(f"user:{KEY}".encode()).decode(),
        base64.b64encode(f"me:{KEY}".encode()).decode(),
        base64.urlsafe_b64encode(f"a:{KEY}".encode()).decode(),
        KEY[:16],
        KEY[16:],
        KEY[5:20],
    ],
)
def test_a_key_goes_in_every_notation_and_in_part(written):
    for text in (written, f"you sent '{written}', which is wrong", json.dumps({"got": written})):
        clean = redacted(text)
        assert REDACTED in clean and not any(KEY[at : at + 12] in clean for at in range(20)), clean
        assert redacted(clean) == clean


@pytest.mark.parametrize(("cut", "left"), [(f"key is {KEY[:5]}", "key is "), (f"{KEY[-5:]} is the key", " is the key")])
def test_a_key_that_somebody_else_cut_goes_from_the_end_and_the_beginning(cut, left):
    assert redacted(cut).replace(REDACTED, "") == left


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://me:p%40ss@host/v1 failed", "https://[redacted]@host/v1 failed"),
        ("https://me:p@ss@host/v1", "https://[redacted]@host/v1"),
        ("https://token@host", "https://[redacted]@host"),
        ("s3+https:\\/\\/me:pass@host", "s3+https:\\/\\/[redacted]@host"),
        ("https%3A%2F%2Fme%3Apass%40host", "https%3A%2F%2F[redacted]%40host"),
        ("postgres://me:pass@host/db", "postgres://[redacted]@host/db"),
        ("http://a:p@h1,http://b:q@h2", "http://[redacted]@h1,http://[redacted]@h2"),
        ("authorization: bearer abcdef", "authorization: bearer [redacted]"),
        ("{'Authorization': 'Basic YTpi', 'Host': 'x'}", "{'Authorization': 'Basic [redacted]', 'Host': 'x'}"),
        ("(b'Authorization', b'Bearer abc123')", "(b'Authorization', b'Bearer [redacted]')"),
        ('{"x-api-key":"a\\"b","q":1}', '{"x-api-key":"[redacted]","q":1}'),
        ('"{\\"authorization\\": \\"Bearer zz1\\"}"', '"{\\"authorization\\": \\"Bearer [redacted]\\"}"'),
        ("authorization%3A%20Bearer%20abc123", "authorization%3A%20Bearer%20[redacted]"),
        ("GET /v1?api_key=abc&x=1&sig=a%2Fb", "GET /v1?api_key=[redacted]&x=1&sig=[redacted]"),
        ("?X-Amz-Signature=ab12&y", "?X-Amz-Signature=[redacted]&y"),
        ("Set-Cookie: a=b; c=d", "Set-Cookie: [redacted]"),
        ("password = hunter", "password = [redacted]"),
        ("secret_access_key: ab/cd+ef", "secret_access_key: [redacted]"),
        ("Incorrect API key provided: sk-proj-abcdefghij0123456789.", "Incorrect API key provided: [redacted]."),
        ("hf_" + "a1" * 12, "[redacted]"),
        ("AKIAIOSFODNN7EXAMPLE", "[redacted]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "[redacted]"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- b", "a [redacted]b"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIE", "[redacted]"),
        ("got Basic dTpwMTIzNA==", "got Basic [redacted]"),
        ("the bearer abcdefgh12", "the bearer [redacted]"),
    ],
)
def test_what_stands_in_the_place_of_a_secret_or_has_the_form_of_one_goes(text, clean):
    assert redacted(text) == clean and redacted(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "ssh://git@host/repo and abfs://data@account.dfs/x and me@example.com",
        "https://host/v1/chat/completions: Connection refused",
        "password: required, api_key: missing",
        "Unexpected token = 'foo'; max_tokens=5 completion_tokens: 12",
        "basic authentication failed, bearer authentication required",
        "task-oriented-dialogue-systems-2024 sk-learn-is-a-library",
        "maximum context length is 8192 tokens, you asked for 9000",
        "Invalid Authorization header",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *(
            (name, True)
            for name in (
                *("API_KEY", "OPENAI_API_KEY", "HFTOKEN", "PGPASSWORD", "openaiApiKey", "DB_PASS", "AUTH"),
                *("SSHPASS", "MY_PASSCODE", "my-app.key", "SOME_JWT", "AUTH_HEADER", "AWS_ACCESS_KEY_ID"),
            )
        ),
        *(
            (name, False)
            for name in (
                *("PWD", "GIT_AUTHOR_NAME", "KEYBOARD", "TOKENIZERS_PARALLELISM", "PATH", "XAUTHORITY"),
                *("SECRET_NAME", "AUTH_TYPE", "API_KEY_FILE", "TOKEN_URL", "SSH_AUTH_SOCK", "COMPASS"),
            )
        ),
    ],
)
def test_the_name_of_a_variable_says_whether_it_is_secret(name, says):
    assert is_secret_name(name) is says


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        *((value, True) for value in ("abcd1234", KEY, "secret-key", "correcthorsebatterystaple", "/Kx3+a/b=cdefgh")),
        *(
            (value, False)
            for value in ("1", "true", "abc1234", "postgres", "EMPTY", "131072", "2026-11-30", "changeme")
        ),
        *((value, False) for value in ("X-API-Key", "your-api-key", "-----BEGIN", "KEY-----")),
        *((value, False) for value in ("/run/secrets/key", "~/.ssh/id_rsa", "lm-studio")),
    ],
)
def test_a_word_a_number_a_path_is_no_secret(value, secret):
    assert is_secret(value) is secret


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("DATABASE_URL", "postgres://me:pw%2F12345@h/d", {"pw%2F12345", "pw/12345"}),
        ("HTTPS_PROXY", "http://proxy:3128", set()),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=me;AccountKey=abc123+/==", {"abc123+/=="}),
        ("OTEL_EXPORTER_HEADERS", "x-api-key=abc12345,host=some-host-1", {"abc12345"}),
        ("API_KEYS", "abc12345, def67890", {"abc12345, def67890", "abc12345", "def67890"}),
        ("CREDENTIALS", json.dumps({"type": "service_account", "private_key": "abc12345"}), {"abc12345"}),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36", set()),
        ("PGCONNECT", "host=db.local user=me password=abc12345", {"abc12345"}),
        ("EVENTS", "Endpoint=sb://h.net/;SharedAccessKeyName=RootKey1;SharedAccessKey=abc123+/=", {"abc123+/="}),
        (
            "SERVICE",
            json.dumps({"token_uri": "https://h/token", "private_key": "ab\ncd123456"}),
            {"ab\ncd123456", "cd123456"},
        ),
        ("API_KEYS", '["abc12345", "def67890"]', {"abc12345", "def67890"}),
        ("SOME_TOKEN", "[ab]{2,}.*$cd1", {"[ab]{2,}.*$cd1"}),
        ("SOME_TOKEN", "{ab12:cd34", {"{ab12:cd34"}),
        ("SOME_PASSWORD", "x://ab12cd", {"x://ab12cd"}),
        ("BLOBS_SAS_URL", "https://h/c?sv=2024&sig=ab%2Fcd123", {"ab%2Fcd123", "ab/cd123"}),
        ("CALLBACK", "https://h/hook?api_key=abc12345&page=some-page-1", {"abc12345"}),
        ("PEM_KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIEab+/1\n-----END RSA PRIVATE KEY-----", {"MIIEab+/1"}),
    ],
)
def test_secrets_within_the_value_of_a_variable(name, value, found):
    assert set(secrets_of(name, value)) == found


def test_an_answer_loses_only_the_secrets_of_this_environment():
    """Whole or by half; a text about keys is data."""
    text = 'Set `Authorization: Bearer sk-abcdefghij0123456789` and password = "hunter12".'
    assert without_secrets(text) == text and redacted(text) != text
    assert without_secrets(f"I got {KEY}!") == "I got [redacted]!"
    assert without_secrets(f"I got {KEY[:16]}") == f"I got {REDACTED}"
    assert without_secrets(f"I got {KEY[:8]}") == f"I got {REDACTED}"  # cut at the end
    assert without_secrets(f"I got {KEY[:8]}, no") == f"I got {KEY[:8]}, no"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n…\n-----END RSA PRIVATE KEY-----",
        'requests.get(url, headers={"X-API-Key": "your-api-key", "Authorization": "Bearer <token>"})',
        "Keys of projects begin with sk-proj-",
        "password = input('Password: ')\nurl = 'https://user:pass@host/'  # basic-auth",
    ],
)
def test_an_answer_about_keys_stays_whatever_keys_there_are(text, monkeypatch):
    monkeypatch.setenv("DEPLOY_KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIEab+/1\n-----END RSA PRIVATE KEY-----")
    monkeypatch.setenv("SOME_AUTH_TYPE", "basic-auth")
    monkeypatch.setenv("API_KEY_HEADER", "X-API-Key")
    monkeypatch.setenv("OTHER_API_KEY", "your-api-key")
    monkeypatch.setenv("PROJECT_API_KEY", "sk-proj-ab12cd34ef56gh78")
    assert without_secrets(text) == text
    assert without_secrets("I got sk-proj-ab12cd34") == f"I got {REDACTED}"


def test_the_password_of_a_server_is_one_in_the_form_in_which_it_gets_it():
    register_url("https://user:pw-12345@host/v1")
    token = base64.b64encode(b"user:pw-12345").decode()
    assert without_secrets(f"{token} pw-12345") == "[redacted] [redacted]"


def test_values_of_json_are_redacted_with_their_keys():
    value = {"api_key": "x", "api_key_env": "MY_KEY", "urls": ["http://a:b@c"], KEY: 1, "n": None}
    assert redacted_value(value) == {
        **{"api_key": REDACTED, "api_key_env": "MY_KEY", "urls": ["http://[redacted]@c"], REDACTED: 1, "n": None}
    }


FRAGMENTS = [
    *(
        "Authorization: ",
        "api_key='\\",
        "://a@",
        "eyJ",
        "-----BEGIN PRIVATE KEY",
        "%3a%2f%2f%41",
        "?key=%41",
        "cookie: ",
    ),
    *(
        "bearer  ",
        "sk-a",
        'token=\\"',
        "secret => b[",
        KEY[:9],
        "basic:",
        "authorization\\\\\"=  b\\\\'bearer   ",
        "?a-b-c-key=",
    ),
]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_no_text_takes_more_than_its_length(fragment):
    """Ten times the text, at most thirty times the CPU time: quadratic would be a hundred."""
    seconds = []
    for length in (4_000, 40_000):
        text = (fragment * (length // len(fragment) + 1))[:length]
        began = time.process_time()
        redaction.redacted(text)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 30 * max(seconds[0], 0.001)
