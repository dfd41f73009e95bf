"""The MCP endpoint at /gradio_api/mcp: Gradio's own switch, off unless LAPDEPTH_MCP is `on`.

Its tools are the HTTP endpoints, called through them: so limits, checks and sentences are the same.
A photo is sent inside the call, as a `data:` address; other addresses are refused, as everywhere.
"""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

from app.common.environment import value
from core.errors import ConfigError

if TYPE_CHECKING:  # it imports Gradio, which has to wait for its folder (app/server/main.py)
    from app.common.blocks import GuardedBlocks

ROUTE = re.compile(r"/gradio_api/mcp/?")
MOST_BYTES = 64_000_000  # of a call: a photo in base64, four thirds of its size


def asked_for() -> bool:
    """Whether the endpoint is wanted.

    Raises:
        ConfigError: it cannot be had: its package is missing, or the page asks for a password,
            which Gradio's tools have none to give for.
    """
    if value("LAPDEPTH_MCP") != "on":
        return False
    if importlib.util.find_spec("mcp") is None:
        raise ConfigError(
            "LAPDEPTH_MCP is on and the package mcp is missing, expected the optional extra mcp: "
            'install it with pip install "mcp>=1.21,<2", or leave LAPDEPTH_MCP out.'
        )
    if value("LAPDEPTH_USER") and value("LAPDEPTH_PASSWORD"):
        raise ConfigError(
            "LAPDEPTH_MCP is on and the page has a login, expected one of the two: leave one out, "
            "and let a proxy ask for the password."
        )
    return True


def call_at(page: GuardedBlocks, address: str) -> None:
    """Tells the tools where this server is.

    Otherwise they would take its address from the first call's Host header, and send that call's
    photo, and all later ones, wherever the caller likes.
    """
    server = page.mcp_server_obj
    assert server is not None  # noqa: S101 - the switch is on
    server._local_url = address  # as `launch()` does
