"""The tab that adapts a model: what visitors send, what they see, who may take it back."""

from __future__ import annotations

import io
import json
import shutil
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.common.adapting import Settings, arranged
from app.common.request import depth_request
from app.common.runs import run_batch
from app.common.service import Studio
from app.common.storage import Storage
from app.depth_page.adapt_tab import AdaptHandlers
from core import engines
from core.data.folder import FolderDataset
from core.errors import CheckpointError, ConfigError, DataError, EngineError, ImageError
from core.predictor import load_predictor
from core.train.adapt import AdaptRequest, adapt
from core.train.adapt_process import adapt_apart
from tests.tiny_checkpoint import picture, save_tiny

CAMERA = (104.0, 104.0, 63.5, 47.5)
FRAMES = 12


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models")).parent


@pytest.fixture(scope="module")
def frames(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos whose metres are 1.3 times what the tiny model says, in millimetres."""
    folder = tmp_path_factory.mktemp("frames")
    predictor = load_predictor(models / "tiny.safetensors", engine="torch")
    for seed in range(FRAMES):
        rgb = picture(128, 96, seed)
        depth = 1.3 * predictor(rgb, intrinsics=CAMERA).depth
        Image.fromarray(rgb).save(folder / f"hall{seed:02d}.png")
        stored = Image.fromarray(np.rint(1000 * depth).astype(np.uint16))
        stored.save(folder / f"hall{seed:02d}_depth.png")
    return folder


@pytest.fixture
def storage() -> Any:
    kept = Storage()
    yield kept
    kept.close()


@pytest.fixture
def handlers(models: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> AdaptHandlers:
    monkeypatch.setenv("LAPDEPTH_MODELS", str(models))
    monkeypatch.setattr(engines, "onnx_missing", lambda: ["onnx"])  # nothing is converted
    return AdaptHandlers(Studio(models=models, default_model="tiny"), storage)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapting in this process, one step of it; the real thing is in test_adapt_browser.py."""

    def here(job: dict[str, Any], *_: Any) -> dict[str, Any]:
        return adapt(AdaptRequest(**job)).to_dict()

    monkeypatch.setattr("app.depth_page.adapt_tab.adapt_apart", here)
    monkeypatch.setattr("core.train.adapt.MIXES", (0.0, 0.5))
    monkeypatch.setattr("core.train.adapt.FEWEST_STEPS", 1)
    monkeypatch.setattr("core.train.adapt.EPOCHS", 0)


REQUEST: Any = SimpleNamespace(session_hash="s", headers={"accept-language": "en"})


def told(*_args: Any, **_options: Any) -> None:
    """A progress bar that shows nothing."""


def sent(storage: Storage, files: list[Path]) -> list[dict[str, Any]]:
    return [{"path": str(storage.keep(each.name, each.read_bytes())), "meta": {}} for each in files]


def zipped(files: list[Path], names: Callable[[Path], str], extra: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each in files:
            archive.write(each, names(each))
        for name, text in extra.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.usefixtures("at_once")
def test_a_kept_model_is_used_and_undone(
    handlers: AdaptHandlers, storage: Storage, frames: Path, models: Path, tmp_path: Path
) -> None:
    toml = f"scale = 1000.0\ncamera = {list(CAMERA)}\nrgb = '/etc'\n"
    (frames / "dataset.toml").write_text(toml)
    files = sent(storage, sorted(frames.iterdir()))
    shown, kept, undo = handlers.adapt(REQUEST, told, files, "hall", "tiny", "0.1", "", "")
    assert "Kept as hall" in shown
    assert shown.count("<figure>") % 3 == 0
    assert shown.count("<figure>") >= 3
    assert undo["visible"]
    sent_back = json.loads(json.dumps(gr.JSON().postprocess(kept).root))  # as the page has it
    studio = handlers._studio
    assert studio.predictor("hall").info.provenance["adapted_from"] == "tiny"
    asked, photo = depth_request(model="hall", fov="63"), sorted(frames.glob("*.png"))[0]
    about = described_by(run_batch(studio, [photo], asked, ["npy"], tmp_path)[0])
    assert (about["model"]["name"], about["model"]["sha256"]) == (
        "hall", studio.predictor("hall").info.sha256,
    )  # fmt: skip
    known = studio.result(photo, depth_request(model="tiny", fov="63")).prediction.depth
    now = studio.result(photo, asked).prediction.depth
    assert float(np.median(now / known)) == pytest.approx(1.3, rel=0.03)
    with pytest.raises(CheckpointError, match="already"):  # nobody's model is replaced
        handlers.adapt(REQUEST, told, files, "hall", "tiny", "0.1", "", "")
    for guess in (
        None,
        "hall",
        {"secret": "x" * 24},
        {"secret": ["hall"]},
        3,
    ):  # another visitor's page
        with pytest.raises(DataError, match="expected one to undo"):
            handlers.undo(REQUEST, guess)
    said, _, undo = handlers.undo(REQUEST, sent_back)
    assert "hall was removed" in said
    assert not undo["visible"]
    assert [path.name for path in models.iterdir()] == ["tiny.safetensors"]
    assert studio.model_names() == ["tiny"]
    with pytest.raises(CheckpointError, match="'hall', expected one of those installed"):
        studio.result(photo, asked)


def described_by(archive: Path) -> dict[str, Any]:
    """The one sidecar in a batch's zip."""
    with zipfile.ZipFile(archive) as found:
        (name,) = [each for each in found.namelist() if each.endswith("00.json")]
        return dict(json.loads(found.read(name)))


@pytest.mark.usefixtures("at_once")
def test_what_cannot_be_used_is_one_sentence(
    handlers: AdaptHandlers, storage: Storage, frames: Path, tmp_path: Path
) -> None:
    photos = sorted(frames.glob("*.png"))
    files = sent(storage, photos[:6])
    with pytest.raises(DataError, match="no files yet"):
        handlers.adapt(REQUEST, told, [], "x", "tiny", "0.1", "", "63")
    with pytest.raises(DataError, match="There are 3 frames"):
        handlers.adapt(REQUEST, told, files, "x", "tiny", "0.1", "", "63")
    with pytest.raises(ConfigError, match="Minutes"):
        handlers.adapt(REQUEST, told, files, "x", "tiny", "500", "", "63")
    with pytest.raises(CheckpointError, match="expected one of those installed"):
        handlers.adapt(REQUEST, told, files, "x", "/etc/passwd", "1", "", "63")
    with pytest.raises(ImageError):
        handlers.adapt(REQUEST, told, [{"path": "/etc/passwd"}], "x", "tiny", "1", "", "63")
    with pytest.raises(CheckpointError):
        handlers.adapt(REQUEST, told, sent(storage, photos), "../x", "tiny", "1", "", "63")


def stored(folder: Path, frames: Path, how: str) -> list[Path]:
    """The frames' photos, and their depth in another form than millimetres in a PNG."""
    folder.mkdir()
    for photo in sorted(frames.glob("hall??.png")):
        shutil.copy(photo, folder)
        path = folder / f"{photo.stem}_depth.png"
        units = np.asarray(Image.open(frames / path.name))
        if how == "kitti":
            Image.fromarray(np.rint(units * 0.256).astype(np.uint16)).save(path)
        elif how == "8 bits":
            Image.fromarray((units >> 6).astype(np.uint8)).save(path)
        elif how == "half as large":
            Image.fromarray(units[::2, ::2]).save(path)
        elif how == "of another shape":
            Image.fromarray(units[:50]).save(path)
        else:
            kind = {"whole npy": np.uint16, "npy of millimetres": np.float32}.get(how)
            np.save(path.with_suffix(".npy"), units.astype(kind) if kind else units / 1000)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("how", ["half as large", "whole npy", "npy"])
def test_depth_in_other_forms_is_right(how: str, frames: Path, tmp_path: Path) -> None:
    files = stored(tmp_path / "in", frames, how)
    sample = FolderDataset(arranged(files, tmp_path / "job", Settings(fov=63.0)).data)[0]
    truth = np.asarray(Image.open(frames / "hall00_depth.png")) / 1000
    there = sample.depth > 0
    assert sample.depth.shape == truth.shape
    assert there.mean() > 0.2
    assert float(np.median(np.abs(sample.depth / truth - 1)[there])) < 0.01


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("kitti", r"0\.33\d times .* 1000 stored units per metre \(1\.3 times, were 256 units"),
        ("8 bits", r"There are 0 frames .* Left out: hall\d\d\.png: .* mode L, expected 16-bit"),
        ("of another shape", r"There are 0 frames .* 128x96 pixels and a depth map of 128x50"),
        ("npy of millimetres", r"0 frames .* has a depth of \d+ m, expected less than 80 m"),
    ],
)
def test_depth_that_cannot_be_right_is_one_sentence(
    how: str, said: str, handlers: AdaptHandlers, storage: Storage, frames: Path, tmp_path: Path
) -> None:
    files = sent(storage, stored(tmp_path / "in", frames, how))
    with pytest.raises(DataError, match=said) as refused:
        handlers.adapt(REQUEST, told, files, "x", "tiny", "0.1", "", "63")
    assert "/" not in str(refused.value).replace("u/v", "")


def test_a_stop_ends_the_process_and_leaves_nothing(
    frames: Path, models: Path, tmp_path: Path
) -> None:
    data = arranged(sorted(frames.iterdir()), tmp_path / "job", Settings(fov=63.0))
    began = time.monotonic()
    asked = {"data": data, "name": "late", "model": "tiny", "minutes": 5.0}
    with pytest.raises(EngineError, match="nothing was changed"):
        adapt_apart(asked, tmp_path, models, lambda: time.monotonic() < began + 1, lambda *_: None)
    assert time.monotonic() - began < 30
    assert not (models / "late.safetensors").exists()


@pytest.mark.parametrize("way", ["flat", "folders", "scenes"])
def test_frames_are_found_however_they_are_packed(way: str, frames: Path, tmp_path: Path) -> None:
    def name(path: Path) -> str:
        kind = "depth" if "_depth" in path.name else "rgb"
        if way == "flat":
            return path.name
        plain = path.name.replace("_depth", "")
        return f"mine/{kind}/{plain}" if way == "folders" else f"up/{kind}/{plain}"

    files = sorted(frames.glob("*.png"))
    extra = {} if way == "flat" else {"mine/dataset.toml": "scale = 500.0\nfov = 60.0"}
    archive = tmp_path / "mine.zip"
    archive.write_bytes(zipped(files, name, extra | {"readme.txt": "hello"}))
    sent = arranged([archive], tmp_path / "job", Settings(fov=63.0))
    found = FolderDataset(sent.data)
    assert [frame.name for frame in found.frames] == [f"hall{n:02d}" for n in range(FRAMES)]
    assert (sent.frames, sent.notes) == (FRAMES, ())
    assert len(found.frames) == FRAMES
    sample = found[0]
    truth = np.asarray(Image.open(frames / "hall00_depth.png")) / (1000 if way == "flat" else 500)
    np.testing.assert_allclose(sample.depth, truth, rtol=1e-6)
    np.testing.assert_array_equal(sample.rgb, np.asarray(Image.open(frames / "hall00.png")))
    assert found.frames[0].camera == 63.0  # what was typed counts more
    assert sorted(path.name for path in (tmp_path / "job").iterdir()) == ["data"]


def test_points_need_no_scale_and_nothing_matches_is_said(frames: Path, tmp_path: Path) -> None:
    photo = frames / "hall00.png"
    points = tmp_path / "hall00.csv"
    points.write_text("u,v,metres\n10,10,2.5\n")
    (sample,) = FolderDataset(arranged([photo, points], tmp_path / "a", Settings(fov=60.0)).data)
    assert float(sample.depth[10, 10]) == 2.5
    other = tmp_path / "yard.csv"
    other.write_text("u,v,metres\n10,10,2.5\n")
    with pytest.raises(DataError, match="1 photo and 1 file with depth"):
        arranged([photo, other], tmp_path / "b", Settings())
    some = arranged([photo, points, other], tmp_path / "e", Settings())
    assert some.frames == 1
    assert "1 file without a photo or depth of that name (yard)" in some.notes[0]
    with pytest.raises(DataError, match="Two files"):
        arranged([photo, points, points], tmp_path / "c", Settings())
    bad = tmp_path / "dataset.toml"
    bad.write_text("camera = 'yes'")
    with pytest.raises(DataError, match="dataset.toml cannot be read"):
        arranged([photo, points, bad], tmp_path / "d", Settings())


def test_the_tab_is_not_there_unless_the_operator_allows_it(studio_url: str) -> None:
    with urllib.request.urlopen(f"{studio_url}/config") as answer:
        config = json.loads(answer.read())
    parts = {each["props"].get("elem_id") for each in config["components"]}
    assert not {"tab-adapt", "adapt-run"} & parts  # test_adapt_browser.py uses them
