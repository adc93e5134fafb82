"""GitHub's and GitLab's API on loopback, as far as comments go: pages of comments, edits, and faults on demand."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "glpat-or-ghp-0123456789abcdef"
GITHUB = re.compile(r"/api/repos/team/data/issues/(?:(?P<number>\d+)/comments|comments/(?P<comment>\d+))")
GITLAB = re.compile(r"/api/projects/77/merge_requests/(?P<number>\d+)/notes(?:/(?P<comment>\d+))?")


class FakeHost:
    """A context manager. `comments`: what stands at request 5, in the host's own form; `faults`: the next replies.

    A fault is (method, status, headers); it is used up by the first call of that method. With status 0 the call takes effect
    and the connection ends without a reply. `calls` are method and path of what arrived; `keys` their key headers.
    """

    def __init__(self, per_page: int = 100, me: dict[str, Any] | None = None) -> None:
        self.per_page = per_page
        self.me = me  # None: the key belongs to no user, as a workflow's
        self.comments: list[dict[str, Any]] = []
        self.faults: list[tuple[str, int, dict[str, str]]] = []
        self.calls: list[tuple[str, str]] = []
        self.keys: set[str] = set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                host.answer(self)

            do_GET = do_POST = do_PATCH = do_PUT = answer

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"

    def __enter__(self) -> "FakeHost":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *arguments: Any) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add(self, body: str, author: int = 1, kind: str = "User", **more: Any) -> int:
        """A comment that stands there; its number."""
        number = 1000 + len(self.comments)
        self.comments.append({"id": number, "body": body, "html_url": f"https://host/c/{number}"} | more)
        self.comments[-1] |= {"user": {"id": author, "type": kind}, "author": {"id": author}}
        return number

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments]

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(call.path)
        content = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        self.calls.append((call.command, parts.path))
        self.keys |= {
            call.headers[name] for name in ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN") if name in call.headers
        }
        fault = next((fault for fault in self.faults if fault[0] == call.command), None)
        if fault:
            self.faults.remove(fault)
            if fault[1]:
                send(call, fault[1], {"message": f"no, and your key is {KEY}"}, fault[2])
                return
        status, value, headers = self.reply(call.command, parts.path, parse_qs(parts.query), content)
        if fault:
            call.close_connection = True
            return
        send(call, status, value, headers)

    def reply(
        self, method: str, path: str, query: dict[str, list[str]], content: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if path == "/api/user":
            return (200, self.me, {}) if self.me else (403, {"message": "Resource not accessible by integration"}, {})
        found = GITHUB.fullmatch(path) or GITLAB.fullmatch(path)
        if found is None or found["number"] not in ("5", None):
            return 404, {"message": "Not Found"}, {}
        if method == "GET":
            page = int(query["page"][0])
            first = (page - 1) * self.per_page
            more = first + self.per_page < len(self.comments)
            links = {"Link": f'<{self.url}/elsewhere?page={page + 1}>; rel="next"'} if more else {}
            return 200, self.comments[first : first + self.per_page], links
        body = json.loads(content)["body"]
        if len(body) > 65_536:
            return 422, {"message": "body is too long (maximum is 65536 characters)"}, {}
        if method == "POST":
            author = self.me["id"] if self.me else 99
            self.add(body, author, "User" if self.me else "Bot")
            return 201, self.comments[-1], {}
        (comment,) = (comment for comment in self.comments if comment["id"] == int(found["comment"]))
        comment["body"] = body
        return 200, comment, {}


def send(call: BaseHTTPRequestHandler, status: int, value: Any, headers: dict[str, str]) -> None:
    content = json.dumps(value).encode()
    call.send_response(status)
    for name, text in (headers | {"Content-Length": str(len(content))}).items():
        call.send_header(name, text)
    call.end_headers()
    call.wfile.write(content)
