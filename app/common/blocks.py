"""Gradio's Blocks with bounded calls: a time limit, one sentence for errors, nothing fetched."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError
from gradio.queueing import Event
from gradio.utils import LRUCache
from pydantic import ValidationError

from app.common.cancellation import set_still_wanted
from app.common.environment import ServerLimits
from app.common.monitoring import Metrics
from app.common.translations import error_sentence, language_for
from core.errors import DepthError, EngineError, ImageError

log = logging.getLogger(__name__)

_NO_UPLOAD = (
    "A file of this call is not one that was uploaded to this server, expected what the upload "
    "returned: upload it first (in Python: gradio_client.handle_file with a file on your computer)."
)
TOLD_SECONDS = 15.0  # how long the page shows an error
_LONG = ("batch", "clip", "adapt")  # functions that work on many pictures
_SESSIONS_WITH_MESSAGES = 2000  # as Gradio has it
_LOOK_SECONDS = 0.01  # how often a free queue is looked at; Gradio's 0.001 takes 5 % of a core
_IPV6_SITE = 64  # bits: one customer of a provider has all addresses that share them
PAGE = "page"  # what the metrics call the page's own calls


class GuardedBlocks(gr.Blocks):
    """Blocks whose calls answer with a result or with one sentence, and fetch nothing.

    Args:
        check_file: raises a `DepthError` for what a client sends as a file and is no upload of
            its own. Gradio's check is not enough: it is off for a page that is mounted.
    """

    def __init__(
        self,
        check_file: Callable[[Any], object],
        limits: ServerLimits,
        metrics: Metrics,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._check_file = check_file
        self._limits = limits
        self._metrics = metrics
        self._overdue: set[asyncio.Future[dict[str, Any]]] = set()
        self.has_launched = True  # switches Gradio's own check on

    def queue(self, *args: Any, **options: Any) -> GuardedBlocks:
        """As Gradio's, but it rests when idle and drops messages for a session that is gone."""
        super().queue(*args, **options)
        self._queue.sleep_when_free = _LOOK_SECONDS
        self._queue.pending_messages_per_session = _Messages(_SESSIONS_WITH_MESSAGES)
        return self

    @property
    def overdue(self) -> int:
        """Calls that were given up after their time limit and whose threads still run."""
        return len(self._overdue)

    def waiting(self) -> int:
        """Calls of all clients that wait for their turn."""
        return len(self._queue)

    def running(self) -> int:
        """Calls of all clients that run."""
        return self._queue.get_active_worker_count()

    def calls_of(self, client: str) -> int:
        """Calls of one client that wait or run."""
        queues = self._queue.event_queue_per_concurrency_id.values()
        events = [event for queue in queues for event in queue.queue]
        events += [event for job in self._queue.active_jobs if job for event in job]
        return sum(_client(event) == client for event in events)

    def knows(self, event: str) -> bool:
        """Whether there is, or was a moment ago, a call of this number."""
        queue = self._queue
        return (
            event in queue.event_ids_to_events
            or event in queue.pending_messages_per_session
            or any(event in events for events in queue.pending_event_ids_session.values())
        )

    async def process_api(
        self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        public = function.api_visibility == "public"
        endpoint = str(function.api_name) if public else PAGE
        lang = "en" if public else _language(kwargs.get("request"))
        started = time.monotonic()
        outcome = "failed"
        try:
            await asyncio.to_thread(self._check_files, inputs)
            done = await self._in_time(
                self._seconds(function),
                self._queue.event_ids_to_events.get(kwargs.get("event_id") or ""),
                super().process_api(block_fn, inputs, *args, **kwargs),
            )
            outcome = "done"
            return done
        except gr.Error:
            raise
        except (ValidationError, InvalidPathError) as error:
            outcome = "refused"
            log.info("refused a call: %s", error)
            raise gradio_error(ImageError(_NO_UPLOAD), lang) from None
        except _LateError as error:
            outcome = "late"
            raise gradio_error(error, lang) from None
        except Exception as error:
            outcome = "refused" if isinstance(error, DepthError) else "failed"
            raise gradio_error(error, lang) from None
        finally:
            self._metrics.called(endpoint, outcome, time.monotonic() - started)

    def _check_files(self, inputs: list[Any]) -> None:
        """Looks each file up on the disk; there may be thousands: not for the event loop."""
        for node in _mappings(inputs):
            if node.keys() & {"path", "url", "meta"}:
                self._check_file(node)

    def _seconds(self, function: Any) -> float:
        long = getattr(function.fn, "__name__", "") in _LONG
        return self._limits.batch_seconds if long else self._limits.call_seconds

    async def _in_time(self, seconds: float, event: Event | None, call: Any) -> dict[str, Any]:
        """The result of a call, or an error when its time is over.

        A thread cannot be stopped: it goes on until it next asks whether it is `cancelled`, and
        counts as `overdue` until then.
        """
        given_up = False
        set_still_wanted(lambda: not given_up and (event is None or bool(event.alive)))
        task = asyncio.ensure_future(call)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:  # its client stopped it, or the server ends
            given_up = True
            task.cancel()
            raise
        if done:
            return dict(task.result())
        given_up = True
        log.error("a call was given up after %g s", seconds)
        self._overdue.add(task)
        task.add_done_callback(self._ended_late)
        raise _LateError(
            f"The call took longer than {seconds:g} s and was given up, expected an answer by "
            "then: try again in a moment, with a smaller photo or fewer of them."
        )

    def _ended_late(self, task: asyncio.Future[dict[str, Any]]) -> None:
        self._overdue.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.info("a call that was given up has ended: %s", task.exception())


class _Messages(LRUCache[str, Any]):
    """Messages by session; without one, Gradio would fail the calls of everybody who waits."""

    def __missing__(self, _: str) -> asyncio.Queue[Any]:
        return asyncio.Queue()


class _LateError(EngineError):
    """A call that did not end in time."""


def gradio_error(error: Exception, lang: str = "en") -> gr.Error:
    """The error as the page's message box and, in English, the API's clients get it."""
    sentence = error_sentence(error, lang)
    return gr.Error(sentence, duration=TOLD_SECONDS, print_exception=False)


def _language(request: gr.Request | list[gr.Request] | None) -> str:
    """The language of the browser that called; calls run together are answered in English."""
    headers = getattr(request, "headers", None)
    return language_for(headers or {})


def client_of(address: str | None) -> str:
    """Who a network address counts as: itself, or its whole site where it is IPv6."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
    return str(parsed)


def _client(event: Event) -> str:
    return client_of(event.request.client.host if event.request.client else None)


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
