"""The page's server: loopback only, read only, nothing for other sites."""

import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import duckdb
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from reports.browse.catalog import Catalog, NotFound
from reports.browse.pages import Pages
from reports.page.render import render
from schemas.errors import UserError

HOST = "127.0.0.1"
TRIES = 20
"""Ports that are tried, one after the other."""
MOST_QUERY = 16_384
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Guard:
    """What every request passes: the host's name, the method, where it comes from; what every answer carries.

    A page of another site may link here, but load nothing from here. A name that resolves to this machine is refused, so that
    no site can reach the data by DNS rebinding.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.decode() not in HEADERS]
                message["headers"] = kept + [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            await send(message)

        refused = self.refusal(scope)
        await (refused or self.app)(scope, receive, with_headers)

    def refusal(self, scope: Any) -> Response | None:
        """The answer to a request that is refused."""
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1 or given[0].lower() not in self.hosts:
            return PlainTextResponse("this page answers to its own address only\n", HTTPStatus.BAD_REQUEST)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("read only\n", HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "GET, HEAD"})
        sent = {name: value for name, value in scope["headers"] if name.startswith(b"sec-fetch-")}
        is_foreign = sent.get(b"sec-fetch-site", b"none") in (b"cross-site", b"same-site")
        if is_foreign and sent.get(b"sec-fetch-dest", b"document") != b"document":
            return PlainTextResponse("not for other sites\n", HTTPStatus.FORBIDDEN)
        if len(scope["query_string"]) > MOST_QUERY:
            return PlainTextResponse("the address is too long\n", HTTPStatus.REQUEST_URI_TOO_LONG)
        return None


def make_app(catalog: Catalog, port: int) -> Any:
    """The application over a catalog, which answers as 127.0.0.1:port and localhost:port."""
    pages = Pages(catalog)
    style = render("browse/style.css.jinja", {})
    script = Path(__file__).with_name("script.js").read_text(encoding="utf-8")

    def overview(request: Request) -> Response:
        return HTMLResponse(pages.overview(request.query_params.get("at", "")))

    def table(request: Request) -> Response:
        return HTMLResponse(pages.table(request.path_params["name"], request.query_params.multi_items()))

    def row(request: Request) -> Response:
        return HTMLResponse(pages.row(request.path_params["id"], request.query_params.multi_items()))

    def row_json(request: Request) -> Response:
        text = pages.row_json(request.path_params["id"], request.query_params.multi_items())
        return Response(text, media_type="application/json")

    def jump(request: Request) -> Response:
        given = request.query_params.get("id", "").strip()
        at = request.query_params.get("at", "")
        return RedirectResponse(f"/row/{quote(given, safe='') or '-'}?{urlencode({'at': at})}", HTTPStatus.SEE_OTHER)

    def not_found(request: Request, error: Exception) -> Response:
        message = str(error) if isinstance(error, UserError) else "there is no such page"
        return HTMLResponse(pages.error("Not found", message), HTTPStatus.NOT_FOUND)

    def unreadable(request: Request, error: Exception) -> Response:
        message = str(error)
        if isinstance(error, duckdb.Error):  # names the file
            message = f"a table cannot be read: {message.splitlines()[0]}; `dvc repro` makes it"
        return HTMLResponse(pages.error("Cannot be shown", message), HTTPStatus.INTERNAL_SERVER_ERROR)

    def failed(request: Request, error: Exception) -> Response:
        return PlainTextResponse("this page failed; the terminal says why\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    routes = [
        Route("/", overview),
        Route("/table/{name:path}", table),
        Route("/row", jump),
        Route("/row/{id}.json", row_json),
        Route("/row/{id}", row),
        Route("/style.css", lambda request: Response(style, media_type="text/css")),
        Route("/script.js", lambda request: Response(script, media_type="text/javascript")),
    ]
    handlers: dict[Any, Any] = {NotFound: not_found, 404: not_found, UserError: unreadable}
    handlers |= {duckdb.Error: unreadable, Exception: failed}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), port)


def listen(port: int, tries: int = TRIES) -> socket.socket:
    """A socket on loopback at that port, or at the next one that is free (any where it is 0). Raises UserError."""
    last = min(port + (tries if port else 1), 65_536)
    for candidate in range(port, last):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((HOST, candidate))
            bound.listen(64)
            return bound
        except OSError as error:
            bound.close()
            reason = error.strerror
    raise UserError(f"no port from {port} to {last - 1} is free on {HOST} ({reason}); name another with --port")
