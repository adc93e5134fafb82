"""The browser's fixtures themselves: what they must catch is caught."""

from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

CLEAN = "<!doctype html><html lang=en><title>t</title><main><h1>Hello</h1><p>text</main>"


@pytest.fixture
def page_file(tmp_path: Path):
    def write(body: str) -> Path:
        path = tmp_path / "page.html"
        path.write_text(body, encoding="utf-8")
        return path

    return write


def test_a_clean_page_passes_with_and_without_script(open_page, page_file, is_accessible, assert_inert, picture):
    for script in (True, False):
        page = open_page(page_file(CLEAN), width=400, dark=True, script=script)
        if script:
            is_accessible(page)
        assert_inert(page)
        assert picture(page, "clean").stat().st_size > 0


@pytest.mark.parametrize(
    ("body", "recorded"),
    [
        ("<img src='https://example.org/a.png'>", "asked for https://example.org/a.png"),
        ("<img src='other.png'>", "other.png"),
        ("<script>alert('hi')</script>", "dialog: hi"),
        ("<script>throw Error('broken')</script>", "script error: broken"),
        ("<script>fetch('http://127.0.0.1:9/')</script>", "asked for http://127.0.0.1:9/"),
    ],
)
def test_what_a_page_may_not_do_is_recorded(open_page, page_file, strays, body, recorded):
    open_page(page_file(CLEAN + body)).wait_for_timeout(50)
    assert [one for one in strays if recorded in one]
    strays.clear()


def test_a_served_page_may_ask_its_own_origin(open_page, page_file, strays):
    folder = str(page_file(CLEAN + "<iframe src=/page.html></iframe>").parent)

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=folder)

        def log_message(self, *given):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        open_page(f"http://127.0.0.1:{server.server_port}/page.html")
        server.shutdown()
    assert strays == []


def test_a_page_that_some_cannot_read_is_refused(open_page, page_file, is_accessible):
    page = open_page(page_file(CLEAN + "<img src='data:,'><p style='color:#eee;background:#fff'>faint"))
    with pytest.raises(AssertionError, match="color-contrast"):
        is_accessible(page)


def test_texts_as_they_are_are_not_inert(open_page, page_file, strays, hostile, assert_inert):
    page = open_page(page_file(CLEAN + hostile["image"] + hostile["script"]))
    with pytest.raises(AssertionError):
        assert_inert(page)
    strays.clear()
