"""Animated pictures (GIF, PNG, WebP) as clips, read by Pillow."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.projection import PINHOLE
from core.video.completeness import ends_early
from core.video.film import TooLargeError

# What Pillow raises at a file that ends too early.
_BROKEN = (EOFError, OSError, SyntaxError, IndexError, ValueError, struct.error)
_TOO_SHORT = 10  # milliseconds: browsers take this and less for no time at all,
_USUAL = 0.1  # and show such a frame for so many seconds


class Animation:
    """An open animation.

    Args:
        file: of one; stays open.
        kind: of `core.video.containers.CONTAINERS`.
        most_pixels: of a frame.

    Raises:
        TooLargeError: it has more.
        ValueError: it is a still picture.
        OSError: it cannot be read.
    """

    def __init__(self, file: IO[bytes], kind: str, most_pixels: int) -> None:
        self._image = Image.open(file, formats=(kind.upper(),))
        if self._image.width * self._image.height > most_pixels:
            raise TooLargeError(self._image.size)
        try:
            frames = getattr(self._image, "n_frames", 1)
        except _BROKEN:  # Pillow counts a GIF's frames by a look at all of them
            frames = None
        if frames == 1:
            raise ValueError("it is a still picture: use predict")
        self._first = int(getattr(self._image, "default_image", False))
        self._frames = None if frames is None else frames - self._first
        self._kind = kind
        self.damaged = ends_early(file, kind)

    def about(self) -> dict[str, Any]:
        """What it says about itself."""
        return {
            "container": self._kind,
            "codec": self._kind.lower(),
            "rate": 1 / self._duration(),
            "start": 0.0,
            "seconds": None,
            "frames": self._frames,
            "audio": False,
            "projection": PINHOLE,
            "dynamic_range": "standard",
        }

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], float]]:
        """(H, W, 3) RGB over white, and its time in seconds."""
        time = 0.0
        last = sys.maxsize if self._frames is None else self._first + self._frames
        for index in range(self._first, last):
            try:
                self._image.seek(index)
                shown = self._image.convert("RGBA")
            except _BROKEN:
                self.damaged = True
                return
            over = Image.new("RGBA", shown.size, "white")
            yield np.asarray(Image.alpha_composite(over, shown).convert("RGB")), time
            time += self._duration()

    def _duration(self) -> float:
        """Seconds that the frame which was read last is shown."""
        told = float(self._image.info.get("duration") or 0)
        return told / 1000 if told > _TOO_SHORT else _USUAL
