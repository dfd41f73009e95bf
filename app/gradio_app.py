"""The Gradio app: `python -m app.gradio_app`, settings from HOST and GRADIO_PORT."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import uvicorn

from app import demo
from app.limits import ServerLimits
from app.server import Server, create_app
from app.service import Studio
from app.settings import DEFAULT_MODEL
from app.storage import Storage
from core.errors import DepthError

DRAIN_SECONDS = 6  # what runs when the server is told to stop may finish within this


def main() -> int:
    """Serves until SIGTERM or Ctrl-C; 2 for unusable settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        page, _ = demo.pages_from(os.environ)
        limits = ServerLimits.from_environment(os.environ)
        demo.require_free(page)
        storage = Storage()
    except DepthError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    models = os.environ.get("LAPDEPTH_MODELS")
    studio = Studio(
        default_model=os.environ.get("LAPDEPTH_MODEL", DEFAULT_MODEL),
        models=Path(models) if models else None,
        cache_bytes=limits.cache_bytes,
    )
    try:
        app, pages = create_app(studio, storage, limits)
        config = uvicorn.Config(
            app,
            host=page.host,
            port=page.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        Server(config, pages, storage.close).run()
    finally:
        storage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
