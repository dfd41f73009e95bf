"""What strangers send to the running server: the right depth or one clear sentence, never more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from benchmarks.plain_client import PlainClient
from tests.core.pictures import encode, png_header, scene

PICTURE = Image.fromarray(scene(60, 90))
FRAMES = [Image.new("RGB", (90, 60), colour) for colour in ("lime", "blue")]
JPEG = encode(PICTURE, "JPEG")
GREY16 = (np.add.outer(np.arange(60), np.arange(90)) * 400).astype(np.uint16)

REFUSED = {
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "truncated|cut off|damaged|incomplete"),
    "text.png": (b"this is no picture\n" * 20, "a text file"),
    "empty.jpg": (b"", "empty"),
    "bomb.png": (png_header(20_000, 20_000), "20000|20,000|megapixel"),
}


@pytest.fixture(scope="module")
def client(studio_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("downloads")
    with httpx.Client():
        yield Client(studio_url, verbose=False, download_files=folder)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.jpg"
    path.write_bytes(JPEG)
    return path


def refusal(client: Client, *arguments: Any, api_name: str = "/predict", **named: Any) -> str:
    """The sentence with which a call is refused."""
    with pytest.raises(AppError) as caught:
        client.predict(*arguments, api_name=api_name, **named)
    message = caught.value.message
    assert message.endswith(".")
    assert "\n" not in message
    assert not re.search(r"Traceback|Error:|/tmp|/home|/root|site-packages|<", message), message
    assert len(message) < 400
    return str(message)


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_picture_gets_one_sentence(client: Client, tmp_path: Path, name: str) -> None:
    data, words = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    message = refusal(client, handle_file(tmp_path / name))
    assert re.search(words, message), message
    assert "expected" in message


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("model", "../../etc/passwd", "expected one of those installed"),
        ("model", {"a": 1}, "the name of an installed model"),
        ("model", "<img src=x onerror=alert(1)>", "expected one of those installed"),
        ("resolution", 1e9, "96 to"),
        ("resolution", -5, "96 to"),
        ("resolution", "many", "96 to"),
        ("resolution", [96], "96 to"),
        ("flip", "perhaps", "true or false"),
        ("colormap", "jet", "inferno"),
        ("near", -1, "0 to 1000 metres"),
        ("far", True, "0 to 1000 metres"),
        ("fov", 0, "5 to 170"),
        ("fov", 179, "5 to 170"),
        ("fov", "wide", "a number"),
    ],
)
def test_an_unusable_setting_gets_one_sentence(
    client: Client, good: Path, setting: str, value: Any, words: str
) -> None:
    assert words in refusal(client, handle_file(good), **{setting: value})


@pytest.mark.parametrize(
    "image",
    [
        None,
        "photo.jpg",
        7,
        [],
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "relative/../../x", "meta": {"_type": "gradio.FileData"}},
        {"path": "\0", "meta": {"_type": "gradio.FileData"}},
        {"path": "https://example.org/a.jpg", "meta": {"_type": "gradio.FileData"}},
        {"path": "http://127.0.0.1:1/a.jpg", "meta": {"_type": "gradio.FileData"}},
        {"path": "file:///etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"url": "https://example.org/a.jpg", "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_a_picture_that_was_not_uploaded_is_refused(studio_url: str, image: Any) -> None:
    arguments = [image, None, None, None, None, None, None, None]
    message = outcome_of(studio_url, "predict", arguments)
    assert "expected" in message
    assert "upload" in message
    assert "passwd" not in message


def test_a_picture_of_the_server_s_own_disk_is_refused(studio_url: str, good: Path) -> None:
    image = {"path": str(good), "meta": {"_type": "gradio.FileData"}}
    for endpoint, arguments in {
        "predict": [image, *[None] * 7],
        "point_cloud": [image, *[None] * 5],
        "measure": [image, None, [[1, 1]], None, None],
        "render": [image, *[None] * 9],
        "batch": [[image], *[None] * 8],
    }.items():
        assert "expected a recent upload" in outcome_of(studio_url, endpoint, arguments)


def outcome_of(url: str, endpoint: str, arguments: list[Any]) -> str:
    """The error sentence of a call over plain HTTP, as curl would make it."""
    with httpx.Client(base_url=url, timeout=30) as http:
        reply = http.post(f"/gradio_api/call/{endpoint}", json={"data": arguments})
        assert reply.status_code == 200, reply.text
        events = http.get(f"/gradio_api/call/{endpoint}/{reply.json()['event_id']}").text
    kind, data = re.findall(r"event: (\w+)\ndata: (.*)", events)[-1]
    assert kind == "error", events
    return str(json.loads(data)["error"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("call/predict", b"not json", 400),
        ("call/predict", b"[" * 100_000, 400),
        ("call/predict", b"[]", 400),
        ("call/predict", b"{}", 400),
        ("call/predict", b'{"data": 5}', 400),
        ("call/predict", b'{"data": []}', 400),
        ("call/unknown", b'{"data": []}', 400),
        ("call/show", b'{"data": []}', 400),
        ("call/predict", b'{"data": [' + b"1," * 600_000 + b"1]}", 413),
        ("queue/join", b'{"data": []}', 400),
        ("queue/join", b'{"data": [], "fn_index": 99999}', 400),
        ("queue/join", b'{"data": [], "fn_index": {"a": 1}}', 400),
        ("queue/join", b'{"data": [], "fn_index": -1}', 400),
        ("queue/join", b'{"data": [], "fn_index": FEW}', 400),
        ("call/predict", b'{"data": [NaN]}', 400),
        ("call/predict", b'{"data": [null, -Infinity]}', 400),
        ("call/predict", b'{"data": [1e999]}', 400),
        ("call/predict", b'{"data": [null], "session_hash": ""}', 400),
        ("queue/join", b'{"data": [null], "session_hash": "", "fn_index": 1}', 400),
        ("run/predict", b'{"data": [' + b"1," * 30 + b'1], "fn_index": null}', 400),
        # Past the queue, and so past its limits.
        ("run/predict", b'{"data": [null]}', 404),
        ("api/batch", b'{"data": [[{}]]}', 404),
        ("component_server", b"{}", 404),
        ("process_recording", b"{}", 404),
        ("vibe-edit", b"{}", 404),
        ("run-history/connect", b"{}", 404),
    ],
)
def test_a_malformed_call_gets_a_client_error(
    studio_url: str, path: str, body: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    if b"FEW" in body:  # a function that takes arguments, called with none
        functions = httpx.get(f"{studio_url}/config", timeout=30).json()["dependencies"]
        number = next(fn["id"] for fn in functions if fn["backend_fn"] and fn["inputs"])
        body = body.replace(b"FEW", str(number).encode())
    reply = httpx.post(f"{studio_url}/gradio_api/{path}", content=body, headers=headers, timeout=30)
    assert reply.status_code == status
    assert "Traceback" not in reply.text


def test_a_number_inside_a_call_by_name_changes_nothing(studio_url: str) -> None:
    client = PlainClient(studio_url)
    with client.http:
        call = {"data": [{}], "fn_index": 0}
        reply = client.http.post("/gradio_api/call/point_cloud", json=call)
        kind, said = client.events("point_cloud", reply.json()["event_id"])
    assert kind == "error"
    assert "uploaded" in said


def test_what_the_page_calls_directly_refuses_with_a_sentence(studio_url: str) -> None:
    config = httpx.get(f"{studio_url}/config", timeout=30).json()
    direct = [fn for fn in config["dependencies"] if fn["backend_fn"] and not fn["queue"]]
    assert direct
    for fn in direct:
        call = {"fn_index": fn["id"], "data": [{"path": "/etc/passwd"}] * 30}
        reply = httpx.post(f"{studio_url}/gradio_api/run/predict", json=call, timeout=30)
        assert reply.status_code == 400, reply.text
        assert "expected a recent upload" in reply.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=https://example.org/",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd",
        "/gradio_api/proxy=https://example.hf.space/",
        "/gradio_api/file/etc/passwd",
        "/static/../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/gradio/routes.py",
        "/monitoring",
        "/docs",
        "/gradio_api/runs",
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/custom_component/a/server/b/c.py",
    ],
)
def test_no_file_or_page_but_the_app_s_own_is_served(studio_url: str, path: str) -> None:
    # httpx would tidy the path; the server must cope with it as it is.
    reply = httpx.get(httpx.URL(studio_url, raw_path=path.encode()), timeout=30)
    assert reply.status_code in (403, 404), (path, reply.status_code)
    assert "root:" not in reply.text
    assert "import" not in reply.text


def test_every_answer_carries_the_security_headers(studio_url: str) -> None:
    for path in ("/", "/healthz", "/nothing"):
        headers = httpx.get(studio_url + path, timeout=30).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "server" not in headers


def test_another_site_may_not_call_a_local_server(studio_url: str) -> None:
    reply = httpx.get(f"{studio_url}/config", headers={"origin": "https://example.org"}, timeout=30)
    assert "access-control-allow-origin" not in reply.headers
