"""A hub on this machine, as far as `huggingface_hub` needs one to make a dataset repository and to upload a folder.

It keeps what it gets in memory. Large files go to a second server, as a hub sends them to a storage that is not its own.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

LARGE = 600
"""Bytes from which on a file goes to the storage."""


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    host: str


class Hub:
    """`files` of the one repository by path, `is_private` (None: there is none), every request; paths with `fail` are answered by `status`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.stored: dict[str, bytes] = {}
        self.is_private: bool | None = None
        self.requests: list[Request] = []
        self.fail, self.status = "", 403
        self.address = self.storage = ""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        if self.fail and self.fail in path:
            return self.status, {"error": "out of order"}, {}
        match method, path.partition("?")[0].removeprefix("/"):
            case "POST", "api/repos/create":
                asked = json.loads(body)
                self.is_private = asked.get("visibility") == "private" or asked.get("private") is True
                return 200, {"url": f"{self.address}/datasets/{asked['organization']}/{asked['name']}"}, {}
            case "POST", "api/validate-yaml":
                return 200, {"errors": [], "warnings": []}, {}
            case "PUT", name if name.startswith("store/"):
                self.stored[name.removeprefix("store/")] = body
                return 200, {}, {}
            case _ if self.is_private is None:
                return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
            case "GET", name if "/tree/" in name:
                return 200, [self.entry(path) for path in sorted(self.files)], {}
            case "GET", name if re.fullmatch("api/datasets/[^/]+/[^/]+", name):
                return (
                    200,
                    {"id": "anna/data", "private": self.is_private, "sha": "0" * 40, "siblings": [], "tags": []},
                    {},
                )
            case "POST", name if "/preupload/" in name:
                return 200, {"files": [self.mode(one) for one in json.loads(body)["files"]]}, {}
            case "POST", name if name.endswith("/info/lfs/objects/batch"):
                return (
                    200,
                    {"transfer": "basic", "objects": [self.upload(one) for one in json.loads(body)["objects"]]},
                    {},
                )
            case "POST", "verify":
                asked = json.loads(body)
                return (200 if len(self.stored[asked["oid"]]) == asked["size"] else 422), {}, {}
            case "POST", name if "/commit/" in name:
                self.commit([json.loads(line) for line in body.splitlines()])
                return (
                    200,
                    {
                        "success": True,
                        "commitOid": "1" * 40,
                        "commitUrl": f"{self.address}/datasets/anna/data/commit/{'1' * 40}",
                    },
                    {},
                )
        return 404, {"error": "not here"}, {}

    def entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def mode(self, one: dict[str, Any]) -> dict[str, Any]:
        return {"path": one["path"], "uploadMode": "lfs" if one["size"] >= LARGE else "regular", "shouldIgnore": False}

    def upload(self, one: dict[str, Any]) -> dict[str, Any]:
        actions = {
            "upload": {"href": f"{self.storage}/store/{one['oid']}"},
            "verify": {"href": f"{self.address}/verify"},
        }
        return one | {"actions": actions}

    def commit(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            value = step["value"]
            match step["key"]:
                case "file":
                    self.files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    self.files[value["path"]] = self.stored[value["oid"]]
                case "deletedFile":
                    del self.files[value["path"]]


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that answers on loopback while the block runs."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = self.chunks()
            headers = {name.lower(): value for name, value in self.headers.items()}
            hub.requests.append(Request(self.command, self.path, headers, headers["host"]))
            status, value, more = hub.answer(self.command, self.path, body)
            content = json.dumps(value).encode()
            self.send_response(status)
            for name, text in (
                more | {"Content-Type": "application/json", "Content-Length": str(len(content))}
            ).items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def chunks(self) -> bytes:
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

        do_GET = do_POST = do_PUT = do

        def log_message(self, *arguments: Any) -> None:
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    hub.address, hub.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
