"""The callable in the shape of transformers' depth-estimation pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.errors import ConfigError, EngineError, ImageError
from core.pipeline import DepthEstimationPipeline, pipeline
from core.predictor import load_predictor
from tests.tiny_checkpoint import picture, save_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def pipe(model: Path) -> DepthEstimationPipeline:
    return pipeline("depth-estimation", model=model, device=-1)


@pytest.mark.parametrize("device", [1, "cuda:1", "mps:2"])
def test_another_gpu_is_not_taken_for_the_first(device: str | int) -> None:
    with pytest.raises(EngineError, match="CUDA_VISIBLE_DEVICES"):
        pipeline("depth-estimation", device=device)


def test_one_photo_gives_the_keys_of_transformers(
    pipe: DepthEstimationPipeline, model: Path, tmp_path: Path
) -> None:
    rgb = picture(90, 60)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    result = pipe(str(tmp_path / "photo.png"))
    assert set(result) == {"predicted_depth", "depth"}
    assert isinstance(result["predicted_depth"], torch.Tensor)
    expected = load_predictor(model, "cpu")(rgb).depth
    np.testing.assert_array_equal(result["predicted_depth"].numpy(), expected)
    grey = np.asarray(result["depth"])
    assert result["depth"].mode == "L"
    assert (grey.shape, grey.min(), grey.max()) == ((60, 90), 0, 255)
    assert grey.argmax() == expected.argmax()


def test_several_photos_come_back_as_they_were_given(pipe: DepthEstimationPipeline) -> None:
    photos = [Image.fromarray(picture(64, 48, seed)) for seed in range(2)]
    listed = pipe(photos, batch_size=2)
    streamed = pipe(photo for photo in photos)
    assert isinstance(listed, list)
    assert not isinstance(streamed, list)
    for one, other in zip(listed, streamed, strict=True):
        assert torch.equal(one["predicted_depth"], other["predicted_depth"])
    assert not torch.equal(listed[0]["predicted_depth"], listed[1]["predicted_depth"])


def test_what_it_cannot_do_it_says(pipe: DepthEstimationPipeline) -> None:
    with pytest.raises(ConfigError, match="depth-estimation"):
        pipeline("image-classification")
    with pytest.raises(ImageError, match="download it first"):
        pipe("https://example.org/photo.jpg")
