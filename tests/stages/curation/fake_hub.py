"""A hub of data sets on loopback, as far as huggingface_hub asks one: commits, trees, files, files that lie elsewhere."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_sha(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


class FakeHub:
    """A context manager. `files`: of the data set `repo` at COMMIT; those of `large` are kept at another address (LFS).

    `requests`: method, path, headers and port of what arrived; `key`: what is asked of who reads, None for nobody.
    """

    def __init__(self, files: dict[str, bytes], repo: str = "team/chats", large: tuple[str, ...] = ()) -> None:
        self.files, self.repo, self.large = files, repo, large
        self.key: str | None = None
        self.requests: list[tuple[str, str, dict[str, str], int]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                hub.requests.append((self.command, self.path, dict(self.headers), self.server.server_address[1]))
                hub.answer(self)

            do_GET = do_HEAD = do_POST = answer

            def log_message(self, *arguments: Any) -> None:
                pass

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        self.port, self.store_port = (server.server_port for server in self.servers)
        self.url, self.store = (f"http://127.0.0.1:{port}" for port in (self.port, self.store_port))

    def __enter__(self) -> "FakeHub":
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *arguments: Any) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def asked(self) -> list[str]:
        """Files that were sent."""
        return [
            path.rpartition(f"{COMMIT}/")[2] for method, path, *_ in self.requests if method == "GET" and COMMIT in path
        ]

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(call.path).path)
        if call.server.server_address[1] == self.store_port:
            self.send(call, 200, self.files[path.removeprefix("/store/")])
        elif self.key and call.headers.get("Authorization") != f"Bearer {self.key}":
            self.send(call, 401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif path == f"/api/datasets/{self.repo}/tree/{COMMIT}":
            self.send(call, 200, json.dumps([self.entry(name) for name in self.files]).encode())
        elif path in (f"/api/datasets/{self.repo}", f"/api/datasets/{self.repo}/revision/main"):
            self.send(call, 200, json.dumps({"id": self.repo, "sha": COMMIT, "siblings": []}).encode())
        elif (
            path.startswith(start := f"/datasets/{self.repo}/resolve/{COMMIT}/")
            and path.removeprefix(start) in self.files
        ):
            self.send_file(call, path.removeprefix(start))
        else:
            known = path.startswith((f"/api/datasets/{self.repo}", f"/datasets/{self.repo}"))
            self.send(call, 404, b"{}", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})

    def entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        entry = {"type": "file", "path": name, "size": len(content), "oid": git_sha(content)}
        sha = hashlib.sha256(content).hexdigest()
        return entry | ({"lfs": {"oid": sha, "size": len(content), "pointerSize": 130}} if name in self.large else {})

    def send_file(self, call: BaseHTTPRequestHandler, name: str) -> None:
        content = self.files[name]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{git_sha(content)}"'}
        if name in self.large:
            linked = {"X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Linked-Size": str(len(content))}
            self.send(call, 302, b"", headers | linked | {"Location": f"{self.store}/store/{name}"})
        else:
            self.send(call, 200, content, headers)

    def send(
        self, call: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        call.send_response(status)
        for name, value in (
            {"Content-Length": str(len(body)), "Content-Type": "application/json"} | (headers or {})
        ).items():
            call.send_header(name, value)
        call.end_headers()
        if call.command != "HEAD":
            call.wfile.write(body)
