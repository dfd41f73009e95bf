"""Puts the page behind its guard, with a health check and a caretaker for temporary files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import fastapi
import gradio as gr
import uvicorn
from fastapi.responses import JSONResponse
from gradio.routes import App
from starlette.routing import Mount

from app.depth_view import STATIC
from app.gradio_guard import Guard, GuardedBlocks
from app.gradio_ui import TRANSLATIONS, build_page
from app.service import Studio, sentence
from app.storage import Storage
from core.imaging.decode_limits import DEFAULT_LIMITS

log = logging.getLogger(__name__)

KEEP_SECONDS = 3600.0  # how long an upload or a result is kept at most
KEEP_BYTES = float(os.environ.get("LAPDEPTH_TEMP_MB", "4000")) * 1e6  # of all of them together
SWEEP_SECONDS = 120.0
SESSIONS = 16  # whose component values Gradio remembers, at 2 MB each; nothing here needs them
GRADIO_VARIABLES = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "HF_HUB_OFFLINE": "1",
}


def theme() -> gr.themes.Base:
    """Calm: one accent, the system's own fonts (nothing is fetched)."""
    sans = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=sans,
        font_mono=["ui-monospace", "Cascadia Mono", "Noto Sans Mono", "monospace"],
    ).set(
        block_title_text_weight="500",
        block_label_text_weight="500",
        button_primary_background_fill="*primary_700",  # white text on 500 is hard to read
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )


def create_app(studio: Studio, storage: Storage) -> tuple[Guard, App]:
    """The ASGI application, and Gradio's part of it; the model is loaded when it starts.

    Args:
        studio: what does the work.
        storage: where uploads and results go. Gradio's own temporary folder is moved there, for
            the whole process.
    """
    os.environ.update(GRADIO_VARIABLES, GRADIO_TEMP_DIR=str(storage.root))
    page = build_page(studio, storage)
    page.state_session_capacity = SESSIONS

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        storage.protect()  # the example pictures
        threading.Thread(target=_warm_up, args=(studio,), daemon=True).start()
        caretaker = asyncio.create_task(_take_care(storage, page))
        yield
        caretaker.cancel()
        storage.close()

    app = fastapi.FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    app.add_api_route("/healthz", lambda: health(studio))
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        auth=_login(),
        max_file_size=DEFAULT_LIMITS.max_bytes,
        run_history=False,  # photos are private, and a browser may be shared
        footer_links=["api", "settings"],
        show_error=True,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        i18n=TRANSLATIONS,
        theme=theme(),
        css_paths=[STATIC / "studio.css"],
    )
    functions = {number for number, function in page.fns.items() if function.fn is not None}
    endpoints = {
        str(function.api_name): len(function.inputs)
        for function in page.fns.values()
        if function.api_visibility == "public"
    }
    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    return Guard(app, endpoints, functions), cast(App, mounted)


def health(studio: Studio) -> JSONResponse:
    """Answers 200 when a model is loaded, 503 before."""
    state = "ready" if studio.ready else "loading the model"
    return JSONResponse({"status": state}, 200 if studio.ready else 503)


class Server(uvicorn.Server):
    """A server that ends soon: open pages keep a connection that would hold it up.

    Args:
        config: of the server.
        pages: Gradio's app, whose connections to open pages are closed first; calls under way
            still finish.
    """

    def __init__(self, config: uvicorn.Config, pages: App) -> None:
        super().__init__(config)
        self._pages = pages

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._pages.stop_event.set()
        await super().shutdown(sockets)


def _login() -> tuple[str, str] | None:
    """The optional password, from the environment."""
    user, password = (os.environ.get(f"LAPDEPTH_{name}") for name in ("USER", "PASSWORD"))
    return (user, password) if user and password else None


def _warm_up(studio: Studio) -> None:
    try:
        studio.warm_up()
    except Exception as error:  # the page then says so at every request
        log.error("the model could not be loaded: %s", sentence(error))


async def _take_care(storage: Storage, page: GuardedBlocks) -> None:
    """Deletes what is old, and forgets the names of what is gone."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(storage.sweep, KEEP_SECONDS, KEEP_BYTES)
        for names in (*page.temp_file_sets, page.upload_file_set):
            names -= {name for name in list(names) if not Path(name).exists()}
