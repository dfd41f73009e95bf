"""The depth page as a program, `python -m app.server.main`, and where both pages listen."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.api import mcp
from app.common import monitoring
from app.common.environment import ServerLimits, check, value
from app.common.storage import Storage
from core.errors import ConfigError, DepthError

ROOT = Path(__file__).resolve().parents[2]

DRAIN_SECONDS = 5  # what runs when the server is told to stop may finish within this

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # one for the main thread, one for all others; they compute outside of malloc


@dataclass(frozen=True)
class Page:
    """One program to run.

    Attributes:
        name: what the user calls it.
        variable: the environment variable that moves its port.
        health: the path that answers 200 once it works.
        command: the argument list that starts it, from the repository root.
    """

    name: str
    variable: str
    host: str
    port: int
    health: str
    command: tuple[str, ...]

    @property
    def reach(self) -> str:
        """The address to call: a page that listens everywhere is asked on loopback."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared

    @property
    def url(self) -> str:
        host = f"[{self.reach}]" if ":" in self.reach else self.reach
        return f"http://{host}:{self.port}"


def gradio_page(host: str, port: int) -> Page:
    """The page that turns a photo into depth, and the HTTP interface."""
    command = (sys.executable, "-m", "app.server.main")
    return Page("Depth from a photo", "GRADIO_PORT", host, port, "/healthz", command)


def explorer_page(host: str, port: int) -> Page:
    """The page that opens up the network."""
    command = (
        *(sys.executable, "-m", "streamlit", "run", "app/explorer/server.py"),
        *("--server.address", host, "--server.port", str(port)),
    )
    return Page("Explorer", "STREAMLIT_PORT", host, port, "/_stcore/health", command)


def pages_from(environment: Mapping[str, str]) -> list[Page]:
    """The pages that the environment asks for: usually both.

    Raises:
        ConfigError: a port that is no port, the same port twice, or an unknown page.
    """
    gradio = gradio_page(*address(environment, "GRADIO_PORT"))
    explorer = explorer_page(*address(environment, "STREAMLIT_PORT"))
    named = {"depth": gradio, "explorer": explorer}
    wanted = value("LAPDEPTH_PAGES", environment).split(",")
    if len(wanted) == len(named) and gradio.port == explorer.port:
        raise ConfigError(
            f"GRADIO_PORT and STREAMLIT_PORT are both {gradio.port}; expected two different "
            "ports. Change one of them."
        )
    return [page for name, page in named.items() if name in wanted]


def address(environment: Mapping[str, str], variable: str) -> tuple[str, int]:
    """Host and port that the environment asks for."""
    text = value(variable, environment)
    if not (re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 65535):
        raise ConfigError(
            f"{variable} is {text[:40]!r}; expected a whole number from 1 to 65535. "
            f"For example: make demo {variable}={value(variable, {})}"
        )
    return value("HOST", environment), int(text)


def require_free(page: Page) -> None:
    """Checks that the page's port can be had.

    Raises:
        ConfigError: another program has it, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in page.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((page.host, page.port))
        except OSError as error:
            raise ConfigError(
                f"{page.name} cannot listen on {page.host} port {page.port} "
                f"({error.strerror or error}); expected a free port. Stop the program that uses "
                f"it, or choose another: make demo {page.variable}={page.port + 1}"
            ) from error


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
        monitoring.configure()
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
