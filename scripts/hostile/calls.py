"""Malformed calls of the HTTP interface, and what each may be answered with."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1e308, -1e308, 2**63, -(2**63), 10**40, 0.1, "", " ", "auto"),
    *("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "https://example.org/a.jpg", "\0"),
    *("a" * 10_000, "<script>alert(1)</script>", "'; DROP TABLE a; --", "%s%n", "\ud7ff", "𝕏"),
    *(
        [],
        [[]],
        [1, 2],
        [[1, 1], [2, 2]],
        [None] * 100,
        {},
        {"path": None},
        {"path": "/etc/passwd"},
    ),
    *(
        {"path": "x", "meta": {"_type": "gradio.FileData"}},
        {"__type__": "update"},
        {"a": {"b": []}},
    ),
    *(
        {"url": "http://127.0.0.1:1/", "meta": {"_type": "gradio.FileData"}},
        {"meta": 5},
        [{}, [{}]],
    ),
)
_NAMES = (
    *("image", "files", "model", "resolution", "points", "box", "fov", "known_length", "kind"),
    *("colour", "data", "session_hash", "fn_index", "oauth_token", "self", "", "\ud7ff", "a" * 500),
)
_BODIES = (
    *(b"", b"{", b"[]", b"null", b"5", b'"data"', b'{"data": null}', b'{"data": {}}', b"\xff\xfe"),
    *(b'{"data": [NaN]}', b'{"data": [1e999]}', b"[" * 50_000, b'{"a":' * 50_000, bytes(2000)),
    *(b'{"data": [' + b"0," * 100_000 + b"0]}", b'{"data": []}' + b" " * 1_100_000),
)
_PATHS = (
    *("/gradio_api/file=/etc/passwd", "/gradio_api/file=..%2f..%2fetc%2fpasswd", "/..%2f..%2fetc"),
    *("/gradio_api/file=https://example.org/", "/static/..%2f..%2froutes.py", "/gradio_api/file="),
    *("/gradio_api/file=%00", "/gradio_api/call/predict/nothing", "/gradio_api/queue/data"),
    *("/gradio_api/queue/data?session_hash=x", "/gradio_api/upload_progress?upload_id=x", "/docs"),
    *("/gradio_api/heartbeat/x%2fy", "/monitoring", "/gradio_api/proxy=http://127.0.0.1/", "/%ff"),
    *("/gradio_api/deep_link", "/gradio_api/info?all_endpoints=%00", "/theme.css?v=%ff", "/.git/"),
    *("/config?deep_link=..", "/gradio_api/file=" + "a" * 5000, "/" + "a/" * 1000, "//etc/passwd"),
)
_UPLOAD_KINDS = (
    *("multipart/form-data; boundary=boundary", "multipart/form-data", "image/png"),
    *("multipart/form-data; boundary=", "multipart/mixed; boundary=x"),
)
REFUSED = frozenset((400, 401, 403, 404, 405, 408, 411, 413, 415, 422, 429))


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        method, path, headers, body: of the request.
        statuses: that may answer it.
        runs: whether a 200 starts a call, whose events must end in one sentence.
        streams: whether the answer may go on, so that only its beginning is read.
    """

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = REFUSED
    runs: bool = False
    streams: bool = False


def malformed(chance: random.Random, endpoints: Mapping[str, int]) -> Call:
    """A malformed call; the same `chance` gives the same one.

    Args:
        chance: what to draw it from.
        endpoints: names, and how many arguments each takes.
    """
    kind = chance.choice((_arguments, _arguments, _named, _body, None, None, None, None))
    if kind is not None:
        return kind(chance, endpoints)
    return chance.choice((_path, _upload, _method, _join))(chance)


def _arguments(chance: random.Random, endpoints: Mapping[str, int]) -> Call:
    """Well-formed JSON with arguments of the wrong kind; the picture is never an upload."""
    name, count = chance.choice(list(endpoints.items()))
    if chance.random() < 0.2:
        count = chance.choice((0, 1, count - 1, count + 1, 500))
    data = [chance.choice(_VALUES) for _ in range(count)]
    extra = chance.choice(({}, {}, {"session_hash": chance.choice(_VALUES)}, {"event_id": "x"},
                           {"trigger_id": "x"}, {"fn_index": chance.choice(_VALUES)},
                           {"event_data": chance.choice(_VALUES)}))  # fmt: skip
    return Call(
        "POST",
        f"/gradio_api/call/{name}",
        _json({"data": data, **extra}),
        {"content-type": "application/json"},
        REFUSED | {200},
        runs=True,
    )


def _named(chance: random.Random, endpoints: Mapping[str, int]) -> Call:
    """Arguments by name: some unknown, some missing, the others of the wrong kind."""
    names = chance.sample(_NAMES, chance.randrange(len(_NAMES)))
    return Call(
        "POST",
        f"/gradio_api/call/v2/{chance.choice(list(endpoints))}",
        _json({name: chance.choice(_VALUES) for name in names}),
        {"content-type": "application/json"},
        REFUSED | {200},
        runs=True,
    )


def _body(chance: random.Random, endpoints: Mapping[str, int]) -> Call:
    name = chance.choice([*endpoints, "nothing", "show", "_", "predict" * 50])
    kind = chance.choice(("application/json", "text/plain", "multipart/form-data", "", "\xff"))
    return Call("POST", f"/gradio_api/call/{name}", chance.choice(_BODIES), {"content-type": kind})


def _path(chance: random.Random) -> Call:
    path = chance.choice(_PATHS)
    # What waits for events of a session that never was is told so in the stream or not found.
    streams = "queue/data" in path or "/call/" in path or "upload_progress" in path
    harmless = path.startswith(("/gradio_api/info", "/theme.css", "/config", "//"))
    statuses = REFUSED | ({200} if streams or harmless else frozenset())
    return Call("GET", path, statuses=statuses, streams=streams)


def _upload(chance: random.Random) -> Call:
    edge = "boundary"
    kind = chance.choice(_UPLOAD_KINDS)
    name = chance.choice(
        ("a.png", "../../a.png", "/etc/passwd", "a\0b", "", "a" * 5000, "..", "CON")
    )
    part = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = chance.choice((
        b"", b"--boundary", b"\r\n" * 1000, bytes(3000), part.encode(),
        part.encode() + b"data", (part.encode() + b"x\r\n") * 3 + b"--boundary--\r\n",
        part.encode() + b"x\r\n--boundary--\r\n", b"--boundary\r\nA: b\r\n" * 500,
        part.encode().replace(b"files", b"other") + b"x\r\n--boundary--\r\n",
    ))  # fmt: skip
    # A file with an odd name is a file: it is kept under a name that the server makes of it.
    return Call("POST", "/gradio_api/upload", body, {"content-type": kind}, REFUSED | {200})


def _method(chance: random.Random) -> Call:
    method = chance.choice(("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"))
    path = chance.choice(("/", "/config", "/healthz", "/metrics", "/gradio_api/info", "/nothing",
                          "/gradio_api/call/predict/x", "/gradio_api/queue/data"))  # fmt: skip
    return Call(method, path, b"x" * chance.choice((0, 10, 5000)), {}, REFUSED | {501})


def _join(chance: random.Random) -> Call:
    """The page's own way of calling, with whatever in the place of its fields."""
    fields = {
        key: chance.choice(_VALUES)
        for key in ("data", "fn_index", "session_hash", "trigger_id", "event_data")
        if chance.random() < 0.8
    }
    path = chance.choice(("queue/join", "run/predict", "api/predict", "cancel", "reset"))
    accepted = path in ("cancel", "reset")  # of calls that never were: nothing happens
    return Call(
        "POST",
        f"/gradio_api/{path}",
        _json(fields),
        {"content-type": "application/json"},
        REFUSED | (frozenset({200}) if accepted or path == "queue/join" else frozenset()),
    )


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")
