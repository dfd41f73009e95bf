"""Ground truth for the photo: uploaded, or the example's own.

The page's address names an example photo and its known length. For an uploaded photo it holds
neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.explorer.memory import cached
from core.data.depth_file import PNG_SCALES, read_ground_truth
from core.errors import CameraError, DataError
from core.scale.measurements import KnownLength

ADDRESS = "known"  # u0,v0,u1,v1,metres
_STATE = "known length"


@dataclass(frozen=True)
class _Kept:
    """What was marked, and the sha256 of the photo that it was marked on (None: any)."""

    length: KnownLength | None
    photo: str | None


def known_for(photo: str, *, addressed: bool) -> KnownLength | None:
    """The length that this session, or the address that began it, has for a photo.

    Args:
        photo: sha256 of the photo; another one forgets what was marked.
        addressed: the address names the photo, so that it may name the length as well.
    """
    kept: _Kept = st.session_state.get(_STATE) or _Kept(_from_address(), None)
    if kept.photo not in (None, photo) or (kept.photo is None and not addressed):
        kept = _Kept(None, photo)
    st.session_state[_STATE] = _Kept(kept.length, photo)
    if addressed and kept.length is not None:
        text = _text(kept.length)
        if st.query_params.get(ADDRESS) != text:
            st.query_params[ADDRESS] = text
    elif ADDRESS in st.query_params:
        del st.query_params[ADDRESS]
    return kept.length


def keep(length: KnownLength | None, photo: str) -> None:
    """Rescales a photo from the next run on; None puts it back into the model's own scale."""
    st.session_state[_STATE] = _Kept(length, photo)


def _from_address() -> KnownLength | None:
    try:
        return KnownLength.from_numbers(
            [float(part) for part in st.query_params.get(ADDRESS, "").split(",")]
        )
    except (ValueError, CameraError):
        return None


def _text(length: KnownLength) -> str:
    return ",".join(f"{number:g}" for number in (*length.start, *length.end, length.metres))


MAX_ASPECT_ERROR = 0.02
SCALES = {"nyu": PNG_SCALES["nyu"], "kitti": PNG_SCALES["kitti"], "metres": 1.0}


def suggested_scale(name: str) -> str:
    """The usual scale of a file of this name: metres unless it is a 16-bit picture."""
    return "metres" if Path(name).suffix.lower() in (".npy", ".exr") else "nyu"


@cached
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


@cached
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
