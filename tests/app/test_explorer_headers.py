"""The explorer's answers carry the depth page's security headers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app.server.asgi import SECURITY_HEADERS, FirstScript


def test_every_answer_of_the_explorer_carries_the_headers(explorer_url: str) -> None:
    for path in ("/", "/levels", "/_stcore/health", "/static/nothing.js"):
        headers = httpx.get(explorer_url + path, timeout=60).headers
        for name, value in SECURITY_HEADERS:
            assert headers[name.decode()] == value.decode().strip(), (path, name)


def test_another_site_may_not_read_the_explorer(explorer_url: str) -> None:
    reply = httpx.get(explorer_url, headers={"origin": "https://example.org"}, timeout=60)
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("packed", [True, False])
def test_a_script_leaves_the_headers_of_both_sides_as_they_are(packed: bool) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"vary", b"Cookie")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<html><head></head></html>"})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(FirstScript(app, "first()"))
        kinds = "gzip" if packed else "identity"
        asked = [("accept-encoding", kinds), ("x-forwarded-for", "10.0.0.1"),
                 ("x-forwarded-for", "10.0.0.2")]  # fmt: skip
        async with httpx.AsyncClient(transport=transport, base_url="http://studio") as http:
            return await http.get("/", headers=asked)

    reply = asyncio.run(ask())
    assert [value for name, value in seen if name == b"x-forwarded-for"] == [
        b"10.0.0.1",
        b"10.0.0.2",
    ]
    assert b"accept-encoding" not in dict(seen)
    assert reply.text == "<html><head><script>first()</script></head></html>"
    assert reply.headers.get("content-encoding") == ("gzip" if packed else None)
    assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert reply.headers["vary"] == "Cookie, Accept-Encoding"
