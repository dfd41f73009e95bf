"""Rendered pictures as a short H.264 film in MP4."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.errors import ExportError

Picture = NDArray[np.uint8]

_CRF = "18"  # H.264's quality: what is hard to tell from the original


def save_clip(
    path: Path, frames: Iterable[Picture], *, fps: float, comments: Mapping[str, str]
) -> None:
    """Writes an .mp4, whole or not at all.

    Args:
        path: of the file.
        frames: (H, W, 3) uint8 each, one size, at least one.
        fps: pictures a second.
        comments: key -> text, kept in the file.

    Raises:
        ExportError: PyAV is missing, or the disk refused.
    """
    try:
        import av
    except (ImportError, OSError) as error:
        raise ExportError(
            f"PyAV could not be loaded ({error}), expected it for an .mp4: run 'make setup', which "
            "installs it."
        ) from error
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = "; ".join(f"{key}: {text}" for key, text in comments.items())
        stream: Any = None
        for picture in frames:
            picture = _even(picture)
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                stream = film.add_stream("libx264", rate, {"crf": _CRF, "threads": "2"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"  # the only one that every browser plays
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    write_atomic(path, buffer.getvalue())


def _even(picture: Picture) -> Picture:
    """With an even width and height, which the format demands: the last line is repeated."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded)
