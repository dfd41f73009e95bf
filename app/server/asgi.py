"""Pieces of an ASGI server: bodies read within bounds, short answers in JSON, security headers."""

from __future__ import annotations

import asyncio
import functools
import gzip
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

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

PAUSE_SECONDS = 30.0  # without a byte of a body, after which its client counts as gone


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
    """ASGI middleware that adds the headers to every answer."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, with_security_headers(send))


class FirstScript:
    """ASGI middleware: in every HTML page a script of ours runs before all others."""

    def __init__(self, app: Application, script: str) -> None:
        self._app = app
        self._script = f"<head><script>{script}</script>".encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        asked = Headers(raw=scope["headers"])
        packed = any("gzip" in kinds for kinds in asked.getlist("accept-encoding"))
        unpacked = [pair for pair in asked.raw if pair[0] != b"accept-encoding"]
        start: Message = {}
        page = b""

        async def adding(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
                return
            page += message.get("body", b"")
            if message.get("more_body"):
                return
            whole = page.replace(b"<head>", self._script, 1)
            headers = MutableHeaders(raw=list(start["headers"]))
            headers.add_vary_header("Accept-Encoding")
            if packed:
                whole = await asyncio.to_thread(gzip.compress, whole, 6)
                headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(whole))
            await send({**start, "headers": headers.raw})
            await send({"type": "http.response.body", "body": whole})

        await self._app({**scope, "headers": unpacked}, receive, adding)


class TooLargeError(Exception):
    """A body that has more bytes than it may have."""


class SlowError(Exception):
    """A body that stopped coming."""


async def whole_body(receive: Receive, most: int) -> bytes:
    """The body of a request.

    Raises:
        TooLargeError: more than `most` bytes.
        SlowError: nothing came for `PAUSE_SECONDS`.
    """
    parts = []
    bounded = bounded_receive(receive, most)
    while True:
        message = await bounded()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)


def bounded_receive(receive: Receive, most: float) -> Receive:
    """A `receive` that raises `TooLargeError` and `SlowError` while a body comes in."""
    size, whole = 0, False

    async def bounded() -> Message:
        nonlocal size, whole
        if whole:  # what comes now is the client's leaving, at any time
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), PAUSE_SECONDS)
        except TimeoutError:
            raise SlowError from None
        size += len(message.get("body", b""))
        if size > most:
            raise TooLargeError
        whole = not message.get("more_body")
        return message

    return bounded


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body already read, then whatever comes after it."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def stated_length(scope: Message) -> float:
    """The Content-Length of a request; 0 where it states none, infinite where it is no number."""
    for name, text in scope.get("headers", []):
        if name.lower() == b"content-length":
            return int(text) if text.isdigit() and len(text) < 20 else math.inf
    return 0.0


def sentence(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer of one sentence."""
    return JSONResponse({"detail": detail}, status, headers)
