"""The exported ONNX file, run by ONNX Runtime alone, gives the program's metres."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from core.engines import onnx_check, onnx_file
from core.engines.onnx_check import check_onnx
from core.engines.onnx_export import to_onnx
from core.engines.onnx_file import HALF_AGREES as AGREES
from core.engines.onnx_file import check_onnx_file, export_onnx, to_onnx_file, with_half_filters
from core.errors import ExportError
from core.predictor import Predictor, load_predictor
from core.weights.checkpoint import find_model, load_checkpoint
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised
from tests.tiny_checkpoint import CAMERA, calibrated, picture, pictures, save_tiny, tiny_config

FOCAL = 120.0
STRIDES = (16, 8, 4, 2, 1)
METADATA = {"lapdepth", "name", "checkpoint_sha256", "licence", "training_data", "input", "focal",
            "output"}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return save_tiny(folder, deep_stage=True, global_context=True, focal=FOCAL)


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deep") / "er" / "model.onnx"
    model, info = load_checkpoint(checkpoint)
    assert export_onnx(model, info, path, levels=True) <= 1e-4
    return path


@pytest.fixture(scope="module")
def predictor(checkpoint: Path) -> Predictor:
    return load_predictor(checkpoint, engine="torch")


def session_of(model: Path | bytes) -> Any:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def values(session: Any, image: NDArray[np.float32], focal: object = None) -> dict[str, Any]:
    feeds = {"image": image}
    if focal is not None:
        feeds["focal"] = np.asarray(focal, np.float32)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def seen(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    return normalised(photo)


@pytest.mark.parametrize("size", [(128, 96), (80, 112), (256, 96)])
@pytest.mark.parametrize("fov", [None, 40.0, 63.0, 90.0])
def test_metres_follow_the_cameras_field_of_view(
    exported: Path, predictor: Predictor, fov: float | None, size: tuple[int, int]
) -> None:
    """Without a focal length they are those of the training camera, at every size."""
    photo = picture(*size, seed=7)
    wanted = predictor(photo, fov=fov, resolution=size[1])
    assert wanted.settings["working_size"] == list(size)
    focal = None if fov is None else size[0] / 2 / math.tan(math.radians(fov) / 2)
    got = values(session_of(exported), seen(photo), focal)
    np.testing.assert_allclose(got["depth"][0, 0], wanted.depth, rtol=1e-4)
    for stride, level in zip(STRIDES, wanted.levels, strict=True):
        np.testing.assert_allclose(got[f"level_{stride}"][0, 0], level.depth, rtol=1e-4)
        np.testing.assert_allclose(got[f"residual_{stride}"][0, 0], level.residual, atol=2e-3)


@pytest.mark.parametrize("focal", [[90.0], [90.0, 200.0]])
def test_a_batch_may_have_one_camera_or_several(exported: Path, focal: list[float]) -> None:
    session, images = session_of(exported), pictures(2, 96, 128, seed=3).numpy()
    canonical = values(session, images, FOCAL)["depth"]
    factors = np.array(focal).reshape(-1, 1, 1, 1) / FOCAL
    np.testing.assert_allclose(values(session, images, focal)["depth"], canonical * factors, 1e-5)


def test_depth_of_a_model_without_a_canonical_focal_is_what_it_is(tmp_path: Path) -> None:
    model, info = load_checkpoint(save_tiny(tmp_path))
    content = to_onnx_file(model, info)
    check_onnx_file(content, model, info)
    image = pictures(1, 96, 112)
    with torch.inference_mode():
        wanted = model(image).depth.numpy()
    for focal in (None, 50.0):
        got = values(session_of(content), image.numpy(), focal)
        assert list(got) == ["depth"]
        np.testing.assert_allclose(got["depth"], wanted, rtol=1e-4)


def test_the_file_says_what_it_is(exported: Path, checkpoint: Path) -> None:
    info = find_model(checkpoint)
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    session = session_of(exported)
    about = session.get_modelmeta().custom_metadata_map
    assert set(about) == METADATA
    assert about["checkpoint_sha256"] == info.sha256
    assert (about["licence"], about["training_data"]) == (info.licence, info.training_data)
    assert ModelInfo.from_json(about["lapdepth"]).config == info.config
    focal = json.loads(about["focal"])
    assert focal["canonical"] == FOCAL
    assert focal["factor"] * 640 == pytest.approx(math.sqrt(CAMERA.fx * CAMERA.fy))
    assert focal["default_at_working_height"] == pytest.approx(focal["factor"] * 128)
    assert [each.name for each in session.get_inputs()] == ["image"]
    assert [each.name for each in session.get_overridable_initializers()] == ["focal"]
    assert list(json.loads(about["output"])["outputs"]) == [o.name for o in session.get_outputs()]


def test_half_the_bytes_hold_nearly_the_same_depth(exported: Path, tmp_path: Path) -> None:
    content, difference = with_half_filters(exported.read_bytes())
    assert len(content) < 0.6 * exported.stat().st_size
    image = pictures(1, 96, 128, seed=5).numpy()
    exact, half = (values(session_of(model), image, FOCAL) for model in (exported, content))
    assert list(half) == list(exact)  # float32 still, every level
    for name, wanted in exact.items():
        assert half[name].dtype == np.float32
        assert np.abs(half[name] - wanted).mean() < 0.1, name  # metres, of a reach of 10
    assert 0 < difference < AGREES
    model = onnx.load_from_string(content)
    assert {prop.key for prop in model.metadata_props} == METADATA
    onnx.checker.check_model(model, full_check=True)
    filters = [each for each in model.graph.initializer if len(each.dims) > 1]
    assert {each.data_type for each in filters} == {onnx.TensorProto.FLOAT16}


def test_filters_beyond_float16_are_refused(exported: Path) -> None:
    model = onnx.load(exported)
    large = next(each for each in model.graph.initializer if len(each.dims) == 4)
    large.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(large) * 1e9, large.name))
    with pytest.raises(ExportError, match="float16 can store.*without --half"):
        with_half_filters(model.SerializeToString())


def test_a_model_that_disagrees_is_never_written(
    checkpoint: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = ((1, 96, 96), (1, 112, 80))
    for module in (onnx_check, onnx_file):
        monkeypatch.setattr(module, "CHECKED_SIZES", sizes)
    model, info = load_checkpoint(checkpoint)
    other = calibrated(tiny_config(deep_stage=True, global_context=True, focal=FOCAL), seed=1)
    with pytest.raises(ExportError, match="differs from PyTorch"):
        check_onnx(to_onnx(model, info), other)
    content = exported.read_bytes()
    monkeypatch.setattr(onnx_file, "to_onnx_file", lambda *_, **__: content)
    path = tmp_path / "model.onnx"
    with pytest.raises(ExportError, match="differs from PyTorch"):
        export_onnx(other, info, path, levels=True)
    forgotten = calibrated(tiny_config(deep_stage=True, global_context=True, focal=2 * FOCAL))
    with pytest.raises(ExportError, match="differs from PyTorch"):
        check_onnx_file(content, forgotten, info)
    assert list(tmp_path.iterdir()) == []
