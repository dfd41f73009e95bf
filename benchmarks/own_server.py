"""A depth page of one's own, on a free port, for a benchmark that must not disturb another."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import demo


@dataclass(frozen=True)
class OwnServer:
    """A running depth page.

    Attributes:
        url: its address.
        process: its process.
        temp: its folder for temporary files, of nobody else.
        log: what it says.
    """

    url: str
    process: subprocess.Popen[bytes]
    temp: Path
    log: Path


@contextlib.contextmanager
def own_server(**environment: str) -> Iterator[OwnServer]:
    """Starts one, waits until it is ready, and ends it.

    Args:
        environment: variables on top of the process's own.

    Raises:
        TimeoutError: it was not ready in time; its log is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="own-server-") as folder:
        temp, log = Path(folder) / "temp", Path(folder) / "log"
        temp.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            page = demo.gradio_page("127.0.0.1", probe.getsockname()[1])
        with log.open("wb") as output:
            process = demo.start(page, {**os.environ, "TMPDIR": str(temp), **environment}, output)
        try:
            deadline = time.monotonic() + demo.READY_SECONDS
            while not demo.answers(page):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError(log.read_text(errors="replace")[-3000:])
                time.sleep(0.2)
            yield OwnServer(page.url, process, temp, log)
        finally:
            demo.stop(process)
