"""A real Chromium for tests of pages: what a page asks for, runs and shows.

Fixtures

* `open_page(address, width=1200, height=900, dark=False, script=True) -> Page`: a page of its own context. `address` is
  a URL or the path of a file. What the page asks of another origin (of a file: of anything but itself) is refused and
  recorded; so are dialogs, errors of scripts and downloads. The test fails at its end if there was one.
* `strays`: that record, for a test that expects something in it; what it takes out of the list is no failure.
* `is_accessible(page)`: asserts that axe-core finds nothing wrong; else the findings are the error. axe-core is a script:
  it hangs on a page that was opened with `script=False`.
* `picture(page, name) -> Path`: a PNG of the whole page, in pytest's temporary folder or in `CULTIVAR_PICTURES`.
* `hostile`: texts that try to run, load, hide or steer, each by name; `assert_inert(page)`: none of them did.

A browser lives as long as the module: Playwright's synchronous interface leaves a running event loop in its thread, and
tests of other modules call asyncio.run. A test here that needs a server runs it in a process or a thread.
Chromium is Debian's package; `CHROMIUM` names another one. Without one, these tests skip.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sync = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (requirements-dev.txt)")
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
INNER = ("about:", "data:", "blob:")
"""Addresses that leave nothing."""
SENTINEL = "cultivar_was_run"
HOSTILE = {
    "script": f"<script>window.{SENTINEL} = 1; alert(1)</script>",
    "image": f'<img src=x onerror="window.{SENTINEL} = 1"><img src="https://example.org/pixel.png">',
    "attribute": f'" autofocus onfocus="window.{SENTINEL} = 1" x="',
    "end": f"</textarea></title></style></pre></table><svg onload='window.{SENTINEL} = 1'>",
    "link": f"[click](javascript:window.{SENTINEL}=1) <a href='https://example.org/'>here</a> https://example.org/a",
    "style": "<style>* { display: none }</style><link rel=stylesheet href='https://example.org/a.css'>",
    "frame": "<iframe src='https://example.org/'></iframe><meta http-equiv=refresh content='0;url=https://example.org/'>",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7 %>",
    "bidi": "price \u202e001 \u202c and \u2066hidden\u2069 \u200bgap",
    "control": "bell \x07 escape \x1b[31mred\x1b[0m return \r end",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser. Skips where none is installed."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: install Debian's package or name one in CHROMIUM")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def strays() -> list[str]:
    """What pages of this test did that they may not, in words."""
    return []


@pytest.fixture
def open_page(chromium: Any, strays: list[str]) -> Iterator[Callable[..., Any]]:
    contexts = []

    def open_one(address: str | Path, width: int = 1200, height: int = 900, dark: bool = False, script: bool = True):
        address = address.resolve().as_uri() if isinstance(address, Path) else address
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            service_workers="block",
        )
        contexts.append(context)

        def answer(route: Any) -> None:
            if is_own(route.request.url, address):
                route.continue_()
            else:
                strays.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", answer)
        context.on("dialog", lambda dialog: (strays.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page = context.new_page()
        page.on("websocket", lambda socket: strays.append(f"socket to {socket.url}"))
        page.on("pageerror", lambda error: strays.append(f"script error: {error}"))
        page.on("console", lambda said: strays.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("download", lambda file: strays.append(f"download of {file.url}"))
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert strays == []


def is_own(url: str, address: str) -> bool:
    """Whether a page at `address` may ask for `url`: its own origin, or for a file that file alone."""
    if url.startswith(INNER):
        return True
    asked, own = urlsplit(url), urlsplit(address)
    if own.scheme == "file":
        return (asked.scheme, asked.path) == (own.scheme, own.path)
    return (asked.scheme, asked.netloc) == (own.scheme, own.netloc)


@pytest.fixture(scope="session")
def is_accessible() -> Callable[[Any], None]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def check(page: Any) -> None:
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()

    return check


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], Path]:
    folder = Path(os.environ.get("CULTIVAR_PICTURES") or tmp_path_factory.mktemp("pictures"))

    def take(page: Any, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        return folder / f"{name}.png"

    return take


@pytest.fixture(scope="session")
def hostile() -> dict[str, str]:
    return HOSTILE


@pytest.fixture(scope="session")
def assert_inert() -> Callable[[Any], None]:
    def check(page: Any) -> None:
        assert page.evaluate(f"window.{SENTINEL}") is None
        assert page.locator("iframe, object, embed, [onerror], [onload], [onfocus]").count() == 0
        links = page.eval_on_selector_all("a[href]", "found => found.map(link => link.getAttribute('href'))")
        assert [link for link in links if re.match(r"(?i)\s*(javascript|data|vbscript):", link)] == []
        assert re.findall("[\u202a-\u202e\u2066-\u2069\x1b\x07]", page.content()) == []

    return check
