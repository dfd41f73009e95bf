"""Headers that tell a browser what a page may do; added to every answer of both pages."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.common.environment import value

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# The page is built by a library that needs inline scripts and styles, and compiles some; what is
# left closed is everything outside the page's own server, and being framed by another site.
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (
        b"content-security-policy",
        b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        b"style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    ),
)


@functools.cache
def _headers() -> tuple[tuple[bytes, bytes], ...]:
    """The headers, with the sites that may frame the pages (LAPDEPTH_FRAMES)."""
    *others, (name, policy) = SECURITY_HEADERS
    return (*others, (name, f"{policy.decode()} {value('LAPDEPTH_FRAMES')}".strip().encode()))


def with_security_headers(send: Send) -> Send:
    """A `send` that adds the headers to an answer that does not have them."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", [])}
            extra = [pair for pair in _headers() if pair[0] not in present]
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return adding


class SecurityHeaders:
    """ASGI middleware that adds the headers to every answer.

    Args:
        app: what answers.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, with_security_headers(send))
