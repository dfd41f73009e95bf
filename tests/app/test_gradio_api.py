"""The HTTP endpoints, called as another program calls them; every number checked against core."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.utils import Status
from PIL import Image
from plyfile import PlyData

from app import demo
from app.common.service import Studio
from app.server.app import health
from core.camera import project
from core.files.colormap import colorize
from core.prediction import Prediction
from core.predictor import Predictor, load_predictor
from tests.core.pictures import encode, scene

WIDTH, HEIGHT = 120, 90


@pytest.fixture(scope="module")
def client(studio_url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(studio_url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "my photo.png"
    path.write_bytes(encode(Image.fromarray(scene(HEIGHT, WIDTH)), "PNG"))
    return path


@pytest.fixture(scope="module")
def predictor(tiny_models: Path) -> Predictor:
    return load_predictor(tiny_models / "tiny.safetensors")


@pytest.fixture(scope="module")
def expected(predictor: Predictor, photo: Path) -> Prediction:
    return predictor(photo)


def test_the_documented_endpoints_are_all_there_is(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    arguments = {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    display, camera = ["colormap", "near", "far"], ["intrinsics", "known_length"]
    cloud = ["image", "model", "format", "fov", "edge_filter", "density"]
    space = ["shape", "near", "far", "confidence", "sky", "voxel", "normals", "outliers"]
    space += ["faces", "pose"]
    known = ["known_depth", "camera_height", "sparse", "sparse_scale", "profile"]
    assert arguments == {
        "/predict": ["image", "model", "resolution", "flip", *display, "fov", *camera, *known],
        "/point_cloud": [*cloud, *camera, *space, *known],
        "/measure": ["image", "model", "points", "fov", "box", *camera, *known],
        "/render": [
            *("image", "kind", "model", "fov", *camera, "at", "thing", "size", "back"),
            *known,
        ],
        "/batch": ["files", "model", "resolution", "flip", *display, "fov", "outputs", "profile"],
    }
    for name, endpoint in endpoints.items():
        required = [p for p in endpoint["parameters"] if not p["parameter_has_default"]]
        assert len(required) == 1, name
        assert endpoint["description"], name


def test_predict_returns_the_predictor_s_depth(
    client: Client, photo: Path, expected: Prediction
) -> None:
    color, depth16, summary = client.predict(handle_file(photo), api_name="/predict")
    assert Path(color).name == "my_photo_color.png"
    assert Path(depth16).name == "my_photo_depth16.png"
    depth = np.asarray(Image.open(depth16)) / summary["png_scale"]
    np.testing.assert_allclose(depth, expected.depth, atol=0.51 / summary["png_scale"])
    np.testing.assert_array_equal(np.asarray(Image.open(color)), colorize(expected.depth))
    assert summary["model"] == "tiny"
    assert summary["metric"] is True
    assert summary["range"] == [expected.depth.min(), expected.depth.max()]
    assert summary["intrinsics"] == expected.intrinsics.to_dict()
    assert summary["milliseconds"] > 0


def test_predict_obeys_its_settings(client: Client, photo: Path, predictor: Predictor) -> None:
    color, depth16, summary = client.predict(
        handle_file(photo), "tiny", 128, True, "viridis", 0.5, 4, 70, api_name="/predict"
    )
    alike = predictor(photo, resolution=128, flip=True, fov=70)
    depth = np.asarray(Image.open(depth16)) / summary["png_scale"]
    np.testing.assert_allclose(depth, alike.depth, atol=0.51 / summary["png_scale"])
    drawn = colorize(alike.depth, "viridis", 0.5, 4.0)
    np.testing.assert_array_equal(np.asarray(Image.open(color)), drawn)
    assert summary["intrinsics"]["source"] == "given"
    assert summary["fov"] == pytest.approx(70)
    assert summary["colour_range"] == [0.5, 4.0]
    asked = {"model": "tiny", "resolution": 128, "flip": True, "fov": 70, "intrinsics": None}
    assert summary["settings"] == asked


def test_point_cloud_lies_on_the_depth_map(
    client: Client, photo: Path, expected: Prediction
) -> None:
    path, summary = client.predict(
        handle_file(photo), edge_filter=False, density=1, api_name="/point_cloud"
    )
    vertices = PlyData.read(path)["vertex"]
    assert len(vertices) == summary["points"] == WIDTH * HEIGHT
    points = np.stack([vertices[axis] for axis in "xyz"], axis=1)
    pixels, z = project(points, expected.intrinsics)
    u, v = np.rint(pixels).astype(int).T
    np.testing.assert_allclose(pixels, np.stack((u, v), axis=1), atol=1e-3)
    np.testing.assert_allclose(z, expected.depth[v, u], rtol=1e-6)


def test_point_cloud_can_be_filtered_thinned_and_a_glb(client: Client, photo: Path) -> None:
    path, summary = client.predict(
        handle_file(photo), "tiny", "glb", None, True, 0.25, api_name="/point_cloud"
    )
    assert Path(path).read_bytes()[:4] == b"glTF"
    assert 0 < summary["points"] <= 0.27 * WIDTH * HEIGHT
    assert summary["edge_filter"] > 0


def test_measure_gives_positions_and_their_distance(
    client: Client, photo: Path, expected: Prediction
) -> None:
    pixels = [[10, 20], [100, 70]]
    result = client.predict(handle_file(photo), "tiny", pixels, None, api_name="/measure")
    positions = np.array(result["positions"])
    uv, z = project(positions, expected.intrinsics)
    np.testing.assert_allclose(uv, pixels, atol=1e-6)
    np.testing.assert_allclose(z, [expected.depth[v, u] for u, v in pixels], rtol=1e-6)
    assert result["distance"] == pytest.approx(np.linalg.norm(positions[0] - positions[1]))
    alone = client.predict(handle_file(photo), points=[[10, 20]], api_name="/measure")
    assert alone["distance"] is None
    assert alone["positions"] == [result["positions"][0]]


def test_measure_reads_a_box(client: Client, photo: Path, expected: Prediction) -> None:
    box = [20, 30, 60, 70]
    inside = expected.depth[30:70, 20:60]
    for arguments in ({"box": box}, {"points": box}):
        result = client.predict(handle_file(photo), **arguments, api_name="/measure")
        assert result["median"] == pytest.approx(np.median(inside), rel=1e-6)
        assert inside.min() <= result["nearest"] <= np.percentile(inside, 5)


def test_batch_packs_every_good_photo_and_names_the_bad_one(
    client: Client, photo: Path, expected: Prediction, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    files = [handle_file(photo), handle_file(bad)]
    archive, manifest = client.predict(files, outputs=["npy", "depth16"], api_name="/batch")
    assert manifest["counts"] == {"done": 1, "skipped": 0, "failed": 1}
    good, failed = manifest["photos"]
    assert good["status"] == "done"
    assert failed["input"] == "bad.jpg"
    assert failed["error"].startswith("bad.jpg is a text file, expected ")
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == [*good["files"], "manifest.json", "manifest.csv"]
        table = opened.read("manifest.csv").decode()
        rows = list(csv.DictReader(table.splitlines()))
        assert [row["error"] for row in rows] == ["", failed["error"]]
        assert [row["sha256"] for row in rows] == [good["sha256"], failed["sha256"]]
        assert "/tmp" not in table
        assert json.loads(opened.read("manifest.json")) == manifest
        npy = next(name for name in good["files"] if name.endswith(".npy"))
        with opened.open(npy) as file:
            np.testing.assert_array_equal(np.load(file), expected.depth)
    assert "/tmp" not in json.dumps(manifest)


def test_batch_unpacks_a_zip_and_keeps_its_folders(
    client: Client, photo: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as packed:
        packed.write(photo, "day/one.png")
        packed.write(photo, "two.png")
    sent = [handle_file(tmp_path / "photos.zip"), handle_file(photo)]
    archive, manifest = client.predict(sent, outputs=["depth16"], api_name="/batch")
    assert manifest["counts"] == {"done": 3, "skipped": 0, "failed": 0}
    assert [entry["stem"] for entry in manifest["photos"]] == ["two", "day/one", "my photo"]
    with zipfile.ZipFile(archive) as opened:
        assert "day/one_depth16.png" in opened.namelist()


def test_curl_does_what_the_api_page_says(
    studio_url: str, photo: Path, expected: Prediction
) -> None:
    with httpx.Client(base_url=f"{studio_url}/gradio_api", timeout=30) as http:
        stored = http.post("/upload", files={"files": (photo.name, photo.read_bytes())}).json()[0]
        image = {"path": stored, "meta": {"_type": "gradio.FileData"}}
        call = http.post("/call/v2/measure", json={"image": image, "points": [[3, 4]]})
        events = http.get(f"/call/measure/{call.json()['event_id']}").text
        assert http.post("/call/v2/measure", json=[1]).status_code == 400
        unknown = http.post("/call/v2/measure", json={"image": image, "colour": 1})
        assert unknown.status_code == 400
        assert "expected some of image, model, points, fov, box" in unknown.json()["detail"]
        assert "no argument image" in http.post("/call/v2/measure", json={}).json()["detail"]
    result = json.loads(events.split("event: complete\ndata: ")[1])[0]
    assert result["points"][0]["depth"] == pytest.approx(float(expected.depth[4, 3]))


def test_health_is_good_once_the_model_is_loaded(studio_url: str) -> None:
    reply = httpx.get(f"{studio_url}/healthz", timeout=30)
    assert (reply.status_code, reply.json()) == (200, {"status": "ready"})


def test_without_a_model_the_server_is_not_healthy(tmp_path: Path) -> None:
    assert health(Studio(models=tmp_path)).status_code == 503


@dataclass(frozen=True)
class Own:
    """A server that only this file's tests use, with a password, and its temporary folder."""

    url: str
    process: subprocess.Popen[bytes]
    temporary: Path


@pytest.fixture(scope="module")
def own(
    tiny_models: Path, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Own]:
    page = demo.gradio_page("127.0.0.1", free_port())
    temporary = tmp_path_factory.mktemp("temporary")
    settings = {
        "LAPDEPTH_MODELS": str(tiny_models),
        "LAPDEPTH_USER": "someone",
        "LAPDEPTH_PASSWORD": "a long one",
        "TMPDIR": str(temporary),
    }
    process = demo.start(page, {**os.environ, **settings})
    deadline = time.monotonic() + 300
    while not demo.answers(page):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield Own(page.url, process, temporary)
    demo.stop(process)


def test_a_password_can_be_asked_for(own: Own, photo: Path) -> None:
    assert httpx.get(f"{own.url}/healthz", timeout=30).status_code == 200
    call = f"{own.url}/gradio_api/call/predict"
    assert httpx.post(call, json={"data": [None] * 8}, timeout=30).status_code == 401
    assert httpx.get(f"{own.url}/gradio_api/info", timeout=30).status_code == 401
    client = Client(own.url, auth=("someone", "a long one"), verbose=False)
    assert client.predict(handle_file(photo), api_name="/predict")[2]["model"] == "tiny"


def test_told_to_stop_it_finishes_its_call_and_leaves_nothing(own: Own, photo: Path) -> None:
    login = ("someone", "a long one")
    client = Client(own.url, auth=login, verbose=False, download_files=False)  # keeps a heartbeat
    job = client.submit(handle_file(photo), resolution=1024, api_name="/predict")
    while job.status().code is not Status.PROCESSING:
        assert not job.done()
        time.sleep(0.01)
    own.process.terminate()
    own.process.wait(60)  # a loaded machine is no failure
    assert job.result(60)[2]["model"] == "tiny"
    assert list(own.temporary.glob("lapdepth-studio-*")) == []
