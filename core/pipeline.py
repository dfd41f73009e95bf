"""Depth estimation called as in Hugging Face transformers, for programs that are written for it.

>>> from core.pipeline import pipeline
>>> pipe = pipeline("depth-estimation", model="lite-indoor")
>>> result = pipe("photo.jpg")
>>> result["predicted_depth"]  # torch.Tensor (H, W), metres
>>> result["depth"]  # PIL image, 8-bit grey for the eye
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import GeneratorType
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.errors import ConfigError, EngineError, ImageError
from core.predictor import AnyPredictor, PhotoSource, load_predictor

TASK = "depth-estimation"

Result = dict[str, Any]


def pipeline(
    task: str = TASK, model: str | Path | AnyPredictor = "auto", device: str | int | None = None
) -> DepthEstimationPipeline:
    """`transformers.pipeline` for the one task that there is here.

    Args:
        task: "depth-estimation".
        model: a name of the registry, a checkpoint's path, "auto", or a loaded predictor.
        device: as torch names it, or as transformers counts it (-1 the CPU, 0 the first GPU);
            None takes the fastest there is. Has no effect on a loaded predictor.

    Raises:
        ConfigError: another task.
        CheckpointError: no such model.
        EngineError: a device that is not there, or another GPU than the first.
    """
    if task != TASK:
        raise ConfigError(f"The task is {task!r}, expected {TASK!r}: that is all there is here.")
    if isinstance(model, str | Path):
        model = load_predictor(model, _device(device))
    return DepthEstimationPipeline(model)


class DepthEstimationPipeline:
    """Photos in, dictionaries with the keys of transformers out.

    `predicted_depth` is metric depth at the photo's own size, so larger is farther (models of
    relative depth in transformers often give its inverse). `depth` is the same stretched to 0..255,
    as transformers draws it: for the eye, not to measure in.

    Args:
        predictor: a loaded model.
    """

    task = TASK

    def __init__(self, predictor: AnyPredictor) -> None:
        self.predictor = predictor

    def __call__(
        self,
        inputs: PhotoSource | Iterable[PhotoSource],
        *,
        resolution: int | None = None,
        fov: float | None = None,
        batch_size: int = 1,  # noqa: ARG002 - photos go one by one; the result is the same
    ) -> Any:
        """Predicts one photo, or several.

        Args:
            inputs: a path, a Pillow image or an array; a list of them; or a generator.
            resolution, fov: as for `Predictor.__call__`.
            batch_size: taken for compatibility.

        Returns:
            A dictionary for one photo, a list of them for a list, a generator for a generator.

        Raises:
            ImageError: a photo that cannot be decoded, or a web address: nothing is fetched.
        """
        if isinstance(inputs, GeneratorType):
            return self._lazily(inputs, resolution, fov)
        if isinstance(inputs, list | tuple):
            return list(self._lazily(inputs, resolution, fov))
        return self._one(inputs, resolution, fov)  # type: ignore[arg-type]  # one photo

    def _lazily(
        self, photos: Iterable[PhotoSource], resolution: int | None, fov: float | None
    ) -> Iterator[Result]:
        for photo in photos:
            yield self._one(photo, resolution, fov)

    def _one(self, photo: PhotoSource, resolution: int | None, fov: float | None) -> Result:
        if isinstance(photo, str) and photo.startswith(("http://", "https://")):
            raise ImageError(
                "The photo is a web address, expected a file or a picture: nothing is fetched from "
                "the network here, so download it first."
            )
        depth = self.predictor(photo, resolution=resolution, fov=fov).depth
        low, high = float(np.nanmin(depth)), float(np.nanmax(depth))
        shades = np.nan_to_num((depth - low) * (255 / max(high - low, 1e-9)))
        return {
            "predicted_depth": torch.from_numpy(depth),
            "depth": Image.fromarray(shades.astype(np.uint8)),
        }


def _device(device: str | int | None) -> str:
    if device is None:
        return "auto"
    if isinstance(device, int):
        device = "cpu" if device < 0 else f"cuda:{device}"
    kind, _, number = device.partition(":")
    if number not in ("", "0"):
        raise EngineError(
            f"The device is {device}, expected {kind} without a number, or with 0: to use another "
            "GPU, start the program with CUDA_VISIBLE_DEVICES."
        )
    return kind
