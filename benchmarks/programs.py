"""The rows of the table that are about whole programs: memory, start, many clients (Linux only)."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import memory_of, python, summary
from benchmarks.own_server import own_server
from benchmarks.photos import jpeg

PANORAMA = (14140, 7070)  # 100 megapixels
CLIENTS = 8
# All clients have one address here.
SERVER = {"LAPDEPTH_MODEL": "lite-indoor", "LAPDEPTH_CLIENT_QUEUE": "64"}
OWN_MEMORY = "print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"


def panorama(_rounds: int) -> dict[str, Any]:
    """`python -m core predict` of a 100-megapixel JPEG to both PNG files."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "panorama.jpg"
        photo.write_bytes(jpeg(*PANORAMA))
        command = [sys.executable, "-m", "core", "predict", str(photo)]
        command += ["--out", str(Path(folder) / "out"), "--model", "lite-indoor"]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
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
                subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
                if turn:
                    spans[name].append((time.perf_counter() - began) * 1000)
    return {name: summary(values) for name, values in spans.items()} | {"threads": threads}


def serving(rounds: int, threads: int) -> dict[str, Any]:
    """The depth page: memory when idle, then one client and eight, each call another photo."""
    bare = float(python(OWN_MEMORY, threads=threads)) * 1024 / 1e6
    with_torch = float(python("import torch; " + OWN_MEMORY, threads=threads)) * 1024 / 1e6
    with own_server(**SERVER) as (url, pid):
        time.sleep(2)
        idle = memory_of(pid)
        content = jpeg(640, 480)
        clients = ready_clients(url, CLIENTS, content)
        before = memory_of(pid)
        one = at_work(clients[:1], 4 * rounds, content, pid)
        eight = at_work(clients, rounds, content, pid)
    return {
        "python_mb": round(bare, 1),
        "import_torch_mb": round(with_torch, 1),
        "idle_app_mb": idle,
        "idle_app_above_import_torch_mb": round(idle - with_torch, 1),
        "one client": one,
        "eight clients": eight,
        "throughput_ratio": round(eight["calls_per_s"] / one["calls_per_s"], 3),
        "p95_over_one_client": round(eight["p95_ms"] / one["median_ms"], 2),
        "memory_mb_more_than_one_client": round(eight["peak_mb"] - max(before, one["peak_mb"]), 1),
    }


def at_work(clients: Sequence[Any], calls: int, content: bytes, pid: int) -> dict[str, float]:
    """Several clients of the page at once, each with one call after the other.

    Args:
        clients: of `ready_clients`.
        calls: of each.
        content: the photo; no two calls send the same file.
        pid: of the page.

    Returns:
        Milliseconds of a call, calls a second of all together, the page's greatest memory.
    """
    with peak_of(pid) as peak, ThreadPoolExecutor(len(clients)) as pool:
        began = time.perf_counter()
        running = [pool.submit(_some, client, content, calls) for client in clients]
        spans = [span for one in running for span in one.result()]
        rate = len(spans) / (time.perf_counter() - began)
    p95 = sorted(spans)[int(0.95 * (len(spans) - 1))]
    figures = {"calls_per_s": round(rate, 3), "p95_ms": round(p95, 1), "peak_mb": peak[0]}
    return summary(spans) | figures


def ready_clients(url: str, count: int, content: bytes) -> list[Any]:
    """Clients that have had one answer each."""
    from gradio_client import Client

    clients = [Client(url, verbose=False) for _ in range(count)]
    for client in clients:
        _call(client, content)
    return clients


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


def _some(client: Any, content: bytes, count: int) -> list[float]:
    return [_call(client, content) for _ in range(count)]


def _call(client: Any, content: bytes) -> float:
    """Milliseconds of one call of /predict with a photo that the page has not seen yet."""
    from gradio_client import handle_file

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(content + secrets.token_bytes(8))  # behind the picture: another file
        began = time.perf_counter()
        client.predict(image=handle_file(photo), api_name="/predict")
        return (time.perf_counter() - began) * 1000
