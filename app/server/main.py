"""The Gradio app: `python -m app.server.main`, settings from HOST and GRADIO_PORT."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

from app.api import mcp
from app.common import logs
from app.common.environment import ServerLimits, check, value
from app.common.storage import Storage
from app.server.processes import address, gradio_page, require_free
from core.errors import DepthError

DRAIN_SECONDS = 5  # what runs when the server is told to stop may finish within this

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # one for the main thread, one for all others; they compute outside of malloc


def share_arenas() -> None:
    """Limits the heaps among which glibc spreads the threads; call it before any thread starts.

    By default every new thread may get one of eight for each core. Each keeps the holes between
    blocks in use that once held its largest photo, so that the process grows for hours.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def main() -> int:
    """Serves until SIGTERM or Ctrl-C; 2 for unusable settings."""
    share_arenas()
    try:
        check()
        logs.configure()
        page = gradio_page(*address(os.environ, "GRADIO_PORT"))
        limits = ServerLimits.from_environment(os.environ)
        with_tools = mcp.asked_for()
        require_free(page)
        storage = Storage()
    except DepthError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Gradio writes to the folder for temporary files as soon as it is imported, so only now.
    os.environ["GRADIO_TEMP_DIR"] = str(storage.root)
    import uvicorn

    from app.common.service import Studio
    from app.server.app import Server, create_app

    studio = Studio(default_model=value("LAPDEPTH_MODEL"), cache_bytes=limits.cache_bytes)
    try:
        app, pages = create_app(studio, storage, limits, mcp_at=page.url if with_tools else None)
        config = uvicorn.Config(
            app,
            host=page.host,
            port=page.port,
            log_level="warning",
            log_config=None,  # its records go where all others go
            access_log=False,
            server_header=False,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        # When uvicorn has shut down it raises the signal again, for whoever had it before.
        signal.signal(signal.SIGTERM, lambda *_: None)
        Server(config, pages, storage.close).run()
    finally:
        storage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
