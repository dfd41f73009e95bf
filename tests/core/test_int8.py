"""8-bit integers: close to float32, smaller, kept, and refused where they do not suit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cli.main import main
from core.engines import int8, open_engine
from core.errors import EngineError
from core.predictor import load_predictor
from core.weights.checkpoint import CHECKPOINTS, find_model
from core.weights.model_info import ModelInfo
from core.weights.registry import EXAMPLES
from tests.tiny_checkpoint import picture

PHOTO = EXAMPLES / "coffee.jpg"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept apart, and calibrated with five of the examples, to be quicker."""
    monkeypatch.setenv("LAPDEPTH_CACHE", str(cache))
    few = cache / "photos"
    few.mkdir(exist_ok=True)
    for name in ("books", "coffee", "garage", "room", "street"):
        shutil.copy(EXAMPLES / f"{name}.jpg", few)
    pictures = int8.calibration_pictures
    monkeypatch.setattr(
        int8, "calibration_pictures", lambda info, folder=few: pictures(info, folder)
    )


def info_of(checkpoint: Path) -> ModelInfo:
    return find_model(checkpoint)


def test_a_shipped_model_stays_close(cache: Path) -> None:
    plain, small = (load_predictor("lite-indoor", precision=p) for p in ("float32", "int8"))
    assert (small.engine.name, small.engine.precision) == ("onnx", "int8")
    expected, got = plain(PHOTO), small(PHOTO)
    assert got.settings["precision"] == "int8"
    off = np.abs(got.depth / expected.depth - 1)
    assert 0.001 < off.mean() < 0.04
    (little,) = cache.glob(f"{plain.info.sha256}*int8*.onnx")
    shipped = CHECKPOINTS / "lite-indoor.safetensors"  # its filters have 16 bits
    assert little.stat().st_size < 0.8 * shipped.stat().st_size


def test_a_network_that_integers_do_not_suit_is_refused(
    tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "MOST_OFF", 1e-9)
    with pytest.raises(EngineError, match="8-bit integers depth differs by .*use the precision"):
        open_engine(info_of(tiny), precision="int8")
    assert not list(cache.glob(f"{info_of(tiny).sha256}*int8*"))


def test_it_says_what_it_lacks(tiny: Path, tmp_path: Path) -> None:
    info = info_of(tiny)
    with pytest.raises(EngineError, match="no photos in .*expected the program's examples"):
        int8.calibration_pictures(info, tmp_path)
    with pytest.raises(EngineError, match="'int8' for PyTorch on cpu"):
        open_engine(info, engine="torch", precision="int8")
    with pytest.raises(EngineError, match="expected the CPU"):
        open_engine(info, engine="onnx", device="cuda", precision="int8")


def test_results_of_another_precision_are_not_taken_for_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(PHOTO), "--out", str(tmp_path), "--model", "lite-indoor"]
    command += ["--save", "npy", "--json"]
    counts = []
    for precision in ("float32", "int8", "int8"):
        assert main([*command, "--precision", precision]) == 0
        counts.append(json.loads(capsys.readouterr().out)["counts"])
    assert [count["done"] for count in counts] == [1, 1, 0]
    assert json.loads((tmp_path / "coffee.json").read_text())["settings"]["precision"] == "int8"


def test_evaluate_says_what_it_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("rgb", "depth"):
        (tmp_path / "val" / folder).mkdir(parents=True)
    Image.fromarray(picture(640, 480)).save(tmp_path / "val" / "rgb" / "0.png")
    metres = np.full((480, 640), 3000, np.uint16)
    Image.fromarray(metres).save(tmp_path / "val" / "depth" / "0.png")
    figures = []
    for precision in ("float32", "int8"):
        command = ["evaluate", "--dataset", "nyu", "--root", str(tmp_path), "--json"]
        assert main([*command, "--precision", precision]) == 0
        figures.append(json.loads(capsys.readouterr().out))
    assert [each["precision"] for each in figures] == ["float32", "int8"]
    assert figures[0]["rmse"] != figures[1]["rmse"] == pytest.approx(figures[0]["rmse"], rel=0.1)
    assert [("--precision int8" in each["command"]) for each in figures] == [False, True]
