"""Ground truth for the photo: uploaded, or the example's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.explorer.kept import kept
from core.data.depth_file import PNG_SCALES, read_ground_truth
from core.errors import DataError

MAX_ASPECT_ERROR = 0.02
SCALES = {"nyu": PNG_SCALES["nyu"], "kitti": PNG_SCALES["kitti"], "metres": 1.0}


def suggested_scale(name: str) -> str:
    """The usual scale of a file of this name: metres unless it is a 16-bit picture."""
    return "metres" if Path(name).suffix.lower() in (".npy", ".exr") else "nyu"


@kept
def decoded_truth(
    digest: str,  # noqa: ARG001  (a key of the cache)
    scale: float,
    _data: bytes,
) -> NDArray[np.float32]:
    """Measured depth in metres from an uploaded file, once per content and scale."""
    return read_ground_truth(_data, scale=scale)


def truth_beside(photo: Path) -> NDArray[np.float32] | None:
    """The depth that an example brings along in depth/NAME.json, None where there is none."""
    description = photo.parent / "depth" / f"{photo.stem}.json"
    if not description.is_file():
        return None
    return _described(str(description), description.stat().st_mtime)


@kept
def _described(
    description: str,
    modified: float,  # noqa: ARG001  (a key of the cache)
) -> NDArray[np.float32]:
    """The depth map that a description names, read again when it changes."""
    path = Path(description)
    entry = json.loads(path.read_text(encoding="utf-8"))
    return read_ground_truth(
        (path.parent / entry["depth"]).read_bytes(), scale=float(entry["scale"])
    )


def check_shape(truth: NDArray[np.float32], photo: tuple[int, int]) -> None:
    """Refuses ground truth that cannot belong to a photo of (width, height).

    Raises:
        DataError: another shape than the photo's.
    """
    height, width = truth.shape
    aspect, expected = width / height, photo[0] / photo[1]
    if abs(aspect / expected - 1) > MAX_ASPECT_ERROR:
        raise DataError(
            f"The ground truth is {width}x{height} pixels, expected the shape of the photo, "
            f"{photo[0]}x{photo[1]} (any size): upload the depth of this photo, cropped alike."
        )
