"""ASGI middleware that protects Gradio from a stranger's requests.

It lets through only the routes that the page and `gradio_client` use, checks the JSON of a call
before Gradio sees it, refuses clients that ask for too much, and adds security headers. An error
inside a call is turned into a sentence by `app.common.blocks`. How many calls an address may make
in a minute is a question for a proxy (`deploy/nginx.conf`).
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from app.api import mcp
from app.common.blocks import GuardedBlocks, client_of
from app.common.environment import ServerLimits
from app.common.monitoring import CONTENT_TYPE, Metrics
from app.common.translations import INTERNAL, error_sentence
from app.server.asgi import (
    Application,
    Message,
    Receive,
    Send,
    SlowError,
    TooLargeError,
    bounded_receive,
    replayed,
    sentence,
    stated_length,
    whole_body,
    with_security_headers,
)
from app.server.call_format import CallCheck

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

MAX_BODY = 1_000_000  # bytes of JSON of one call; pictures are uploaded, never sent inside it
MULTIPART_EXTRA = 1_000_000  # bytes around the files of an upload
_ROUTES = re.compile(
    r"/(?:|healthz|login/?|logout|config/?|theme\.css|robots\.txt|favicon\.ico|manifest\.json"
    r"|pwa_icon.*|(?:static|assets|svelte)/.+"
    r"|gradio_api/(?:user/?|login_check/?|token/?|info/?|openapi\.json|app_id/?|startup-events"
    r"|upload|upload_progress"
    r"|heartbeat/[\w-]+|stream/\w+(?:/close)?|queue/(?:join|data|status)|cancel|reset/?|file=.+"
    r"|(?:call|run|api)(?:/v2)?/\w+(?:/\w+)?/?))"
)
_CALLS = re.compile(
    r"/gradio_api/(queue/join|stream/\w+|(call|run|api)(?P<v2>/v2)?/(?P<name>\w+)/?)"
)
_RESULT = re.compile(r"/gradio_api/call(?:/v2)?/\w+/(?P<event>\w+)/?")
_UPLOAD = "/gradio_api/upload"
_WEB_ADDRESS = re.compile(r"(?i)\s*[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True)
class Refusal:
    """Why a request is answered here: HTTP status, a sentence, seconds until it may come again."""

    status: int
    detail: str
    retry_after: float = math.nan


def as_refusal(error: BaseException | None, too_large: str = "") -> Refusal:
    """What a request that could not be answered gets."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]  # a framework's task group
    if isinstance(error, TooLargeError):
        return Refusal(413, too_large or "The request is larger than this server takes.")
    if isinstance(error, SlowError):
        return Refusal(408, "The request stopped half-way, expected all of it: send it again.")
    if isinstance(error, OSError) and error.errno in _FULL:
        return Refusal(
            507,
            "The server's disk is full or cannot be written, expected room for the upload: try "
            "again later.",
        )
    return Refusal(500, error_sentence(error or RuntimeError("an answer with status 500")))


def refused_directly(body: bytes) -> Refusal | None:
    """The sentence inside Gradio's own answer 500 to a direct call that was refused, or None.

    Gradio says 500 for every error; only a bug of ours deserves that.
    """
    try:
        said = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(said, str) or not said or said.startswith(INTERNAL):
        return None
    return Refusal(400, said)


class Guard:
    """ASGI middleware in front of Gradio.

    Args:
        page: the page that is served, asked how many calls wait.
        metrics: where answers are counted; served at /metrics.
        room: bytes that uploads may still take on the server's disk; called in a thread.
        tools: whether the tools for language models are on; each of their calls comes back here as
            a call of this machine's.
    """

    def __init__(
        self,
        app: Application,
        page: GuardedBlocks,
        limits: ServerLimits,
        metrics: Metrics,
        room: Callable[[], float],
        *,
        tools: bool = False,
    ) -> None:
        self._app = app
        self._page = page
        self._limits = limits
        self._metrics = metrics
        self._room = room
        self._measuring: asyncio.Future[float] | None = None
        self._tools = tools
        self._calls = CallCheck(page)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # nothing here speaks it
                await send({"type": "websocket.close", "code": 1000})
                return
            await self._app(scope, receive, send)
            return
        guarded = with_security_headers(self._counting(send))
        path, post = scope["path"], scope["method"] == "POST"
        address = scope["client"][0] if scope.get("client") else None
        remote = path.startswith("/gradio_api/file=") and _WEB_ADDRESS.match(path[17:])
        if path == "/metrics" and scope["method"] == "GET" and self._shows_metrics(address):
            numbers = await asyncio.to_thread(self._metrics.text)  # one of them reads a folder
            await Response(numbers, media_type=CONTENT_TYPE)(scope, receive, guarded)
            return
        if self._tools and mcp.ROUTE.fullmatch(path):
            await self._passed_on(scope, bounded_receive(receive, mcp.MOST_BYTES), guarded)
            return
        if not _ROUTES.fullmatch(path) or remote:
            await sentence(404, "There is nothing at this address.")(scope, receive, guarded)
            return
        result = None if post else _RESULT.fullmatch(path)
        if result and not self._page.knows(result["event"]):  # Gradio would break off the answer
            gone = sentence(404, "There is no call of this number, or it was read already.")
            await gone(scope, receive, guarded)
            return
        refusal = None
        call = _CALLS.fullmatch(path) if post else None
        if call:
            receive, refusal = await self._checked_call(call, client_of(address), receive)
        elif post and path == _UPLOAD:
            receive, refusal = await self._checked_upload(scope, receive)
        if refusal is not None:
            wait = refusal.retry_after
            headers = {} if math.isnan(wait) else {"retry-after": str(math.ceil(wait))}
            await sentence(refusal.status, refusal.detail, headers)(scope, receive, guarded)
            return
        await self._passed_on(scope, receive, guarded)

    async def _passed_on(self, scope: Message, receive: Receive, send: Send) -> None:
        """Lets Gradio answer; what it cannot answer becomes one sentence."""
        started = failed = events = False
        said = b""

        async def checked(message: Message) -> None:
            nonlocal started, failed, events, said
            if message["type"] == "http.response.start":
                failed = message["status"] == 500  # the framework's own words come with it
                started = not failed
                events = (b"content-type", b"text/event-stream; charset=utf-8") in message[
                    "headers"
                ]
            if failed:
                said += message.get("body", b"")
            else:
                await send(message)

        error: BaseException | None = None
        try:
            await self._app(scope, receive, checked)
        except asyncio.CancelledError:  # the server ends, and this call would have taken longer
            if not started:
                ends = sentence(503, "The server is stopping, expected it to run: try again.")
                await ends(scope, receive, send)
            raise
        except Exception as problem:
            if events:  # the last of them says what is wrong; the answer still has to end
                await send({"type": "http.response.body", "body": b""})
                return
            if started:
                raise
            error, failed = problem, True
        if failed:
            refusal = refused_directly(said) or as_refusal(error, self._upload_too_large())
            await sentence(refusal.status, refusal.detail)(scope, receive, send)

    def _shows_metrics(self, address: str | None) -> bool:
        readers = self._limits.metrics
        return readers == "all" or (readers == "local" and is_local(address))

    def _counting(self, send: Send) -> Send:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.responded(message["status"])
            await send(message)

        return counting

    async def _checked_call(
        self, call: re.Match[str], client: str, receive: Receive
    ) -> tuple[Receive, Refusal | None]:
        try:
            body = await whole_body(receive, MAX_BODY)
        except (TooLargeError, SlowError) as error:
            return receive, as_refusal(error, f"The call is larger than {MAX_BODY} bytes.")
        numbered = call[2] != "call"  # the page calls by number, whatever the address says
        problem = self._calls.problem(body, call["name"], numbered, call["v2"] is not None)
        if problem:
            return receive, Refusal(400, f"{problem} See /?view=api for the calls.")
        if call[1].startswith("stream/"):  # the next picture of a call that runs already
            return replayed(body, receive), None
        if self._page.calls_of(client) >= self._limits.client_queue:
            self._metrics.busy("client")
            return receive, Refusal(
                429,
                f"The server is busy with {self._limits.client_queue} calls of yours, expected "
                "fewer at a time: wait until one of them has ended.",
                1,
            )
        if self._page.waiting() >= self._limits.queue:  # Gradio then says so, in its own words
            self._metrics.busy("queue")
        return replayed(self._calls.completed(body, call["name"], numbered), receive), None

    async def _checked_upload(
        self, scope: Message, receive: Receive
    ) -> tuple[Receive, Refusal | None]:
        most = self._limits.upload_bytes + MULTIPART_EXTRA
        stated = stated_length(scope)
        if stated > most:
            return receive, as_refusal(TooLargeError(), self._upload_too_large())
        if await self._room_now() < max(stated, 1):
            self._metrics.busy("disk")
            return receive, Refusal(
                507,
                "The server has no room on its disk for this upload, expected some: try again "
                "later, or send fewer photos.",
                60,
            )
        return bounded_receive(receive, most), None

    async def _room_now(self) -> float:
        """The room, measured once for all uploads that ask while it is being measured."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.ensure_future(asyncio.to_thread(self._room))
        return await asyncio.shield(self._measuring)

    def _upload_too_large(self) -> str:
        megabytes = self._limits.upload_bytes / 1e6
        return (
            f"The upload is larger than {megabytes:g} MB, expected less at a time: send smaller "
            "photos, or fewer of them."
        )


def is_local(address: str | None) -> bool:
    """Whether a network address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
