"""The confidence: worth something where it can be, honest about its tables."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core import load_predictor
from core.errors import ConfigError
from core.model import LapDepth, LapDepthOutput, ModelConfig
from core.predictor import Predictor
from core.train.confidence import fit_error_model
from core.weights.checkpoint import find_model
from core.weights.confidence import FEATURES, ErrorModel, confidence, error_features


class Steps(LapDepth):
    """A stand-in network: a slope of depth with one step in it, nothing learned."""

    def __init__(self) -> None:
        super().__init__(ModelConfig("efficientnet_lite0", max_depth=10.0, decoder_width=128))

    def forward(self, image: torch.Tensor) -> LapDepthOutput:
        return output_of(image.shape[0])


def residuals_of(count: int) -> list[torch.Tensor]:
    made = [torch.zeros(count, 1, 64 // 2**k, 96 // 2**k) for k in (4, 3, 2, 1, 0)]
    made[0] += 0.5 + torch.linspace(-1, 1, 4)[:, None]
    made[-1][..., 40:] = 0.9
    return made


def output_of(count: int) -> LapDepthOutput:
    residuals = residuals_of(count)
    grown = torch.nn.functional.interpolate(residuals[0], scale_factor=16, mode="bilinear")
    return LapDepthOutput(10 * torch.sigmoid(grown + residuals[-1]), residuals, [])


@functools.cache
def fitted() -> ErrorModel:
    """Fitted to depth that is 30 % wrong near the step and 2 % wrong elsewhere."""
    wrong = torch.full((64, 96), 1.02)
    wrong[:, 36:44] = 1.3
    truth = output_of(4).depth / wrong
    return fit_error_model(Steps(), [(torch.zeros(4, 3, 64, 96), truth)])


def test_expected_error_is_the_mean_error_of_pixels_that_look_alike() -> None:
    error = fitted().expected_error([each.numpy() for each in residuals_of(1)])[0, 0]
    assert np.median(error[:, 38:42]) == pytest.approx(0.3, rel=0.25)
    assert np.median(error[:, :20]) == pytest.approx(0.02, rel=0.25)


def test_signs_have_their_number_and_are_finite_on_flat_and_saturated_depth() -> None:
    for value in (0.0, 1.0, -1.0):
        flat = [np.full((1, 1, 64 // 2**k, 96 // 2**k), value, np.float32) for k in (4, 3, 2, 1, 0)]
        features = error_features(flat)
        assert features.shape == (1, FEATURES, 64, 96)
        assert np.isfinite(features).all()


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0]},
        {"scale": [0.0] * FEATURES},
        {"hidden": []},
        {"hidden": [[0.0] * FEATURES] * 300},
        {"out": [float("nan")] * 16},
        {"out_bias": "much"},
        {"out_bias": None},
        {"mean": 3},
        {"extra": 1},
    ],
)
def test_unusable_tables_are_refused_in_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"expected .* Fit it again"):
        ErrorModel.from_dict(fitted().to_dict() | change)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_confidence_has_the_photo_size_and_stays_in_range(height: int, width: int) -> None:
    expected = np.random.default_rng(0).random((1, 1, 16, 32), np.float32) * 2
    seen = confidence(expected, (height, width))
    assert seen.shape == (height, width)
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1


def test_prediction_has_confidence_just_where_its_model_has() -> None:
    predictor = load_predictor("lite-indoor", engine="torch")
    photo = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    bare = Predictor(replace(find_model("lite-indoor"), error_model=None), predictor.engine)
    assert bare(photo).confidence is None
    rich = Predictor(replace(find_model("lite-indoor"), error_model=fitted()), predictor.engine)
    prediction = rich(photo)
    assert prediction.confidence is not None
    assert prediction.confidence.shape == prediction.depth.shape
    assert prediction.confidence.dtype == np.float32
    assert np.array_equal(prediction.depth, bare(photo).depth)
