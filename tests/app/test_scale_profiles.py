"""A scale profile gives the same metres on every way in: command, Python, HTTP, page, explorer."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app.common.request import depth_request
from app.common.service import Studio
from app.depth_page.live import LiveDepth
from core.files.colormap import auto_range
from core.geometry.find_scale import calibrated
from core.images.decode import decode
from core.predictor import load_predictor
from core.scale.profile import load_profile
from tests.app.visitor import Visitor
from tests.core.cli_runs import run

DEPTHS = ("--known-depth", "60,45=30", "--known-depth", "30,40=30", "--known-depth", "90,60=30")


@pytest.fixture
def profiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_models: Path, pages: dict[str, str]
) -> Iterator[Path]:
    """The page's folder of profiles, empty again afterwards; this process has the same."""
    folder = Path(pages["LAPDEPTH_PROFILES"])
    monkeypatch.setenv("LAPDEPTH_MODELS", str(tiny_models))
    monkeypatch.setenv("LAPDEPTH_PROFILES", str(folder))
    monkeypatch.chdir(tmp_path)
    yield folder
    for path in folder.iterdir():
        path.unlink()


def stored(path: str, scale: float) -> np.ndarray:
    return np.asarray(Image.open(path)) / scale


def test_every_way_in_gives_the_same_metres(
    studio_url: str, tiny_models: Path, profiles: Path
) -> None:
    visitor = Visitor(studio_url, 2)  # without a length or a profile of its own
    Path("photo.png").write_bytes(visitor.data)
    Path("other.png").write_bytes(visitor.data + b"\0")
    assert run("profile", "create", "hall", "photo.png", "--fov", "50", *DEPTHS) == 0
    profile = load_profile("hall")

    predictor = load_predictor(tiny_models / "tiny.safetensors")
    photo = decode("photo.png")
    by_python = calibrated(predictor(photo, intrinsics=profile.camera), profile).depth
    assert not np.allclose(by_python, predictor(photo).depth, rtol=0.1)

    assert run("predict", "photo.png", "--out", "out", "--save", "npy", "--profile", "hall") == 0
    np.testing.assert_array_equal(np.load("out/photo_depth.npy"), by_python)

    client = Client(studio_url, verbose=False, download_files="downloads")
    own: dict[str, Any] = json.loads(profile.to_json())
    for given in ("hall", own, profile.to_json()):
        _, depth16, summary = client.predict(
            handle_file("photo.png"), profile=given, api_name="/predict"
        )
        scale = summary["png_scale"]
        np.testing.assert_allclose(stored(depth16, scale), by_python, atol=0.51 / scale)
        assert summary["scale_facts"]["source"] == "profile"
        assert summary["settings"]["profile"]["sha256"] == profile.sha256
        found = client.predict(
            handle_file("photo.png"), points=[[60, 45]], profile=given, api_name="/measure"
        )
        assert found["positions"][0][2] == pytest.approx(float(by_python[45, 60]), rel=1e-6)
    files = [handle_file("photo.png"), handle_file("other.png")]
    archive, _ = client.predict(files, outputs=["npy"], profile="hall", api_name="/batch")
    with zipfile.ZipFile(archive) as packed:
        for name in ("photo", "other"):
            depth = np.load(io.BytesIO(packed.read(f"{name}_depth.npy")))
            np.testing.assert_array_equal(depth, by_python)
            assert json.loads(packed.read(f"{name}.json"))["scale"]["source"] == "profile"
    with pytest.raises(AppError, match="no profile 'none'"):
        client.predict(handle_file("photo.png"), profile="none", api_name="/predict")
    with pytest.raises(AppError, match="name is '../hall'"):
        client.predict(handle_file("photo.png"), profile="../hall", api_name="/predict")

    for name, value in (("model", "tiny"), ("fov", ""), ("resolution", ""), ("flip", False)):
        visitor.values[visitor.ids[name]] = value
    visitor.upload("photo", "photo.png", visitor.data)
    visitor.values[visitor.ids["profile-choice"]] = "hall"
    visitor.call("profile-choice", "input")
    visitor.call("photo", "change")
    assert "the scale profile hall" in visitor.values[visitor.ids["summary"]]
    visitor.call("make-files", "click")
    made = visitor.files()
    np.testing.assert_array_equal(np.load(io.BytesIO(made["photo_depth.npy"])), by_python)
    assert json.loads(made["photo.json"])["scale"]["factor"] == profile.scale

    still = Image.open("photo.png").convert("RGB")
    still.save("clip.png", save_all=True, append_images=[still.rotate(1)])  # lossless
    assert run("video", "clip.png", "--out", "film", "--save", "frames", "--profile", "hall",
               "--unsteady") == 0  # fmt: skip
    sidecar = json.loads(Path("film/clip.json").read_text())
    assert sidecar["settings"]["profile"]["sha256"] == profile.sha256
    scale = sidecar["files"]["frames"]["scale"]
    first = min(Path("film/clip_frames").iterdir())
    np.testing.assert_allclose(stored(str(first), scale), by_python, atol=0.51 / scale)

    studio = Studio(models=tiny_models, decoder=decode)
    data = "data:image/png;base64," + base64.b64encode(visitor.data).decode()
    view = LiveDepth(studio)("one", {"url": data}, depth_request(model="tiny", profile="hall"))
    assert (view.near, view.far) == pytest.approx(auto_range(by_python), rel=1e-5)
    visitor.http.close()


def test_a_profile_made_on_the_page_is_a_file_that_the_command_line_takes(
    studio_url: str, tiny_models: Path, profiles: Path
) -> None:
    visitor = Visitor(studio_url, 2)
    visitor.values[visitor.ids["model"]] = "tiny"
    visitor.upload("photo", "photo.png", visitor.data)
    visitor.call("calibrate-apply", "click", ends=[[10, 20], [80, 70]], metres=30.0)
    visitor.call("photo", "change")
    visitor.values[visitor.ids["profile-name"]] = "mine"
    visitor.call("profile-save", "click")
    path = visitor.values[visitor.ids["profile-file"]]["path"]
    content = visitor.http.get(f"/file={path}").content
    (profiles / "mine.json").write_bytes(content)
    Path("photo.png").write_bytes(visitor.data)
    assert run("predict", "photo.png", "--out", "out", "--save", "npy", "--profile", "mine") == 0
    about = json.loads(Path("out/photo.json").read_text())
    assert about["scale"]["factor"] == load_profile("mine").scale
    assert "In use: mine" in visitor.values[visitor.ids["profile-note"]]
    visitor.http.close()


def test_measured_points_on_the_page_belong_to_their_photo(
    studio_url: str, tiny_models: Path, profiles: Path
) -> None:
    visitor, points = Visitor(studio_url, 2), "20,20,4\n70,60,4.4\n"
    visitor.values[visitor.ids["model"]] = "tiny"
    visitor.upload("photo", "photo.png", visitor.data)
    visitor.upload("sparse-file", "points.csv", points.encode())
    visitor.call("sparse-file", "upload")
    visitor.call("make-files", "click")
    about = json.loads(visitor.files()["photo.json"])
    assert about["scale"]["source"] == "sparse depth"
    assert about["scale"]["residuals"][0]["points"] == 2
    visitor.upload("photo", "another.png", Visitor(studio_url, 5).data)
    visitor.call("make-files", "click")
    assert json.loads(visitor.files()["another.json"])["scale"]["source"] == "model"
    visitor.http.close()


def test_sparse_depth_over_http(studio_url: str, profiles: Path) -> None:
    client = Client(studio_url, verbose=False, download_files="downloads")
    Path("photo.png").write_bytes(Visitor(studio_url, 2).data)
    Path("points.csv").write_text("20,20,4\n70,60,9\n")
    found = client.predict(
        handle_file("photo.png"), points=[[20, 20], [70, 60]], sparse=handle_file("points.csv"),
        api_name="/measure",
    )  # fmt: skip
    assert found["positions"][0][2] == pytest.approx(4, rel=0.1)
    assert found["positions"][1][2] == pytest.approx(9, rel=0.1)
    Path("zero.csv").write_text("20,20,0\n")
    with pytest.raises(AppError, match=r"Line 1 of zero.csv has 0 m"):
        client.predict(
            handle_file("photo.png"), sparse=handle_file("zero.csv"), api_name="/predict"
        )
    two = [[10, 20, 80, 70, 2.0], [20, 60, 70, 10, 90.0]]
    with pytest.raises(AppError, match="contradict each other"):
        client.predict(handle_file("photo.png"), known_length=two, api_name="/predict")
