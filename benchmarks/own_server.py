"""A depth page of one's own, on a free port, for a benchmark that must not disturb another."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app import demo


@contextlib.contextmanager
def own_server(**environment: str) -> Iterator[tuple[str, int]]:
    """Its address and the number of its process; it is ready, and ends with the block.

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
            yield page.url, process.pid
        finally:
            demo.stop(process)
