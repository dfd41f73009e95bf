"""Adapting a model to frames of one's own: kept where it helps, refused where it does not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from core import engines
from core.data.batches import DataSource
from core.errors import CheckpointError, DataError
from core.predictor import load_predictor
from core.train.adapt import AdaptRequest, adapt, undo
from core.train.config import TrainConfig
from core.train.fine_tuning import mixed
from core.train.held_out import FEWEST, split
from core.train.loop import train
from core.weights import checkpoint
from core.weights.checkpoint import find_model, load_checkpoint
from core.weights.registry import pin_checkpoint
from tests.core.cli_runs import run
from tests.tiny_checkpoint import picture, save_tiny

CAMERA = "camera = [104.0, 104.0, 63.5, 47.5]"
FRAMES = 12


@pytest.fixture(scope="module")
def own_depth(tmp_path_factory: pytest.TempPathFactory) -> list[NDArray[np.float32]]:
    """What the tiny model says of the frames' pictures."""
    path = save_tiny(tmp_path_factory.mktemp("model"))
    predictor = load_predictor(path, engine="torch")
    return [
        predictor(picture(128, 96, seed), intrinsics=(104.0, 104.0, 63.5, 47.5)).depth
        for seed in range(FRAMES)
    ]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tiny model, as if it shipped with the program."""
    path = save_tiny(tmp_path / "models")
    pin_checkpoint(path)
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", path.parent)
    monkeypatch.setattr(engines, "onnx_missing", lambda: ["onnx"])
    monkeypatch.chdir(tmp_path)
    # One step and one mix: what is tested is the way there, not how far training gets.
    monkeypatch.setattr("core.train.adapt.MIXES", (0.0, 0.5))
    monkeypatch.setattr("core.train.adapt.FEWEST_STEPS", 1)
    monkeypatch.setattr("core.train.adapt.EPOCHS", 0)
    monkeypatch.setattr(checkpoint, "models_folder", lambda: path.parent)
    return path


def frames(folder: Path, depths: list[NDArray[np.float32]], factor: float = 1.0) -> Path:
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    for seed, depth in enumerate(depths):
        Image.fromarray(picture(128, 96, seed)).save(folder / "rgb" / f"{seed:03d}.png")
        np.save(folder / "depth" / f"{seed:03d}.npy", factor * depth)
    (folder / "dataset.toml").write_text(f"scale = 1.0\n{CAMERA}\n")
    return folder


def test_a_camera_whose_metres_are_off_is_put_right(
    tmp_path: Path, models: Path, own_depth: list[NDArray[np.float32]]
) -> None:
    shipped = models.read_bytes()
    report = adapt(AdaptRequest(frames(tmp_path / "hall", own_depth, 1.3), "hall", "tiny"))

    assert report.kept
    assert report.scale == pytest.approx(1.3, rel=1e-3)
    assert report.before.abs_rel == pytest.approx(1 - 1 / 1.3, abs=2e-3)
    assert report.after.abs_rel < 0.05
    assert sum(report.frames) == FRAMES
    new, old = find_model("hall"), find_model("tiny")
    assert new.licence == old.licence
    assert new.provenance["adapted_from"] == "tiny"
    assert old.training_data in new.training_data
    assert models.read_bytes() == shipped
    said = json.loads((models.parent / "hall.json").read_text())
    assert said["sha256"] == new.sha256
    depth = load_predictor("hall", engine="torch")(
        picture(128, 96, 0), intrinsics=(104.0, 104.0, 63.5, 47.5)
    ).depth
    assert float(np.median(depth / own_depth[0])) == pytest.approx(1.3, rel=0.05)

    again = AdaptRequest(tmp_path / "hall", "hall", "tiny")
    with pytest.raises(CheckpointError, match="There is a model 'hall' already"):
        adapt(again)
    with pytest.raises(CheckpointError, match="the one to start from"):
        adapt(replace(again, model="hall", overwrite=True))
    undo("hall")
    assert sorted(path.name for path in models.parent.iterdir()) == [
        "registry.json", "tiny.safetensors"
    ]  # fmt: skip


def test_what_is_no_better_is_not_kept(
    tmp_path: Path, models: Path, own_depth: list[NDArray[np.float32]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = frames(tmp_path / "same", own_depth)
    assert run("adapt", "--data", data, "--name", "same", "--model", "tiny", "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["kept"] is False
    assert "Not kept" in said.err
    assert not (models.parent / "same.safetensors").exists()


def test_twelve_measured_points_a_photo_are_enough(
    tmp_path: Path, models: Path, own_depth: list[NDArray[np.float32]]
) -> None:
    data = frames(tmp_path / "points", own_depth)
    rng = np.random.default_rng(0)
    for seed, depth in enumerate(own_depth):
        (data / "depth" / f"{seed:03d}.npy").unlink()
        rows, columns = rng.integers(0, 96, 12), rng.integers(0, 128, 12)
        lines = [f"{u},{v},{0.7 * depth[v, u]:.5f}" for v, u in zip(rows, columns, strict=True)]
        (data / "depth" / f"{seed:03d}.csv").write_text("u,v,metres\n" + "\n".join(lines))
    report = adapt(AdaptRequest(data, "points", "tiny"))
    assert report.kept
    assert report.scale == pytest.approx(0.7, rel=0.01)


def test_parts_share_no_stretch_of_a_recording() -> None:
    names = [f"{scene}/{i:02d}" for scene in ("hall", "yard") for i in range(10)]
    parts = split([*names, "lone/00"])
    assert set(parts.learn) == {
        *(f"{s}/{i:02d}" for s in ("hall", "yard") for i in range(6)), "lone/00"
    }  # fmt: skip
    assert parts.choose == ("hall/06", "hall/07", "yard/06", "yard/07")
    assert parts.judge == ("hall/08", "hall/09", "yard/08", "yard/09")
    walk = split([f"{i:02d}" for i in range(24)])  # long enough for two stretches
    assert walk.judge == ("10", "11", "22", "23")
    assert walk.choose == ("07", "08", "09", "19", "20", "21")
    scattered = split([f"{i}/0" for i in range(FEWEST)])  # one frame in each scene
    assert [len(part) for part in (scattered.learn, scattered.choose, scattered.judge)] == [6, 2, 2]


def test_refusals_say_what_to_do(
    tmp_path: Path, models: Path, own_depth: list[NDArray[np.float32]]
) -> None:
    data = frames(tmp_path / "data", own_depth, 1.3)
    with pytest.raises(CheckpointError, match="ships with the program"):
        adapt(AdaptRequest(data, "tiny", "tiny"))
    with pytest.raises(CheckpointError, match="not made by `adapt`"):
        undo("tiny")
    (data / "dataset.toml").write_text(f"scale = 0.1\n{CAMERA}\n")
    with pytest.raises(DataError, match="stored units per metre"):
        adapt(AdaptRequest(data, "own", "tiny"))
    for path in sorted((data / "rgb").iterdir())[FEWEST - 1 :]:
        path.unlink()
    with pytest.raises(DataError, match=f"There are {FEWEST - 1} frames"):
        adapt(AdaptRequest(data, "own", "tiny"))
    assert [path.name for path in models.parent.glob("*.safetensors")] == ["tiny.safetensors"]


def test_light_training_leaves_encoder_and_statistics_as_they_were(
    tmp_path: Path, models: Path, own_depth: list[NDArray[np.float32]]
) -> None:
    data = frames(tmp_path / "data", own_depth, 1.3)
    old, info = load_checkpoint(models)
    config = TrainConfig(
        name="light", model=info.config, train=(DataSource("folder", str(data)),), size=(96, 128),
        steps=2, batch=2, init=str(models), tune="light", out=str(tmp_path / "runs"), threads=1,
    )  # fmt: skip
    new, _ = load_checkpoint(train(config) / "light.safetensors")
    before, after = old.state_dict(), new.state_dict()
    moved = {key for key in before if not torch.allclose(before[key], after[key], atol=2e-4)}
    assert moved
    assert not any(key.startswith("encoder") or "running" in key for key in moved)
    half = mixed(old, new, 0.5).state_dict()
    for key in moved:
        assert torch.allclose(half[key], (before[key] + after[key]) / 2, atol=1e-6)
