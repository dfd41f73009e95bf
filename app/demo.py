"""Starts both pages, says where they are, and stops them together: `make demo`.

Each page is a process of its own, so that a crash of one shows in the exit status and the other
does not outlive it. Settings come from the environment: HOST, GRADIO_PORT, STREAMLIT_PORT.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import IO

from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 180.0  # a cold start reads a gigabyte of libraries; on a slow disk that takes time
STOP_SECONDS = 12.0  # more than the pages take to finish what they are doing
_POLL_SECONDS = 0.2

# Nothing is sent anywhere, and nothing is looked up, unless the user's environment says otherwise.
OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "STREAMLIT_SERVER_HEADLESS": "true",
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
    "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true",  # this program says where the pages are
    "STREAMLIT_LOGGER_LEVEL": "warning",
}


@dataclass(frozen=True)
class Page:
    """One program to run.

    Attributes:
        name: what the user calls it.
        variable: the environment variable that moves its port.
        host: the address it listens on.
        port: its port.
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
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        host = f"[{self.reach}]" if ":" in self.reach else self.reach
        return f"http://{host}:{self.port}"


def gradio_page(host: str, port: int) -> Page:
    """The page that turns a photo into depth, and the HTTP interface."""
    command = (sys.executable, "-m", "app.gradio_app")
    return Page("Depth from a photo", "GRADIO_PORT", host, port, "/healthz", command)


def explorer_page(host: str, port: int) -> Page:
    """The page that opens up the network."""
    command = (
        *(sys.executable, "-m", "streamlit", "run", "app/explorer/main.py"),
        *("--server.address", host, "--server.port", str(port)),
    )
    return Page("Explorer", "STREAMLIT_PORT", host, port, "/_stcore/health", command)


def pages_from(environment: Mapping[str, str]) -> tuple[Page, Page]:
    """The pages that the environment asks for.

    Raises:
        ConfigError: a port that is no port, or the same port twice.
    """
    host = environment.get("HOST") or "127.0.0.1"
    gradio = gradio_page(host, _port(environment, "GRADIO_PORT", 7860))
    explorer = explorer_page(host, _port(environment, "STREAMLIT_PORT", 8501))
    if gradio.port == explorer.port:
        raise ConfigError(
            f"GRADIO_PORT and STREAMLIT_PORT are both {gradio.port}; expected two different "
            "ports. Change one of them."
        )
    return gradio, explorer


def _port(environment: Mapping[str, str], variable: str, default: int) -> int:
    text = environment.get(variable) or str(default)
    if not (re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 65535):
        raise ConfigError(
            f"{variable} is {text[:40]!r}; expected a whole number from 1 to 65535. "
            f"For example: make demo {variable}={default}"
        )
    return int(text)


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


def start(
    page: Page, environment: Mapping[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a page in a session of its own, so that Ctrl-C reaches this program alone.

    Args:
        page: what to start.
        environment: its environment, before the page's own host and port.
        output: where its output goes; None leaves it on the terminal.
    """
    own = {"HOST": page.host, page.variable: str(page.port)}
    return subprocess.Popen(  # noqa: S603
        page.command,
        cwd=ROOT,
        env={**OFFLINE, **environment, **own},
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def answers(page: Page) -> bool:
    """Whether the page says that it is ready."""
    connection = http.client.HTTPConnection(page.reach, page.port, timeout=5)
    try:
        connection.request("GET", page.health)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a page and whatever it started: asks, waits, then insists."""
    for demand in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, demand)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def run(pages: Sequence[Page]) -> int:
    """Runs the pages until Ctrl-C, or until one of them ends.

    Returns:
        0 after Ctrl-C; otherwise the status of the page that ended by itself, 1 where that is 0
        or a signal, and 1 when a page was not ready in time.

    Raises:
        ConfigError: a port is taken; then nothing was started.
    """
    for page in pages:
        require_free(page)
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, _interrupt)
    running: dict[Page, subprocess.Popen[bytes]] = {}
    try:
        for page in pages:
            running[page] = start(page, os.environ)
        _say("Starting (the first time takes a little longer)...")
        waiting = set(pages)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            for page, process in running.items():
                status = process.poll()
                if status is not None:
                    _say(f"{page.name} ended by itself (status {status}); stopping the rest.")
                    return status if status > 0 else 1
            if waiting:
                waiting -= {page for page in waiting if answers(page)}
                if not waiting:
                    _announce(pages)
                elif time.monotonic() > deadline:
                    late = " and ".join(page.name for page in pages if page in waiting)
                    _say(f"{late} did not answer within {READY_SECONDS:.0f} s; stopping.")
                    return 1
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        _say("\nStopping.")
        return 0
    finally:
        for process in running.values():
            stop(process)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _announce(pages: Sequence[Page]) -> None:
    width = max(len(page.name) for page in pages)
    _say("\n".join(["", *(f"  {page.name:<{width}}  {page.url}" for page in pages), ""]))
    _say("Ctrl-C stops both.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status as `run` gives it; with --check, 0 when both pages answer and 1 when not.

    Unusable settings give 2.
    """
    parser = argparse.ArgumentParser(prog="python -m app.demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only ask whether both pages answer")
    check_only = parser.parse_args().check
    try:
        pages = pages_from(os.environ)
        return int(not all(map(answers, pages))) if check_only else run(pages)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
