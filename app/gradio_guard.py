"""What stands between a stranger's request and the app: two small wrappers around Gradio.

`GuardedBlocks` turns whatever goes wrong inside a call into one sentence and fetches no web
address. `Guard` is ASGI middleware: it lets through only the routes that the page and
`gradio_client` use, checks the JSON of a call before Gradio sees it, and adds security headers.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError
from pydantic import ValidationError

from app.service import sentence
from core.errors import ImageError

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_BODY = 1_000_000  # bytes of JSON of one call; pictures are uploaded, never sent inside it
_ROUTES = re.compile(
    r"/(?:|healthz|login/?|logout|config/?|theme\.css|robots\.txt|favicon\.ico|manifest\.json"
    r"|pwa_icon.*|(?:static|assets|svelte)/.+"
    r"|gradio_api/(?:user/?|login_check/?|token/?|info/?|openapi\.json|app_id/?|startup-events"
    r"|upload|upload_progress"
    r"|heartbeat/[\w-]+|queue/(?:join|data|status)|cancel|reset/?|file=.+"
    r"|(?:call|run|api)(?:/v2)?/\w+(?:/\w+)?/?))"
)
_CALLS = re.compile(r"/gradio_api/(queue/join|(call|run|api)(?P<v2>/v2)?/(?P<name>\w+)/?)")
_WEB_ADDRESS = re.compile(r"(?i)\s*[a-z][a-z0-9+.-]*://")
_HEADERS = (
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

_NO_UPLOAD = (
    "A file of this call is not one that was uploaded to this server, expected what the upload "
    "returned: upload it first (in Python: gradio_client.handle_file with a file on your computer)."
)


class GuardedBlocks(gr.Blocks):
    """Blocks whose calls answer with a result or with one sentence, and fetch nothing.

    Args:
        check_file: raises a `DepthError` for what a client sends as a file and is no upload of
            its own. Gradio's check is not enough: it is off for a page that is mounted.
    """

    def __init__(self, check_file: Callable[[Any], object], **options: Any) -> None:
        super().__init__(**options)
        self._check_file = check_file
        self.has_launched = True  # switches Gradio's own check on

    async def process_api(
        self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        try:
            for node in _mappings(inputs):
                if node.keys() & {"path", "url", "meta"}:
                    self._check_file(node)
            done: dict[str, Any] = await super().process_api(block_fn, inputs, *args, **kwargs)
            return done
        except gr.Error:
            raise
        except (ValidationError, InvalidPathError) as error:
            log.info("refused a call: %s", error)
            raise shown(ImageError(_NO_UPLOAD)) from None
        except Exception as error:
            raise shown(error) from None


def shown(error: Exception) -> gr.Error:
    """The error as the page's message box and the API's clients get it."""
    return gr.Error(sentence(error), duration=None, print_exception=False)


class Guard:
    """ASGI middleware in front of Gradio.

    Args:
        app: what to protect.
        endpoints: how many arguments each public endpoint takes.
        functions: the numbers of all functions that a page may call.
    """

    def __init__(self, app: Application, endpoints: dict[str, int], functions: set[int]) -> None:
        self._app = app
        self._endpoints = endpoints
        self._functions = functions

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # nothing here speaks it
                await send({"type": "websocket.close", "code": 1000})
                return
            await self._app(scope, receive, send)
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                extra = [pair for pair in _HEADERS if pair[0] not in present]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        path = scope["path"]
        remote = path.startswith("/gradio_api/file=") and _WEB_ADDRESS.match(path[17:])
        if not _ROUTES.fullmatch(path) or remote:
            await _answer(guarded_send, 404, "There is nothing at this address.")
            return
        call = _CALLS.fullmatch(path)
        if call and scope["method"] == "POST":
            body, problem, status = await _body(receive), None, 400
            if body is None:
                problem, status = f"The call is larger than {MAX_BODY} bytes.", 413
            else:
                problem = self._problem(body, call["name"], call["v2"] is not None)
            if problem:
                await _answer(guarded_send, status, f"{problem} See /?view=api for the calls.")
                return
            receive = _replayed(body or b"", receive)
        await self._app(scope, receive, guarded_send)

    def _problem(self, body: bytes, name: str | None, named_arguments: bool) -> str | None:
        """What is wrong with the JSON of a call, or None."""
        try:
            call = json.loads(body)
        except (ValueError, RecursionError):
            return "The call is not JSON, expected an object with the key data."
        if not isinstance(call, dict):
            return "The call is not a JSON object, expected one with the key data."
        function = call.get("fn_index")
        if function is not None or name is None:
            # The page calls its functions by number, on an address whose name then means nothing.
            if type(function) is not int or function not in self._functions:
                return "The call names no function of this page, expected its number as fn_index."
        elif name not in self._endpoints:
            known = ", ".join(f"/{key}" for key in self._endpoints)
            return f"There is no endpoint of this name, expected one of {known}."
        if named_arguments:
            return None
        if not isinstance(call.get("data"), list):
            return "The call has no list under the key data, expected the arguments in order."
        if function is None and len(call["data"]) != self._endpoints[str(name)]:
            expected = self._endpoints[str(name)]
            return f"The call has {len(call['data'])} arguments, expected {expected}."
        return None


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a value."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)


async def _body(receive: Receive) -> bytes | None:
    """The whole body of a request, or None if it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body"):
            break
    return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body already read, then whatever comes after it."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
