"""Look at any table of any data version in a local page: filters, search, drops, conversations, lineage."""

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from cultivar.runlog.console import complain, say
from reports.versions.version import WORKSPACE
from schemas.errors import UserError

if TYPE_CHECKING:
    from reports.browse.pages import Pages

PORT = 8400
"""Where reports expect the page when they link to a row."""
MOST_WARMING_S = 20.0
"""The longest wait for the first table before the address is printed; then the first page needs no reading."""


def main(
    at: Annotated[str, typer.Option(help="version: a git revision, tag, branch, experiment or workspace")] = WORKSPACE,
    table: Annotated[str, typer.Option(help="table to begin with: demonstrations, dropped/filter, …")] = "",
    port: Annotated[
        int, typer.Option(help="port on 127.0.0.1; the next free one where it is taken", min=0, max=65535)
    ] = PORT,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="open it in the browser")] = True,
) -> int:
    # a web server and a database, which no other command needs
    from reports.browse.catalog import Catalog
    from reports.browse.pages import Pages

    catalog = Catalog(at)
    try:
        version = catalog.version(at)
        if table:
            catalog.path_of(version, table)
        warming = threading.Thread(target=warm, args=(Pages(catalog), at, table), daemon=True)
        warming.start()
        import uvicorn  # while the table is read

        from reports.browse.server import HOST, listen, make_app

        bound = listen(port)
        warming.join(MOST_WARMING_S)
    except UserError as error:
        complain(f"error: {error}")
        return 1
    actual = bound.getsockname()[1]
    address = f"http://{HOST}:{actual}/" + (f"table/{table}" if table else "") + f"?{urlencode({'at': at})}"
    if actual != port and port:
        complain(f"port {port} is taken")
    say(f"{version.label}: {address}  (Ctrl-C ends it)")
    settings = uvicorn.Config(
        make_app(catalog, actual), log_config=None, access_log=False, server_header=False, lifespan="off", ws="none"
    )
    if open_browser and has_screen():
        threading.Timer(0.3, webbrowser.open, [address]).start()
    try:
        uvicorn.Server(settings).run([bound])
    except KeyboardInterrupt:
        pass
    finally:
        bound.close()
    say("stopped")
    return 0


def warm(pages: "Pages", at: str, table: str) -> None:
    """Open the table that is likely to be looked at first, while the server starts."""
    with suppress(UserError):
        pages.table(table or "demonstrations", [("at", at)])


def has_screen() -> bool:
    """Whether a browser would open a window, and not take the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("browse")
