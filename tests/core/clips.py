"""Small videos for tests, written by PyAV."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

av = pytest.importorskip("av", reason="PyAV is not installed")

Picture = NDArray[np.uint8]
CODECS = {".mp4": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9"}
QUARTER_TURN = (0, 1, -1, 0)  # the matrix a, b, c, d of a phone held upright


def write_clip(
    path: Path,
    frames: Sequence[Picture],
    rate: int = 10,
    *,
    pixel: tuple[int, int] = (1, 1),
    faststart: bool = False,
) -> Path:
    """Frames (H, W, 3) nearly without loss; the suffix says what container and codec.

    `pixel` is the width and height of one; with `faststart` the file's head comes first.
    """
    codec = CODECS[path.suffix]
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if codec == "libx264" else "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(*pixel)
        stream.options = {"crf": "4"} | ({} if codec == "libx264" else {"cpu-used": "8"})
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def read_clip(path: Path) -> list[Picture]:
    """The frames as PyAV gives them."""
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def turned(path: Path) -> Path:
    """The same file with a track header that asks players to turn it clockwise by 90 degrees."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, section 8.3.2, version 0
    a, b, c, d = (number << 16 for number in QUARTER_TURN)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def noisy(picture: Picture, count: int, sigma: float = 4.0, seed: int = 0) -> list[Picture]:
    """A still scene as a camera gives it."""
    rng = np.random.default_rng(seed)
    return [
        np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]
