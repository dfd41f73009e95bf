"""The page's tools for language models, called by the MCP package's own client."""

from __future__ import annotations

import ast
import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api import mcp
from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "assets" / "examples" / "coffee.jpg"
AS_DATA = "data:image/jpeg;base64," + base64.b64encode(PHOTO.read_bytes()).decode()
POINTS = [[100, 200], [300, 250]]


def called(address: str, *calls: tuple[str, dict[str, Any]]) -> tuple[list[str], list[Any]]:
    """The tools' names, and what the calls give."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def call() -> tuple[list[str], list[Any]]:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp") as (read, write, *_),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            return names, [await session.call_tool(name, given) for name, given in calls]

    return asyncio.run(call())


def test_a_client_lists_and_calls_the_tools(second_url: str) -> None:
    pytest.importorskip("mcp", reason='MCP is not installed: pip install "mcp>=1.21,<2"')
    # The first call decides where Gradio's tools send all others: not where its Host says.
    elsewhere = {"host": "127.0.0.1:9", "accept": "application/json, text/event-stream"}
    first = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    first["params"] = {"name": "measure", "arguments": {"image": AS_DATA, "points": POINTS}}  # type: ignore[assignment]
    reply = httpx.post(f"{second_url}/gradio_api/mcp/", json=first, headers=elsewhere, timeout=60)
    assert '"isError":false' in reply.text, reply.text[:500]
    names, results = called(
        second_url,
        ("measure", {"image": AS_DATA, "points": POINTS}),
        ("measure", {"image": "https://example.org/a.jpg", "points": POINTS}),
        ("measure", {"image": str(PHOTO), "points": POINTS}),
    )
    assert names == ["predict", "point_cloud", "measure", "render", "batch"]
    measured, fetched, local = results
    assert not measured.isError, measured
    found = ast.literal_eval(measured.content[0].text)  # as Gradio writes it
    assert found["distance"] > 0
    assert len(found["points"]) == 2
    assert fetched.isError
    assert "fetches nothing from the network" in fetched.content[0].text
    assert local.isError


def test_it_is_off_unless_asked_for(studio_url: str) -> None:
    assert httpx.post(f"{studio_url}/gradio_api/mcp", json={}, timeout=30).status_code == 404


def test_what_it_cannot_go_with_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPDEPTH_MCP", "on")
    monkeypatch.setenv("LAPDEPTH_USER", "lab")
    monkeypatch.setenv("LAPDEPTH_PASSWORD", "secret")
    with pytest.raises(ConfigError, match="has a login"):
        mcp.asked_for()
    monkeypatch.delenv("LAPDEPTH_USER")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="package mcp is missing"):
        mcp.asked_for()
    monkeypatch.setenv("LAPDEPTH_MCP", "off")
    assert not mcp.asked_for()
