"""The explorer's answers carry the depth page's security headers."""

from __future__ import annotations

import httpx

from app.server.asgi import SECURITY_HEADERS


def test_every_answer_of_the_explorer_carries_the_headers(explorer_url: str) -> None:
    for path in ("/", "/levels", "/_stcore/health", "/static/nothing.js"):
        headers = httpx.get(explorer_url + path, timeout=60).headers
        for name, value in SECURITY_HEADERS:
            assert headers[name.decode()] == value.decode().strip(), (path, name)


def test_another_site_may_not_read_the_explorer(explorer_url: str) -> None:
    reply = httpx.get(explorer_url, headers={"origin": "https://example.org"}, timeout=60)
    assert "access-control-allow-origin" not in reply.headers
