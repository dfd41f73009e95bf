"""Runs of the tests over clips: engines whose depth is known, and how a clip is predicted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from core.predictor import Predictor
from core.video import sequence
from core.video.run import VideoResult, predict_video
from core.video.sequence import VideoModels
from core.video.settings import VideoSettings
from core.video.temporal_smoothing import SmoothingSettings
from tests.tiny_checkpoint import picture, tiny_config, tiny_info

WIDTH, HEIGHT = 128, 96
ROOM, STREET = picture(WIDTH, HEIGHT, 1), 255 - picture(WIDTH, HEIGHT, 2)
INFO = tiny_info(tiny_config()).saved_as(Path("tiny.safetensors"), "a" * 64)
ALONE = SmoothingSettings(0, 0)


class Shimmering:
    """An engine whose depth follows the picture's brightness, with an error of its own each time:
    the whole map breathes, and every part of it shimmers."""

    name, device, precision = "shimmering", "cpu", "float32"

    def __init__(self) -> None:
        self.runs = 0

    def run(self, given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        image = torch.from_numpy(given)
        self.runs += 1
        draw = torch.Generator().manual_seed(self.runs)
        light = torch.nn.functional.avg_pool2d(image.mean(1, keepdim=True), 16)
        residuals = [0.5 * light + 0.05 * torch.randn(1, generator=draw)]
        for stride in (8, 4, 2, 1):
            shape = (len(image), 1, image.shape[2] // stride, image.shape[3] // stride)
            residuals.append(0.02 * torch.randn(shape, generator=draw))
        return [residual.numpy() for residual in residuals]


class Flat(Shimmering):
    """The same for the same picture, however often it is asked."""

    def run(self, given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        runs, self.runs = self.runs, int(np.abs(given).sum() * 1000) % 100_003
        residuals = super().run(given)
        self.runs = runs + 1
        return residuals


def starter(
    tmp_path: Path, engine: Shimmering, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., VideoResult]:
    """Predicts a clip into tmp_path/out/clip; keywords go to `VideoSettings`."""
    monkeypatch.setattr(sequence, "AT_ONCE", 1)  # the engine's errors come in the order of calls

    def start(clip: Path, **settings: Any) -> VideoResult:
        engine.runs = 0
        models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, engine))
        return predict_video(clip, tmp_path / "out" / "clip", models, VideoSettings(**settings))

    return start


def depths(folder: Path, scale: float = 1000.0) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(Image.open(path)) / scale for path in sorted(folder.glob("*.png"))]
