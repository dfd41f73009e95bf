"""What a browser gets that opens a page by its address: Streamlit's HTML, told where its server is.

Streamlit's script does not know whether `/levels` is a page of a server at `/` or the home of one
at `/levels`. It asks `/levels/_stcore/health` and `/levels/_stcore/host-config` first, and each
404 is an error in the browser's console. A page of this app always lies right below its server, so
the HTML says so before that script runs.
"""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.explorer.page_table import PAGES

INDEX = Path(streamlit.__file__).with_name("static") / "index.html"
# Relative to the page like the scripts' own addresses, so it holds behind a proxy's prefix too.
_SERVER = (
    '<script>window.__streamlit = {BACKEND_BASE_URL: new URL(".", location.href).href}</script>'
)


def page_routes() -> list[Route]:
    """A route for every page but the first, which is the server's own address."""
    return [Route(f"/{page.key}", _answer) for page in PAGES[1:]]


async def _answer(_request: Request) -> HTMLResponse:
    return HTMLResponse(_page(), headers={"Cache-Control": "no-cache"})


@functools.cache
def _page() -> str:
    return INDEX.read_text(encoding="utf-8").replace("<head>", f"<head>{_SERVER}", 1)
