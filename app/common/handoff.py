"""The way from one page to the other: photo, model, camera and scale, through the server.

The pages are two processes. One puts what it shows into a folder that both can read, under a name
that nobody can guess; the other's address names it, and whoever asks first gets it: only once, and
only for a short time. `app.demo` makes the folder; without one the pages show no link.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.common.environment import value
from app.common.request import DepthRequest, depth_request
from core.atomic import write_atomic
from core.errors import DepthError

ADDRESS = "from"  # the key in the other page's address
FRESH_SECONDS = 120.0  # in which the other page has to ask
MAX_BYTES = 1_000_000_000  # of all that waits; the oldest go
CHOICES, GO = (
    (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")
    for name in ("choices.js", "go_on.js")
)
"""Scripts of both pages: what the reader chose for both, run before anything else, and the way."""
_TOKEN = re.compile(r"[\w-]{32}")


@dataclass(frozen=True)
class Handoff:
    """What one page shows, for the other.

    Attributes:
        data: its bytes, as they were uploaded.
        request: how its depth is shown.
    """

    name: str
    data: bytes
    request: DepthRequest


class HandoffFolder:
    """The folder between the pages.

    Args:
        folder: only this user can read it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> HandoffFolder | None:
        """The folder that the environment names, None where it names none."""
        name = value("LAPDEPTH_HANDOFF", environment)
        return cls(Path(name)) if name else None

    def put(self, sent: Handoff) -> str:
        """Keeps it for the other page."""
        self.sweep(len(sent.data))
        token = secrets.token_urlsafe(24)
        about = {"name": sent.name, "request": sent.request.arguments()}
        write_atomic(self._folder / token, json.dumps(about).encode() + b"\n" + sent.data)
        return token

    def take(self, token: Any) -> Handoff | None:
        """What was put under this word, once; None where there is none, or it is too old."""
        self.sweep()
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return None
        mine = self._folder / f"{secrets.token_hex(8)}.taken"
        try:
            (self._folder / token).rename(mine)  # of two who ask at a time one gets it
            about, _, data = mine.read_bytes().partition(b"\n")
            read = json.loads(about)
            return Handoff(str(read["name"]), data, depth_request(**read["request"]))
        except (OSError, ValueError, KeyError, TypeError, DepthError):
            return None
        finally:
            mine.unlink(missing_ok=True)

    def sweep(self, room: int = 0) -> None:
        """Deletes what nobody came for, and the oldest where there is no room for so many bytes."""
        left = MAX_BYTES - room
        with contextlib.suppress(OSError):
            found = [(path.stat(), path) for path in self._folder.iterdir()]
            for about, path in sorted(found, key=lambda entry: -entry[0].st_mtime):
                left -= about.st_size
                if left < 0 or abs(time.time() - about.st_mtime) > FRESH_SECONDS:
                    path.unlink(missing_ok=True)


def other_page(page: str) -> dict[str, str]:
    """Where a browser finds the "depth" page or the "explorer": a public address, or a port.

    The port is that of the machine whose name is in the browser's address.
    """
    place = ("depth", "explorer").index(page)
    sites = value("LAPDEPTH_SITES").split()
    port = value(("GRADIO_PORT", "STREAMLIT_PORT")[place])
    return {"site": sites[place]} if sites else {"port": port}
