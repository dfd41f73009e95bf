"""What one client may ask for: bounded, counted, refused with a sentence when it is too much."""

from __future__ import annotations

import asyncio
import errno
import gc
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import gradio as gr
import httpx
import pytest
from gradio.queueing import Event
from gradio.routes import App
from gradio.utils import LRUCache

from app.common.blocks import GuardedBlocks, client_of
from app.common.cancellation import cancelled
from app.common.environment import ServerLimits
from app.common.monitoring import Metrics
from app.server.middleware import Guard, is_local
from core.errors import ConfigError

CALL = {"data": [1]}


def limits_with(**changes: Any) -> ServerLimits:
    return replace(ServerLimits.from_environment({}), **changes)


class Page:
    """What the guard asks of a page: one endpoint of one argument, and some calls that wait."""

    def __init__(self, mine: int = 0, all_waiting: int = 0) -> None:
        function = SimpleNamespace(api_visibility="public", api_name="predict", inputs=[0], fn=len)
        self.fns = {0: function}
        self.mine, self.all_waiting = mine, all_waiting

    def get_api_info(self) -> dict[str, Any]:
        names = {"data": False, "size": True}
        described = [
            {"parameter_name": name, "parameter_has_default": default}
            for name, default in names.items()
        ]
        return {"named_endpoints": {"/predict": {"parameters": described}}}

    def calls_of(self, client: str) -> int:
        return self.mine if client == "127.0.0.1" else 0

    def waiting(self) -> int:
        return self.all_waiting


async def gradio(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def client(
    limits: ServerLimits | None = None,
    page: Page | None = None,
    app: Any = gradio,
    room: Callable[[], float] = lambda: 1e9,
    address: str = "127.0.0.1",
) -> httpx.AsyncClient:
    guard = Guard(app, page or Page(), limits or limits_with(), Metrics(), room)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(guard, client=(address, 1234))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://here")


def post(http: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    return asyncio.run(http.post(f"/gradio_api/{path}", **options))


def test_a_client_with_too_many_calls_is_told_so_and_others_are_not() -> None:
    limits, page = limits_with(client_queue=2), Page(mine=2)
    reply = post(client(limits, page), "call/predict", json=CALL)
    assert reply.status_code == 429
    assert "busy with 2 calls of yours, expected fewer" in reply.json()["detail"]
    assert reply.headers["retry-after"] == "1"
    assert post(client(limits, Page(mine=1)), "call/predict", json=CALL).status_code == 200
    assert post(client(limits, page, address="10.1.2.3"), "call/predict", json=CALL).is_success


def test_named_arguments_are_those_of_the_endpoint_whatever_their_names() -> None:
    """`data` is a list only where arguments come in order."""
    reply = post(client(), "call/v2/predict", content=b'{"data": 5}')
    assert (reply.status_code, reply.text) == (200, "11")  # bytes that came through
    for body, said in (
        ({"data": 5, "colour\ud7ff": 1}, "argument 'colour\\ud7ff', expected some of data, size."),
        ({"size": 3}, "has no argument data, expected a value for it."),
    ):
        reply = post(client(), "call/v2/predict", json=body)
        assert reply.status_code == 400
        assert said in reply.json()["detail"]


@pytest.mark.parametrize("stated", [True, False])
def test_an_upload_is_bounded_whether_it_states_its_size_or_not(stated: bool) -> None:
    limits = limits_with(upload_bytes=1000)
    body = bytes(1_200_000)

    async def chunks() -> Any:
        for _ in range(12):
            yield body[:100_000]

    reply = post(client(limits), "upload", content=body if stated else chunks())
    assert reply.status_code == 413
    assert "The upload is larger than 0.001 MB, expected less" in reply.json()["detail"]
    assert post(client(limits), "upload", content=body[:2000]).text == "2000"


@pytest.mark.parametrize("room", [0.0, 50.0, -5.0])
def test_no_room_on_the_disk_is_a_sentence(room: float) -> None:
    reply = post(client(room=lambda: room), "upload", content=bytes(100))
    assert reply.status_code == 507
    assert "no room on its disk" in reply.json()["detail"]


def test_others_are_answered_while_the_room_is_measured() -> None:
    """A walk through thousands of files must not hold up the event loop."""
    goes_on, measured = threading.Event(), []

    def room() -> float:
        measured.append(goes_on.wait(30))
        return 1e9

    async def both() -> tuple[bool, list[httpx.Response]]:
        http = client(room=room)
        uploads = [
            asyncio.ensure_future(http.post("/gradio_api/upload", content=b"1")) for _ in range(3)
        ]
        other = await http.get("/healthz")
        await asyncio.sleep(0.3)
        waiting = other.is_success and not any(upload.done() for upload in uploads)
        goes_on.set()
        return waiting, await asyncio.gather(*uploads)

    waiting, replies = asyncio.run(both())
    assert waiting
    assert [reply.status_code for reply in replies] == [200] * 3
    assert measured == [True]  # once for all three


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507, "disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), 507, "disk is full or cannot be written"),
        (KeyError("secret"), 500, "Something went wrong inside the program (number "),
        (ExceptionGroup("tasks", [OSError(errno.ENOSPC, "")]), 507, "disk is full"),
    ],
)
def test_what_gradio_cannot_answer_becomes_a_sentence(
    error: Exception, status: int, words: str
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        # As Starlette does: its own words first, then the exception for the log.
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"Traceback (most recent call last)"})
        raise error

    reply = post(client(app=broken), "upload", content=b"1")
    assert reply.status_code == status
    assert words in reply.json()["detail"]
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text


def test_a_body_that_stops_half_way_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.server.asgi.PAUSE_SECONDS", 0.05)

    async def stalls() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    for path in ("call/predict", "upload"):
        reply = post(client(), path, content=stalls())
        assert reply.status_code == 408
        assert "stopped half-way" in reply.json()["detail"]


def test_the_numbers_are_for_this_machine_unless_asked_otherwise() -> None:
    def status(readers: str, address: str) -> int:
        http = client(limits_with(metrics=readers), address=address)
        return asyncio.run(http.get("/metrics")).status_code

    assert status("local", "127.0.0.1") == status("local", "::1") == 200
    assert status("local", "203.0.113.9") == status("local", "::ffff:203.0.113.9") == 404
    assert status("all", "203.0.113.9") == 200
    assert status("off", "127.0.0.1") == 404


def test_the_numbers_count_what_happened(studio_url: str) -> None:
    def read() -> dict[str, float]:
        text = httpx.get(f"{studio_url}/metrics", timeout=30).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#"]
        return {name: float(value) for name, value in lines}

    before = read()
    reply = httpx.post(f"{studio_url}/gradio_api/call/predict", json={"data": [None] * 8})
    events = httpx.get(
        f"{studio_url}/gradio_api/call/predict/{reply.json()['event_id']}", timeout=30
    )
    assert "event: error" in events.text
    after = read()

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown('lapdepth_calls_total{endpoint="predict",outcome="refused"}') == 1
    assert grown('lapdepth_call_seconds_count{endpoint="predict"}') == 1
    assert grown('lapdepth_responses_total{status="200"}') == 3  # two of them and /metrics itself
    assert after["lapdepth_queue_waiting"] == after["lapdepth_calls_overdue"] == 0
    assert after["process_resident_memory_bytes"] > 50e6


@pytest.fixture
def gradio_leftovers() -> Iterator[None]:
    """Gradio's Blocks open event loops that nothing closes; they go here, unseen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.usefixtures("gradio_leftovers")
def test_gradio_still_has_what_is_used_of_its_inside() -> None:
    """None of it is promised: a new release of Gradio that lacks one must fail here, by name."""
    with gr.Blocks() as page:
        box = gr.Textbox()
        box.submit(str, box, box)
    page.queue()
    queue, function = page._queue, page.fns[0]
    event = Event(None, function, MagicMock(), "username")
    for owner, names in (
        (page, "process_api fns has_launched state_session_capacity temp_file_sets "
               "upload_file_set get_api_info mcp_server_obj"),
        (queue, "__len__ pending_messages_per_session pending_event_ids_session active_jobs "
                "event_queue_per_concurrency_id event_ids_to_events get_active_worker_count "
                "sleep_when_free"),
        (function, "api_visibility api_name inputs fn"),
        (event, "alive request"),
        (gr.EventData(None, {"points": []}), "_data"),
        (box, "example_payload api_info"),
    ):  # fmt: skip
        missing = [name for name in names.split() if not hasattr(owner, name)]
        assert not missing, f"{type(owner).__name__}: {missing}"
    assert isinstance(queue.pending_messages_per_session, LRUCache)
    assert list(inspect.signature(page.process_api).parameters)[:2] == ["block_fn", "inputs"]
    assert "stop_event" in inspect.getsource(App)
    assert "_local_url" in Path(gr.__file__).with_name("mcp.py").read_text()


@pytest.mark.usefixtures("gradio_leftovers")
def test_a_call_that_does_not_end_is_given_up_and_told_so() -> None:
    release, seen = threading.Event(), []
    metrics = Metrics()
    with GuardedBlocks(lambda node: None, limits_with(call_seconds=0.2), metrics) as page:
        box = gr.Textbox()

        def hang(value: str) -> str:
            question = cancelled()
            seen.append(question())
            release.wait(30)
            seen.append(question())
            return value

        box.submit(hang, box, box, api_name="predict")

    async def call() -> tuple[str, int, int]:
        with pytest.raises(gr.Error) as caught:
            await page.process_api(0, ["a"])
        while_stuck = page.overdue
        release.set()
        for _ in range(100):
            if not page.overdue:
                break
            await asyncio.sleep(0.05)
        return str(caught.value.message), while_stuck, page.overdue

    message, while_stuck, afterwards = asyncio.run(call())
    assert "took longer than 0.2 s and was given up" in message
    assert (while_stuck, afterwards) == (1, 0)
    assert seen == [False, True]
    assert b'lapdepth_calls_total{endpoint="predict",outcome="late"} 1.0' in metrics.text()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAPDEPTH_QUEUE", "many"),
        ("LAPDEPTH_QUEUE", "0"),
        ("LAPDEPTH_CLIENT_QUEUE", "-1"),
        ("LAPDEPTH_CACHE_MB", "nan"),
        ("LAPDEPTH_CALL_SECONDS", "inf"),
        ("LAPDEPTH_TEMP_MB", "4 GB"),
        ("LAPDEPTH_METRICS", "everybody"),
    ],
)
def test_an_unusable_limit_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is '{value}'; expected"):
        ServerLimits.from_environment({name: value})


def test_limits_come_from_the_environment() -> None:
    environment = {
        "LAPDEPTH_TEMP_MB": "10",
        "LAPDEPTH_UPLOAD_MB": "5",
    }
    limits = ServerLimits.from_environment({**environment, "LAPDEPTH_QUEUE": ""})
    assert limits == limits_with(temp_bytes=10e6, upload_bytes=5e6)
    assert limits.file_bytes == 5_000_000


def test_a_client_is_an_address_or_a_site() -> None:
    assert client_of("10.1.2.3") != client_of("10.1.2.4")
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:1") != client_of("2001:db8:1::1")
    assert client_of("::ffff:10.1.2.3") == "10.1.2.3"
    assert client_of(None) == "unknown"
    assert [is_local(a) for a in ("127.0.0.1", "::1", "10.0.0.1", None, "x")] == [
        *(True, True),
        *(False, False, False),
    ]
