"""Pictures as a short film: .mp4 for players and pages, .webp or .gif where a picture is wanted.

For the apps::

    save_clip("move.mp4", camera_move(mesh, frames=48), fps=24)
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.atomic import write_atomic
from core.errors import ExportError

Picture = NDArray[np.uint8]

_ANIMATIONS = {".webp": "WEBP", ".gif": "GIF"}
_MP4 = ".mp4"
_CRF = "18"  # H.264's quality: what is hard to tell from the original


def save_clip(
    path: str | Path,
    frames: Iterable[Picture],
    *,
    fps: float = 12.0,
    comments: Mapping[str, str] | None = None,
) -> None:
    """Writes a film, whole or not at all.

    Args:
        path: `.mp4` (H.264, plays once), `.webp` (full colour) or `.gif` (256 colours a picture;
            both repeat for ever).
        frames: (H, W, 3) uint8 each, one size.
        fps: pictures a second, up to 60.
        comments: key -> text, kept in an .mp4.

    Raises:
        ExportError: another ending, no pictures, PyAV missing for .mp4, or the disk refused.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending != _MP4 and ending not in _ANIMATIONS:
        raise ExportError(
            f"The clip is named {target.name}, expected a name in .mp4, .webp or .gif: "
            "choose one of these endings."
        )
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None or not 0 < fps <= 60:
        raise ExportError(
            f"The clip has {'no' if first is None else 'its'} pictures at {fps:g} a second, "
            "expected at least one at up to 60: change it."
        )
    pictures = itertools.chain((first,), pictures)
    if ending == _MP4:
        data = _mp4(pictures, fps, comments or {})
    else:
        data = _animation(pictures, fps, _ANIMATIONS[ending])
    write_atomic(target, data)


def _animation(pictures: Iterable[Picture], fps: float, kind: str) -> bytes:
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    buffer = io.BytesIO()
    duration = round(1000 / fps)
    first.save(
        buffer, kind, save_all=True, append_images=rest, duration=duration, loop=0, quality=85
    )
    return buffer.getvalue()


def _mp4(pictures: Iterable[Picture], fps: float, comments: Mapping[str, str]) -> bytes:
    av = _av()
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = "; ".join(f"{key}: {text}" for key, text in comments.items())
        stream: Any = None
        for picture in pictures:
            picture = _even(picture)
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                stream = film.add_stream("libx264", rate, {"crf": _CRF, "threads": "2"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"  # the only one that every browser plays
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    return buffer.getvalue()


def _even(picture: Picture) -> Picture:
    """With an even width and height, which the format demands: the last line is repeated."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded)


def _av() -> Any:
    try:
        import av
    except (ImportError, OSError) as error:
        raise ExportError(
            f"PyAV could not be loaded ({error}), expected it for an .mp4: run 'make setup', which "
            "installs it, or choose .webp."
        ) from error
    return av
