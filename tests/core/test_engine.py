"""Every engine gives PyTorch's depth; the exported model is checked before it is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core import engines
from core.engines import onnx_engine, onnx_export, open_engine
from core.engines.onnx_engine import OnnxEngine
from core.engines.onnx_export import to_onnx
from core.engines.torch_engine import TorchEngine
from core.errors import EngineError, ExportError
from core.model import accumulate
from core.predictor import load_predictor
from core.threads import usable_threads
from core.weights.checkpoint import find_model, list_models, load_checkpoint
from core.weights.model_info import ModelInfo
from tests.tiny_checkpoint import picture, pictures, save_tiny


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return save_tiny(folder, deep_stage=True, global_context=True, focal=120.0)


@pytest.fixture(scope="module")
def info(checkpoint: Path) -> ModelInfo:
    return find_model(checkpoint)


@pytest.fixture(scope="module")
def content(checkpoint: Path) -> bytes:
    return to_onnx(*load_checkpoint(checkpoint))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAPDEPTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """The names of the models that are converted from now on; the conversion itself is not run."""
    names: list[str] = []

    def convert(info: ModelInfo) -> bytes:
        names.append(info.name)
        return content

    monkeypatch.setattr(onnx_engine, "_convert", convert)
    return names


@pytest.mark.parametrize("shape", [(1, 96, 128), (2, 112, 80), (1, 208, 336)])
def test_onnx_agrees_with_plain_pytorch(
    checkpoint: Path, content: bytes, shape: tuple[int, int, int]
) -> None:
    model, _ = load_checkpoint(checkpoint)
    image = pictures(*shape, seed=5)
    with torch.inference_mode():
        expected = model(image)
    for engine in (OnnxEngine(content), TorchEngine(model)):
        residuals = [torch.from_numpy(r) for r in engine.run(image.numpy())]
        assert [r.shape for r in residuals] == [r.shape for r in expected.residuals]
        for got, wanted in zip(residuals, expected.residuals, strict=True):
            assert got.dtype == torch.float32
            assert torch.allclose(got, wanted, atol=2e-4)
        depth = model.depth_of(accumulate(residuals)[-1])
        assert float(((depth - expected.depth).abs() / expected.depth).max()) <= 1e-4


@pytest.mark.parametrize("encoder", ["efficientnet_lite0", "resnet18", "resnext50_32x4d"])
def test_every_family_of_encoders_converts(tmp_path: Path, encoder: str) -> None:
    model, info = load_checkpoint(save_tiny(tmp_path, encoder=encoder))
    image = pictures(1, 96, 112, seed=5)
    with torch.inference_mode():
        expected = model(image).depth
    residuals = OnnxEngine(to_onnx(model, info)).run(image.numpy())
    got = model.depth_of(accumulate([torch.from_numpy(r) for r in residuals])[-1])
    assert float(expected.std()) > 0.01
    assert float(((got - expected).abs() / expected).max()) <= 1e-4


@pytest.mark.usefixtures("cache")
def test_both_engines_predict_the_same_photo(checkpoint: Path) -> None:
    photo = picture(220, 160)
    by_torch = load_predictor(checkpoint, engine="torch")
    by_onnx = load_predictor(checkpoint, engine="onnx")
    assert by_torch.engine.name == "torch"
    assert by_onnx.engine.name == "onnx"
    a, b = by_torch(photo, flip=True), by_onnx(photo, flip=True)
    assert np.abs(a.depth / b.depth - 1).max() <= 1e-4
    working = picture(*b.settings["working_size"])
    unflipped = by_onnx(working)
    assert np.array_equal(unflipped.depth, unflipped.levels[-1].depth)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", [info.name for info in list_models()])
def test_the_shipped_models_agree_in_both_engines(name: str) -> None:
    photo = picture(333, 250, seed=3)
    a, b = (load_predictor(name, engine=engine)(photo) for engine in ("torch", "onnx"))
    assert np.abs(a.depth / b.depth - 1).max() <= 1e-4
    assert a.depth.std() > 0.01


def test_the_model_is_converted_once(info: ModelInfo, cache: Path, counted: list[str]) -> None:
    for _ in range(3):
        open_engine(info, engine="onnx", device="cpu")
    assert counted == ["tiny"]
    assert len(list(cache.glob(f"{info.sha256}*.onnx"))) == 1


def test_a_damaged_or_half_written_cache_is_made_again(
    info: ModelInfo, cache: Path, counted: list[str], content: bytes
) -> None:
    open_engine(info, engine="onnx")
    (file,) = cache.glob("*.onnx")
    file.write_bytes(content[:-7])
    open_engine(info, engine="onnx")
    assert file.read_bytes() == content
    file.with_suffix(".json").unlink()
    open_engine(info, engine="onnx")
    assert len(counted) == 3


def test_a_cache_that_cannot_be_written_costs_only_time(
    info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAPDEPTH_CACHE", str(tmp_path / "file" / "cache"))
    assert open_engine(info, engine="onnx").name == "onnx"
    assert counted == ["tiny"]


@pytest.mark.usefixtures("cache", "counted")
def test_onnx_runtime_reports_nothing(tmp_path: Path) -> None:
    silent = {"ORT_DISABLE_TELEMETRY", "CI"}  # which its maker's code asks as well
    environment = {key: value for key, value in os.environ.items() if key not in silent}
    environment |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": ""}
    code = "from core.engines.onnx_engine import load_onnxruntime; load_onnxruntime()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    # Otherwise: an identifier and a database in ~/.cache/Microsoft, a session file in TMPDIR.
    assert list(tmp_path.iterdir()) == []


def test_auto_takes_onnx_where_it_is_installed_and_pytorch_elsewhere(
    info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_engine(info, device="cpu").name == "onnx"
    monkeypatch.setattr(engines, "onnx_missing", lambda: ["onnxruntime"])
    assert open_engine(info, device="cpu").name == "torch"


@pytest.mark.usefixtures("cache")
def test_auto_falls_back_to_pytorch_when_the_conversion_fails(
    info: ModelInfo,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> bytes:
        raise ExportError("no such operation")

    monkeypatch.setattr(onnx_export, "to_onnx", fail)
    assert open_engine(info, device="cpu").name == "torch"
    assert "no such operation" in caplog.text
    with pytest.raises(EngineError, match="no such operation"):
        open_engine(info, engine="onnx")


@pytest.mark.parametrize(
    "choice",
    [
        {"engine": "tensorrt"},
        {"device": "tpu"},
        {"engine": "onnx", "device": "cuda"},
        {"engine": "torch", "device": "cpu", "precision": "float16"},
        {"engine": "torch", "device": "cpu", "precision": "int4"},
    ],
    ids=str,
)
def test_unusable_choices_are_refused(info: ModelInfo, choice: dict[str, str]) -> None:
    with pytest.raises(EngineError, match="expected"):
        open_engine(info, **choice)


def test_out_of_memory_is_said_and_other_errors_stay_bugs(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = TorchEngine(load_checkpoint(checkpoint)[0])
    problem = ["DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"]

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(problem[0])

    monkeypatch.setattr(engine, "_pass", fail)
    with pytest.raises(EngineError, match="128x96.*lower resolution"):
        engine.run(pictures(1, 96, 128))
    problem[0] = "shapes cannot be multiplied"
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        engine.run(pictures(1, 96, 128))


@pytest.mark.parametrize(
    ("quota", "threads"), [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("?", 8)]
)
def test_threads_keep_to_the_containers_quota(
    quota: str, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert usable_threads(file) == threads
    assert usable_threads(tmp_path / "missing") == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_threads(file) == 3
