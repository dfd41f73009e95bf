"""A server goes on serving while heavy work runs, and many people at once get each their own."""

from __future__ import annotations

import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from app.common.request import depth_request
from app.common.result import Result
from app.common.service import Studio
from app.common.translations import t
from core.images.decode import decode
from tests.app.visitor import MODELS, Visitor
from tests.tiny_checkpoint import picture

VISITORS = 20  # more than the page library's memory has places; 17 have a profile of their own

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


def test_too_much_is_a_sentence_and_the_server_lives(second_url: str, tmp_path: Path) -> None:
    pytest.importorskip("open3d")
    Image.fromarray(picture(320, 240, 1)).save(tmp_path / "a.png")
    client = Client(second_url, verbose=False)
    with pytest.raises(Exception, match=r"needs more than 0\.1 GB of memory, expected less: take"):
        client.predict(handle_file(tmp_path / "a.png"), outliers=True, api_name="/point_cloud")
    assert httpx.get(f"{second_url}/healthz").status_code == 200
    file, _ = client.predict(handle_file(tmp_path / "a.png"), api_name="/point_cloud")
    assert Path(file).stat().st_size > 320 * 240 * 10


def alone(studio: Studio, visitor: Visitor, folder: Path) -> Result:
    """What the visitor would have got without the others."""
    path = folder / visitor.name
    path.write_bytes(visitor.data)
    asked = visitor.set
    names = ("model", "resolution", "flip", "fov")
    settings = {name: asked[name] for name in names}
    profile = None if visitor.profile is None else visitor.profile.to_json()
    return studio.result(
        path, depth_request(**settings, known_length=visitor.length, profile=profile)
    )


def test_everybody_gets_what_he_asked_for(
    second_url: str, second_models: Path, tmp_path: Path
) -> None:
    studio = Studio(default_model=MODELS[0], models=second_models, decoder=decode)
    with ThreadPoolExecutor(VISITORS) as pool:
        came = list(pool.map(lambda number: Visitor(second_url, number).visit(), range(VISITORS)))
    for visitor in came:
        scene, files = alone(studio, visitor, tmp_path), visitor.files()
        stem = Path(visitor.name).stem
        assert sorted(files) == [f"{stem}.json", f"{stem}_color.png", f"{stem}_depth.npy"]
        (tmp_path / "depth.npy").write_bytes(files[f"{stem}_depth.npy"])
        depth = np.load(tmp_path / "depth.npy")
        np.testing.assert_allclose(depth, scene.prediction.depth, rtol=1e-5)
        about = json.loads(files[f"{stem}.json"])
        assert about["input"]["name"] == visitor.name
        assert about["model"]["name"] == visitor.set["model"]
        assert about["intrinsics"]["fx"] == pytest.approx(scene.prediction.intrinsics.fx)
        summary = visitor.values[visitor.ids["summary"]]
        assert f"<dt>{t('summary.accuracy', visitor.lang)}</dt>" in summary
        scaled = f"<dt>{t('summary.scale', visitor.lang)}</dt>" in summary
        assert scaled == bool(visitor.length or visitor.profile)
        used = about["settings"]["profile"]
        assert used == (
            None
            if visitor.profile is None
            else {"name": visitor.profile.name, "sha256": visitor.profile.sha256}
        )
        others = [f"visitor-{n}." for n in range(VISITORS) if n != visitor.number]
        assert not any(other in json.dumps(about) + summary for other in others)
        visitor.http.close()
