"""The rows of the table that are about whole programs: memory, start, many clients (Linux only)."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import memory_of, python, summary
from benchmarks.photos import jpeg

PANORAMA = (14140, 7070)  # 100 megapixels
CLIENTS = 8
OWN_MEMORY = "print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"


def panorama(_rounds: int) -> dict[str, Any]:
    """`python -m core predict` of a 100-megapixel JPEG to both PNG files."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "panorama.jpg"
        photo.write_bytes(jpeg(*PANORAMA))
        command = [sys.executable, "-m", "core", "predict", str(photo)]
        command += ["--out", str(Path(folder) / "out"), "--model", "lite-indoor"]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        with peak_of(process.pid) as peak:
            process.wait(timeout=600)
        seconds = time.perf_counter() - began
        made = sorted(path.name for path in (Path(folder) / "out").glob("*.png"))
    return {
        "exit status": process.returncode,
        "files": made,
        "seconds": round(seconds, 2),
        "peak_memory_gb": round(peak[0] / 1000, 3),
    }


def starting(rounds: int, threads: int) -> dict[str, Any]:
    """Start-up: `--help`, and a prediction of one small photo, against `import torch` alone."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(jpeg(640, 480))
        predict = ["-m", "core", "predict", str(photo), "--out", folder, "--overwrite"]
        commands = {
            "nothing": ["-c", "pass"],
            "--help": ["-m", "core", "--help"],
            "import torch": ["-c", "import torch"],
            "predict": [*predict, "--model", "lite-indoor"],
        }
        spans: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(  # noqa: S603
                    [sys.executable, *command], check=True, stdout=subprocess.DEVNULL
                )
                if turn:
                    spans[name].append((time.perf_counter() - began) * 1000)
    return {name: summary(values) for name, values in spans.items()} | {"threads": threads}


def serving(rounds: int, threads: int) -> dict[str, Any]:
    """The depth page: memory when idle, then one client and eight, each call another photo."""
    bare = float(python(OWN_MEMORY, threads=threads)) * 1024 / 1e6
    with_torch = float(python("import torch; " + OWN_MEMORY, threads=threads)) * 1024 / 1e6
    with served() as (address, pid):
        time.sleep(2)
        idle = memory_of(pid)
        clients = [_client(address) for _ in range(CLIENTS)]
        content = jpeg(640, 480)
        for client in clients:
            _call(client, content)
        before = memory_of(pid)
        with peak_of(pid) as peak_one:
            began = time.perf_counter()
            alone = [_call(clients[0], content) for _ in range(4 * rounds)]
            one = len(alone) / (time.perf_counter() - began)
        with peak_of(pid) as peak_all, ThreadPoolExecutor(CLIENTS) as pool:
            began = time.perf_counter()
            calls = [pool.submit(_some, client, content, rounds) for client in clients]
            together = [span for call in calls for span in call.result()]
            eight = len(together) / (time.perf_counter() - began)
    p95 = sorted(together)[int(0.95 * (len(together) - 1))]
    alone_median = summary(alone)["median_ms"]
    return {
        "python_mb": round(bare, 1),
        "import_torch_mb": round(with_torch, 1),
        "idle_app_mb": idle,
        "idle_app_above_import_torch_mb": round(idle - with_torch, 1),
        "one client": summary(alone) | {"calls_per_s": round(one, 3), "peak_mb": peak_one[0]},
        "eight clients": summary(together)
        | {"calls_per_s": round(eight, 3), "p95_ms": round(p95, 1), "peak_mb": peak_all[0]},
        "throughput_ratio": round(eight / one, 3),
        "p95_over_one_client": round(p95 / alone_median, 2),
        "memory_mb_more_than_one_client": round(peak_all[0] - max(before, peak_one[0]), 1),
    }


@contextmanager
def peak_of(pid: int, every: float = 0.05) -> Iterator[list[float]]:
    """The most memory that a process and its children had inside the block, in MB."""
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(every):
            peak[0] = max(peak[0], memory_of(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """The depth page in a process of its own: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GRADIO_PORT": str(port),
        "LAPDEPTH_MODEL": "lite-indoor",
        "LAPDEPTH_CLIENT_QUEUE": "64",  # all of these clients have one address
        "LAPDEPTH_RATE": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "app.gradio_app"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            time.sleep(0.5)
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310
                    if json.load(answer)["status"] == "ready":
                        break
            except (OSError, urllib.error.URLError):
                continue
        else:
            raise SystemExit("the depth page did not get ready")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _client(address: str) -> Any:
    from gradio_client import Client

    return Client(address, verbose=False)


def _some(client: Any, content: bytes, count: int) -> list[float]:
    return [_call(client, content) for _ in range(count)]


def _call(client: Any, content: bytes) -> float:
    """Milliseconds of one call of /predict with a photo that the page has not seen yet."""
    from gradio_client import handle_file

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(content + secrets.token_bytes(8))  # behind the picture: another file
        began = time.perf_counter()
        client.predict(image=handle_file(photo), model="lite-indoor", api_name="/predict")
        return (time.perf_counter() - began) * 1000
