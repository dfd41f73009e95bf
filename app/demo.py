"""Starts both pages, says where they are, and stops them together: `make demo`.

Each page is a process of its own, so that a crash of one shows in the exit status and the other
does not outlive it. Settings come from the environment (`app/common/environment.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import http.client
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import IO

from app.common import monitoring
from app.common.environment import check
from app.server.main import ROOT, Page, explorer_page, gradio_page, pages_from, require_free
from core.errors import DepthError

__all__ = ["Page", "answers", "explorer_page", "gradio_page", "pages_from", "run", "start", "stop"]

log = logging.getLogger(__name__)

READY_SECONDS = 180.0  # a cold start reads a gigabyte of libraries; on a slow disk that takes time
STOP_SECONDS = 12.0  # more than the pages take to finish what they are doing
_POLL_SECONDS = 0.2
_C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None
_SIGNAL_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG, prctl(2)

_FOLDERS = ("LAPDEPTH_MODELS", "LAPDEPTH_CACHE", "LAPDEPTH_DATA", "LAPDEPTH_HANDOFF")

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


def start(
    page: Page, environment: Mapping[str, str], output: IO[bytes] | int | None = None
) -> subprocess.Popen[bytes]:
    """Starts a page in a session of its own, so that Ctrl-C reaches this program alone.

    On Linux a page also ends when the thread that started it does, by whatever: kill -9 leaves no
    page behind that holds its port.

    Args:
        environment: its environment, before the page's own host and port.
        output: where its output goes: a file, subprocess.PIPE; None leaves it on the terminal.
    """
    own = {"HOST": page.host, page.variable: str(page.port)}
    for name in _FOLDERS:  # said from where this program was started
        if environment.get(name):
            own[name] = str(Path(environment[name]).expanduser().absolute())
    return subprocess.Popen(  # noqa: S603 - our own programs
        page.command,
        cwd=ROOT,
        env={**OFFLINE, **environment, **own},
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_end_with_parent if _C_LIBRARY else None,
    )


def _end_with_parent() -> None:
    """Asks the system for SIGTERM when the parent is gone."""
    if _C_LIBRARY:
        _C_LIBRARY.prctl(_SIGNAL_WHEN_PARENT_DIES, signal.SIGTERM)


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


def stop(*processes: subprocess.Popen[bytes]) -> None:
    """Ends pages and whatever they started: asks all at once, waits for what they have under way.

    After `STOP_SECONDS`, or at once when Ctrl-C (or SIGTERM) comes again, it insists.
    """
    for demand in (signal.SIGTERM, signal.SIGKILL):
        try:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, demand)
            deadline = time.monotonic() + STOP_SECONDS
            for process in processes:
                process.wait(max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
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
    relays: list[threading.Thread] = []
    between = tempfile.TemporaryDirectory(prefix="lapdepth-handoff-") if len(pages) > 1 else None
    environment = {"LAPDEPTH_HANDOFF": between.name if between else "", **os.environ}
    try:
        for page in pages:
            running[page] = start(
                page, environment, subprocess.PIPE if monitoring.as_json() else None
            )
            relays.append(_relay(running[page], page.name))
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
        stop(*running.values())
        for relay in relays:
            relay.join(1)
        if between:
            between.cleanup()


def _relay(process: subprocess.Popen[bytes], name: str) -> threading.Thread:
    """Passes on what a page prints, where the log is JSON; it prints by itself otherwise."""
    thread = threading.Thread(
        target=monitoring.relay, args=(process.stdout or (), name), daemon=True
    )
    thread.start()
    return thread


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _announce(pages: Sequence[Page]) -> None:
    if monitoring.as_json():
        for page in pages:
            _say(f"{page.name} is at {page.url}")
        return
    width = max(len(page.name) for page in pages)
    _say("\n".join(["", *(f"  {page.name:<{width}}  {page.url}" for page in pages), ""]))
    _say("Ctrl-C stops both." if len(pages) > 1 else "Ctrl-C stops it.")


def _say(text: str) -> None:
    if monitoring.as_json():
        log.info(text.strip())
        return
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status as `run` gives it; with --check, 0 when all pages answer and 1 when not.

    Unusable settings give 2.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only ask whether the pages answer")
    check_only = parser.parse_args().check
    try:
        check()
        if monitoring.as_json():
            monitoring.configure()
        pages = pages_from(os.environ)
        return int(not all(map(answers, pages))) if check_only else run(pages)
    except DepthError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
