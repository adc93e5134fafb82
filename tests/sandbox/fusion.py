"""A server on loopback that speaks SandboxFusion's /run_code and can simulate faults. It isolates nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = ("500", "not json", "list", "SandboxError", "no result", "hang up", "cut", "no nonce", "odd frames")


class Server(ThreadingHTTPServer):
    """`faults` are taken one per request; when there are none left, requests are served."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[str] = []
        self.seen: list[dict] = []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/run_code" and body["language"] == "python"
        with self.server.lock:
            self.server.seen.append(body)
            fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault == "500":
            self.send_error(500)
            return
        if fault == "hang up":
            self.close_connection = True
            return
        answer: object = {"status": "SandboxError", "message": "no room"} if fault == "SandboxError" else self.run(body)
        if isinstance(answer, dict) and isinstance(answer.get("run_result"), dict):
            result = answer["run_result"]
            if fault == "no result":
                answer["run_result"] = None
            elif fault == "cut":
                result["stdout"] = result["stdout"][:-20]
            elif fault == "no nonce":
                result["stdout"] = ""
            elif fault == "odd frames":
                nonce = result["stdout"].strip()[:32]
                result["stdout"] = f"{nonce}[1, 2]{nonce}"
            elif fault in ("TimeLimitExceeded", "killed"):
                result |= {"status": "TimeLimitExceeded"} if fault != "killed" else {"return_code": 137, "stdout": ""}
        data = b"<html>" if fault == "not json" else json.dumps([] if fault == "list" else answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def run(self, body: dict) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in body["files"].items():
                (Path(folder) / name).write_bytes(base64.b64decode(content))
            command = [sys.executable, "-I", "-S", "-c", body["code"]]
            status, code, out = "Finished", None, b""
            try:
                ran = subprocess.run(
                    command, input=body["stdin"].encode(), capture_output=True, cwd=folder, timeout=body["run_timeout"]
                )
                code, out = ran.returncode, ran.stdout
                status = "Finished" if code == 0 else "Error"
            except subprocess.TimeoutExpired:
                status = "TimeLimitExceeded"
        result = {"status": status, "return_code": code, "stdout": out.decode(), "stderr": "", "execution_time": 0.1}
        overall = "Success" if status == "Finished" else "Failed"
        return {"status": overall, "message": "", "compile_result": None, "run_result": result, "files": {}}


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
