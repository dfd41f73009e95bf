"""Ground truth for the photo: uploaded, or the example's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.explorer import cache
from core.errors import DataError
from core.ground_truth import PNG_SCALES, read_ground_truth

MAX_ASPECT_ERROR = 0.02
SCALES = {"nyu": PNG_SCALES["nyu"], "kitti": PNG_SCALES["kitti"], "metres": 1.0}


def suggested_scale(name: str) -> str:
    """The usual scale of a file of this name: metres unless it is a 16-bit picture."""
    return "metres" if Path(name).suffix.lower() in (".npy", ".exr") else "nyu"


@st.cache_data(max_entries=4, ttl=cache.HOUR, show_spinner=False)
def decoded_truth(digest: str, scale: float, _data: bytes) -> NDArray[np.float32]:  # noqa: ARG001
    """Measured depth in metres from an uploaded file, once per content and scale."""
    return read_ground_truth(_data, scale=scale)


@st.cache_data(max_entries=4, ttl=cache.HOUR, show_spinner=False)
def example_truth(photo: str, modified: float) -> NDArray[np.float32] | None:  # noqa: ARG001
    """The depth that lies beside a rendered example photo, None for photographs.

    Args:
        photo: path of the example.
        modified: time of its description's last change.
    """
    description = Path(photo).with_suffix(".json")
    entry = json.loads(description.read_text(encoding="utf-8"))
    data = (description.parent / entry["depth"]).read_bytes()
    return read_ground_truth(data, scale=float(entry["scale"]))


def truth_beside(photo: Path) -> NDArray[np.float32] | None:
    """See `example_truth`."""
    description = photo.with_suffix(".json")
    if not description.is_file():
        return None
    return example_truth(str(photo), description.stat().st_mtime)


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
