"""Bodies of requests, read within bounds, and short answers in JSON."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping

from app.server.security_headers import Message, Receive, Send

PAUSE_SECONDS = 30.0  # without a byte of a body, after which its client counts as gone


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
    for name, value in scope.get("headers", []):
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else math.inf
    return 0.0


async def answer(
    send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Sends one sentence."""
    body = json.dumps({"detail": detail}).encode()
    await answer_bytes(send, status, body, "application/json", headers)


async def answer_bytes(
    send: Send,
    status: int,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Sends a whole answer."""
    stated = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in stated.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
