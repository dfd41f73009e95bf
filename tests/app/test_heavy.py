"""A server goes on serving while heavy work in three dimensions runs."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from tests.tiny_checkpoint import picture

PATIENCE = 6.0  # seconds, on a busy machine too; the heavy work together takes far longer
HEAVY: tuple[dict[str, Any], ...] = (
    {"outliers": True},
    {"shape": "surface", "faces": 2000, "format": "glb"},
    {"shape": "poisson", "voxel": 0.01},
    {"format": "obj"},
)


def test_everything_else_is_answered_while_heavy_work_runs(studio_url: str, tmp_path: Path) -> None:
    pytest.importorskip("open3d")
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    Image.fromarray(picture(480, 360, 1)).save(large)
    Image.fromarray(picture(160, 128, 2)).save(small)
    client, other = Client(studio_url, verbose=False), Client(studio_url, verbose=False)
    other.predict(handle_file(small), api_name="/predict")
    over = threading.Event()

    def watched(address: str) -> list[float]:
        took = []
        while not over.is_set():
            start = time.monotonic()
            assert httpx.get(studio_url + address, timeout=60).status_code == 200
            took.append(time.monotonic() - start)
            time.sleep(0.05)
        return took

    with ThreadPoolExecutor() as pool:
        watching = [pool.submit(watched, address) for address in ("/healthz", "/", "/config")]
        calls = [
            client.submit(handle_file(large), api_name="/point_cloud", **wanted) for wanted in HEAVY
        ]
        predicted = 0
        slowest = 0.0
        while not all(call.done() for call in calls):
            start = time.monotonic()
            # A new photo every time: nothing of it is known yet.
            stream = io.BytesIO()
            Image.fromarray(picture(160, 128, 10 + predicted)).save(stream, "PNG")
            small.write_bytes(stream.getvalue())
            other.predict(handle_file(small), api_name="/predict")
            other.predict(handle_file(small), points=[[10, 10]], api_name="/measure")
            slowest = max(slowest, time.monotonic() - start)
            predicted += 1
        over.set()
        waits = [max(watch.result()) for watch in watching]
    assert max(waits) < PATIENCE, waits
    assert slowest < 2 * PATIENCE
    assert predicted > 1
    for call, wanted in zip(calls, HEAVY, strict=True):
        file, about = call.result()
        assert Path(file).stat().st_size > 1000
        assert about.get("triangles", 0) <= wanted.get("faces", 10**9)


def test_too_much_is_a_sentence_and_the_server_lives(
    serve: Any, tiny_models: Path, tmp_path: Path
) -> None:
    pytest.importorskip("open3d")
    url = serve("gradio", LAPDEPTH_MODELS=str(tiny_models), LAPDEPTH_3D_MB="100")
    Image.fromarray(picture(1600, 1200, 1)).save(tmp_path / "a.png")
    client = Client(url, verbose=False)
    with pytest.raises(Exception, match=r"needs more than 0\.1 GB of memory, expected less: take"):
        client.predict(handle_file(tmp_path / "a.png"), outliers=True, api_name="/point_cloud")
    assert httpx.get(f"{url}/healthz").status_code == 200
    file, _ = client.predict(handle_file(tmp_path / "a.png"), api_name="/point_cloud")
    assert Path(file).stat().st_size > 1600 * 1200 * 10
