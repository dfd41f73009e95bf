"""Puts the page behind its guard, with a health check and a caretaker for temporary files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import cast

import fastapi
import gradio as gr
import uvicorn
from fastapi.responses import JSONResponse
from gradio.routes import App
from starlette.routing import Mount

from app.api import mcp
from app.common import canvas
from app.common.blocks import GuardedBlocks
from app.common.cancellation import cancel_all
from app.common.environment import ServerLimits, value
from app.common.handoff import CHOICES
from app.common.monitoring import Metrics
from app.common.service import Studio
from app.common.storage import Storage
from app.common.translations import error_sentence
from app.depth_page.elements import FIRST, STATIC, static_text, translations
from app.depth_page.page import build_page
from app.server.asgi import FirstScript
from app.server.middleware import Guard
from core.engines.onnx_engine import give_back_memory

log = logging.getLogger(__name__)

KEEP_SECONDS = 3600.0  # how long an upload or a result is kept at most
SWEEP_SECONDS, TRIM_SECONDS = 30.0, 5.0
# After the signal to stop: a batch ends with its present photo, and a call that still runs is left
# behind. Supervisors kill after ten seconds.
LAST_PHOTO_SECONDS, FORCED_END_SECONDS = 3.0, 7.0
# Whose component values Gradio remembers, at 2 MB each. Nothing here needs them: what a visitor set
# is sent with every call (`kept_by_browser`).
SESSIONS = 16
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
        body_text_color_subdued="*neutral_500",  # 400 on white is hard to read, as is white on 500
        block_info_text_color="*neutral_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )


def create_app(
    studio: Studio,
    storage: Storage,
    limits: ServerLimits | None = None,
    mcp_at: str | None = None,
) -> tuple[Guard, App]:
    """The ASGI application, and Gradio's part of it; the model is loaded when it starts.

    Args:
        storage: where uploads and results go. Gradio's own temporary folder is moved there, for
            the whole process.
        mcp_at: this server's address where its tools for language models are on.
    """
    limits = limits or ServerLimits.from_environment({})
    metrics = Metrics()
    os.environ.update(GRADIO_VARIABLES, GRADIO_TEMP_DIR=str(storage.root))
    page = build_page(studio, storage, limits, metrics)
    page.state_session_capacity = SESSIONS

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        storage.protect()  # the example pictures
        threading.Thread(target=_warm_up, args=(studio,), daemon=True).start()
        caretaker = asyncio.create_task(_take_care(storage, page, limits.temp_bytes))
        memory = asyncio.create_task(_give_back_memory())
        yield
        caretaker.cancel()
        memory.cancel()
        storage.close()

    app = fastapi.FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    app.add_api_route("/healthz", lambda: health(studio, page.overdue))
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        auth=_login(),
        max_file_size=limits.file_bytes,
        run_history=False,  # photos are private, and a browser may be shared
        footer_links=["api"],  # language and theme are in the header
        show_error=True,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=mcp_at is not None,
        pwa=False,
        i18n=translations,
        theme=theme(),
        css_paths=[canvas.STATIC / "canvas.css", STATIC / "studio.css"],
        js=static_text("on_load.js"),
    )
    if mcp_at is not None:
        mcp.call_at(page, mcp_at)
    metrics.watch("lapdepth_queue_waiting", "Calls that wait for their turn", page.waiting)
    metrics.watch("lapdepth_queue_running", "Calls that run", page.running)
    metrics.watch("lapdepth_calls_overdue", "Calls given up that still run", lambda: page.overdue)
    metrics.watch("lapdepth_cache_bytes", "Memory of results kept", lambda: studio.cached_bytes)
    metrics.watch("lapdepth_temp_bytes", "Disk of uploads and results", storage.used_bytes)
    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    room = partial(storage.room, limits.temp_bytes)
    scripted = FirstScript(app, CHOICES + static_text("apply_choices.js"))
    guard = Guard(scripted, page, limits, metrics, room, tools=mcp_at is not None)
    return guard, cast(App, mounted)


def health(studio: Studio, overdue: int = 0) -> JSONResponse:
    """Answers 200 when a model is loaded and no call is stuck, else 503."""
    state = "ready" if studio.ready else "loading the model"
    if overdue:
        state = "stuck: a call does not end; restart the server if this stays"
    return JSONResponse({"status": state}, 200 if state == "ready" else 503)


class Server(uvicorn.Server):
    """A server that ends soon: open pages keep a connection that would hold it up.

    Args:
        pages: Gradio's app, whose connections to open pages are closed first; calls under way
            still finish.
        last: done before the process is ended by force, where a call does not end.
    """

    def __init__(self, config: uvicorn.Config, pages: App, last: Callable[[], None]) -> None:
        super().__init__(config)
        self._pages = pages
        self._last = last

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for seconds, act in ((LAST_PHOTO_SECONDS, cancel_all), (FORCED_END_SECONDS, self._end)):
            timer = threading.Timer(seconds, act)
            timer.daemon = True
            timer.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._pages.stop_event.set()
        await super().shutdown(sockets)

    def _end(self) -> None:
        """Python waits for its threads; one that computes for long, or for ever, is left behind."""
        log.warning("a call did not end in time; the server ends without it")
        self._last()
        os._exit(0)


def _login() -> tuple[str, str] | None:
    """The optional password, from the environment."""
    user, password = value("LAPDEPTH_USER"), value("LAPDEPTH_PASSWORD")
    return (user, password) if user and password else None


def _warm_up(studio: Studio) -> None:
    try:
        studio.warm_up(FIRST)
    except Exception as error:  # the page then says so at every request
        log.error("the model could not be loaded: %s", error_sentence(error))


async def _take_care(storage: Storage, page: GuardedBlocks, most_bytes: float) -> None:
    """Deletes what is old, and forgets the names of what is gone."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(storage.sweep, KEEP_SECONDS, most_bytes)
        for names in (*page.temp_file_sets, page.upload_file_set):
            names -= await asyncio.to_thread(_gone, list(names))


async def _give_back_memory() -> None:
    """Hands freed memory back to the system, again and again."""
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        await asyncio.to_thread(give_back_memory)


def _gone(names: list[str]) -> set[str]:
    return {name for name in names if not Path(name).exists()}
