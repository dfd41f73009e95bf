"""Faults under a running server: each has a server of its own that must answer well afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from app import demo
from benchmarks.own_server import own_server
from benchmarks.plain_client import PlainClient
from core.weights.checkpoint import CHECKPOINTS
from scripts.faults.fault import PHOTO, Fault, UnavailableError, expect, scratch, short, small_disk

MODEL = "lite-indoor"
_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def good(client: PlainClient, resolution: int = 96) -> dict[str, Any]:
    """The summary of a good photo."""
    kind, value = client.predict("room.jpg", PHOTO.read_bytes(), resolution)
    expect(kind == "complete", value)
    summary: dict[str, Any] = value[2]
    return summary


def refused(client: PlainClient, resolution: int, name: str = "room.jpg") -> str:
    """The sentence that a photo gets which cannot be done."""
    kind, value = client.predict(name, PHOTO.read_bytes(), resolution)
    expect(kind == "error", "it was done")
    expect(value.endswith(".") and "Traceback" not in value, value)
    return short(value)


def told_to_stop(photos: int) -> str:
    """SIGTERM while a call runs: one photo, or a batch that would take long."""
    with own_server(LAPDEPTH_MODEL=MODEL) as server:
        client = PlainClient(server.url)
        good(client)
        reply = client.http.post(
            "/gradio_api/upload", files=[("files", ("a.jpg", PHOTO.read_bytes()))] * photos
        )
        files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in reply.json()]
        ended: list[Any] = []

        def ask() -> None:
            try:
                if photos == 1:
                    ended.append(client.call("predict", [files[0], None, 384, *[None] * 5]))
                else:
                    ended.append(client.call("batch", [files, None, 1024, *[None] * 6]))
            except Exception as error:
                ended.append(("cut off", type(error).__name__))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.7)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(30)
        took = time.monotonic() - started
        asking.join(30)
        left = list(server.temp.glob("lapdepth-*"))
        expect(took < 10, f"{took:.1f} s")
        expect(status == 0, f"status {status}")
        expect(not left, left)
        word = "answered" if ended[0][0] == "complete" else "not answered"
        if photos == 1:
            expect(word == "answered", ended)
        return f"status 0 after {took:.1f} s, the call was {word}, no temporary file left"


def killed() -> str:
    """SIGKILL, then another server with the same folder for temporary files."""
    with own_server(LAPDEPTH_MODEL=MODEL) as server:
        good(PlainClient(server.url))
        decoders = psutil.Process(server.process.pid).children(recursive=True)
        server.process.kill()
        server.process.wait()
        before = [path.name for path in server.temp.glob("lapdepth-*")]
        expect(len(before) == 1, before)
        _, alive = psutil.wait_procs(decoders, timeout=10)
        expect(not alive, f"{len(alive)} decoder processes live on")
        with own_server(LAPDEPTH_MODEL=MODEL, TMPDIR=str(server.temp)) as second:
            after = [path.name for path in server.temp.iterdir()]
            expect(before[0] not in after, after)
            good(PlainClient(second.url))
    return "the next server removed the folder that was left, and answers; no decoder lived on"


def disk_full() -> str:
    """Uploads to a server whose disk for temporary files is small."""
    with small_disk(210_000) as disk, own_server(TMPDIR=str(disk), LAPDEPTH_MODEL=MODEL) as server:
        client = PlainClient(server.url)
        filler = disk / "filler"
        with filler.open("wb") as file:
            file.write(bytes(205_000_000))
        reply = client.http.post("/gradio_api/upload", files={"files": PHOTO.read_bytes()})
        expect(reply.status_code == 507, f"{reply.status_code} {reply.text}")
        said = reply.json()["detail"]
        expect(said.endswith("."), said)
        filler.unlink()
        _enlarge(disk)
        kind, value = client.predict("room.jpg", PHOTO.read_bytes())
        return f"507: {short(said)} Afterwards: {_outcome(kind, value)}"


def _enlarge(disk: Path) -> None:
    """Gives the disk room: the server keeps 200 MB of it for results."""
    subprocess.run(
        ["mount", "-o", "remount,size=900000k", str(disk)],
        check=True,
    )


def _outcome(kind: str, value: Any) -> str:
    return "a good photo is answered" if kind == "complete" else short(value)


def out_of_memory() -> str:
    """A server that gets no more memory for a large pass through the network."""
    with own_server(LAPDEPTH_MODEL=MODEL) as server:
        client = PlainClient(server.url)
        before = good(client)["range"]
        process = psutil.Process(server.process.pid)
        limit = process.memory_info().vms + (60 << 20)
        process.rlimit(psutil.RLIMIT_AS, (limit, psutil.RLIM_INFINITY))
        said = refused(client, 1024)
        process.rlimit(psutil.RLIMIT_AS, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        expect("memory" in said or "room" in said, said)
        expect(good(client)["range"] == before, "another depth")
    return f"{said} Afterwards: the same depth as before"


def hung_decoder() -> str:
    """A decoder process that is stopped in the middle of its work."""
    with own_server(LAPDEPTH_MODEL=MODEL) as server:
        client = PlainClient(server.url)
        good(client)
        (decoder,) = psutil.Process(server.process.pid).children()
        decoder.suspend()
        started = time.monotonic()
        kind, value = client.predict("other.jpg", PHOTO.read_bytes() + b"\0")
        took = time.monotonic() - started
        expect(kind == "error" and "took longer than" in value, value)
        good(client, 112)
        return f"after {took:.0f} s: {short(value)} The next photo is answered"


def clock_jumps() -> str:
    """The time of day moved by two days, forward and back, under a running server."""
    if not _FAKETIME.exists():
        raise UnavailableError("libfaketime is not installed: apt-get install libfaketime")
    with scratch() as folder:
        clock = folder / "clock"
        clock.write_text("+0")
        with own_server(
            LAPDEPTH_MODEL=MODEL,
            LD_PRELOAD=str(_FAKETIME),
            FAKETIME_TIMESTAMP_FILE=str(clock),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            DONT_FAKE_MONOTONIC="1",
        ) as server:
            client = PlainClient(server.url)
            reply = client.http.post("/gradio_api/upload", files={"files": PHOTO.read_bytes()})
            image = {"path": reply.json()[0], "meta": {"_type": "gradio.FileData"}}
            for shift in ("+2d", "-2d"):
                clock.write_text(shift)
                time.sleep(35)  # the caretaker of temporary files looks every 30 s
                kind, value = client.call("predict", [image, None, 96, *[None] * 5])
                expect(kind == "complete", f"after {shift}: {value}")
                good(client, 112)
            jumped = server.log.read_text().count("the clock jumped")
            expect(jumped >= 1, "the jump was not noticed")
    return f"{jumped} jumps noticed, the earlier upload still there, photos answered after each"


def model_removed() -> str:
    """The file of a model removed, swapped and put back under a running server."""
    with scratch() as folder:
        path = folder / f"{MODEL}.safetensors"
        content = (CHECKPOINTS / path.name).read_bytes()
        pin = {MODEL: json.loads((CHECKPOINTS / "registry.json").read_text())[MODEL]}
        (folder / "registry.json").write_text(json.dumps(pin))
        path.write_bytes(content)
        with own_server(LAPDEPTH_MODELS=str(folder), LAPDEPTH_MODEL=MODEL) as server:
            client = PlainClient(server.url)
            before = good(client)["range"]
            path.unlink()
            removed = refused(client, 112)
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 255]))
            swapped = refused(client, 112)
            log = server.log.read_text()
            expect(pin[MODEL]["sha256"] in log, log[-500:])
            expect("its SHA-256 is" in log, log[-500:])
            path.write_bytes(content)
            expect(good(client)["range"] == before, "another depth")
    return f"removed: {removed} Swapped: {swapped} (the log names both hashes). Put back: as before"


def slow_client() -> str:
    """Clients that connect and send nothing more."""
    import socket

    with own_server(LAPDEPTH_MODEL=MODEL) as server:
        host, port = server.url.removeprefix("http://").split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(200)]
        for connection in idle:
            connection.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\n")
        started = time.monotonic()
        good(PlainClient(server.url))
        took = time.monotonic() - started
        for connection in idle:
            connection.close()
    return f"with 200 half-open requests a good photo is answered in {took:.1f} s"


def page_ends() -> str:
    """One of the two pages of `make demo` killed from outside."""
    import sys

    ports = {"GRADIO_PORT": str(_free()), "STREAMLIT_PORT": str(_free())}
    with scratch() as folder, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.demo"], stdout=log, stderr=log, env={**os.environ, **ports}
        )
        try:
            pages = demo.pages_from({**os.environ, **ports})
            deadline = time.monotonic() + demo.READY_SECONDS
            while not all(map(demo.answers, pages)) and time.monotonic() < deadline:
                time.sleep(0.3)
            children = psutil.Process(process.pid).children()
            children[0].kill()
            status = process.wait(30)
            _, alive = psutil.wait_procs(children, timeout=5)
            expect(status == 1 and not alive, f"status {status}, {len(alive)} alive")
            said = (folder / "log").read_text(errors="replace").strip().splitlines()[-1]
            return f"status 1: {short(said)}"
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


SERVER_FAULTS = (
    Fault(
        "SIGTERM, one photo under way",
        "`kill -TERM` 0.7 s into a call",
        "the call is answered, end within 10 s",
        lambda: told_to_stop(1),
    ),
    Fault(
        "SIGTERM, a long batch under way",
        "`kill -TERM` 0.7 s into 60 photos",
        "end within 10 s, nothing left",
        lambda: told_to_stop(60),
    ),
    Fault("kill -9", "`kill -KILL`, then a new server", "the next start cleans up", killed),
    Fault(
        "Disk full, server",
        "`TMPDIR` on a tmpfs that is full",
        "507 and one sentence; recovers",
        disk_full,
    ),
    Fault(
        "Out of memory in a prediction",
        "`prlimit --as` (used + 60 MB), 1024 rows",
        "one sentence; recovers",
        out_of_memory,
    ),
    Fault(
        "Decoder hangs", "`kill -STOP` of the decoder", "one sentence; the next works", hung_decoder
    ),
    Fault("Clock jumps", "libfaketime: +2 days, -2 days", "nothing lost", clock_jumps),
    Fault(
        "Model file removed, swapped",
        "`rm`, other bytes, put back",
        "one sentence each; recovers",
        model_removed,
    ),
    Fault("Slow clients", "200 requests that never end", "others are answered", slow_client),
    Fault("One page dies", "`kill -KILL` of one page of `make demo`", "both end", page_ends),
)
