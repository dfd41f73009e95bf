"""Small videos for tests, written by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

av = pytest.importorskip("av", reason="PyAV is not installed")

Picture = NDArray[np.uint8]
CODECS = {
    **dict.fromkeys((".mp4", ".mov", ".mkv", ".avi", ".ts", ".m2ts"), "libx264"),
    ".webm": "libvpx-vp9",
    ".mpg": "mpeg2video",
}
FORMATS = {".ts": "mpegts", ".m2ts": "mpegts", ".mpg": "vob"}
QUARTER_TURN = (0, 1, -1, 0)  # the display matrix a, b, c, d of a phone held upright


def write_clip(
    path: Path,
    frames: Sequence[Picture],
    rate: int = 10,
    *,
    pixel: tuple[int, int] = (1, 1),
    faststart: bool = False,
    times: Sequence[float] = (),
    matrix: Sequence[int] | None = None,
    codec: str | None = None,
    transfer: int | None = None,
) -> Path:
    """Frames (H, W, 3) nearly without loss; the suffix says what container and codec.

    `pixel` is the width and height of one; with `faststart` the file's head comes first; `times`
    are the frames' in seconds, else they come at `rate`; `matrix` is a, b, c, d of
    the display matrix; `transfer` is the number of the pictures' transfer function in ITU-T H.273.
    """
    codec = codec or CODECS[path.suffix]
    options = {"movflags": "faststart"} if faststart else {}
    if path.suffix == ".m2ts":
        options["mpegts_m2ts_mode"] = "1"
    with av.open(str(path), "w", format=FORMATS.get(path.suffix), options=options) as file:
        stream = file.add_stream(codec, rate=rate)
        if matrix is not None:
            a, b, c, d = (number << 16 for number in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if codec == "libx264" else "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(*pixel)
        if transfer is not None:
            stream.codec_context.color_trc = transfer
        stream.options = {
            "libx264": {"crf": "4"},
            "libvpx-vp9": {"crf": "4", "cpu-used": "8"},
            "libvpx": {"crf": "4", "b": "4M", "cpu-used": "8"},
        }.get(codec, {"qmin": "1", "qmax": "3"})
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[index] * 1000), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def read_clip(path: Path) -> list[Picture]:
    """The frames as PyAV gives them."""
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def noisy(picture: Picture, count: int, sigma: float = 4.0, seed: int = 0) -> list[Picture]:
    """A still scene as a camera gives it."""
    rng = np.random.default_rng(seed)
    return [
        np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]
