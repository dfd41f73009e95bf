"""The video decoder, in a process of its own: `core.video.reader` starts it and reads its pipe.

FFmpeg is a million lines of C that here meet files of strangers. The process may write no file,
has bounded memory, opens only the file it was given (the container is forced, so that a playlist
cannot name addresses or other files), and ends when a frame takes too long. Animated pictures
(GIF, PNG, WebP) are read by Pillow, under the same limits.

It answers with one JSON header for the clip and one per frame, each frame followed by its pixels,
and at the end with one that says whether the file is damaged.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.decode_process import begin, set_alarm, write_header
from core.images.projection import PINHOLE
from core.images.resize import resize_rgb
from core.video.containers import CONTAINERS, HEAD, container_of, ends_early
from core.video.ffmpeg_reader import Film, TooLargeError

# What Pillow raises at a file that ends too early.
_BROKEN = (EOFError, OSError, SyntaxError, IndexError, ValueError, struct.error)
_TOO_SHORT = 10  # milliseconds: browsers take this and less for no time at all,
_USUAL = 0.1  # and show such a frame for so many seconds

FRAME_SECONDS = 60  # without a frame for so long, the process ends
MAX_PIXELS = 10_000_000  # of one frame: 4K has 8.8 million


class Animation:
    """An open animation.

    Args:
        file: of one; stays open.
        kind: of `core.video.containers.CONTAINERS`.
        most_pixels: of a frame.
        size: as `Film`'s.

    Raises:
        TooLargeError: it has more.
        ValueError: it is a still picture.
        OSError: it cannot be read.
    """

    def __init__(
        self, file: IO[bytes], kind: str, most_pixels: int, size: tuple[int, int] | None = None
    ) -> None:
        self._size = size
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
            rgb = np.asarray(Image.alpha_composite(over, shown).convert("RGB"))
            yield (rgb if self._size is None else resize_rgb(rgb, self._size)[0]), time
            time += self._duration()

    def _duration(self) -> float:
        """Seconds that the frame which was read last is shown."""
        told = float(self._image.info.get("duration") or 0)
        return told / 1000 if told > _TOO_SHORT else _USUAL


def serve(argument: str, memory_bytes: int) -> None:
    """Writes a clip to standard output.

    Args:
        argument: JSON, its path and the size (width, height) wanted, or null for its own.
        memory_bytes: address space that this process may use.
    """
    path, size = json.loads(argument)
    answers = begin(memory_bytes)
    av.logging.set_level(None)
    try:
        with Path(path).open("rb") as file:
            _send(file, answers, size and tuple(size))
    except BrokenPipeError:  # the reader has seen enough
        os._exit(0)
    except TooLargeError as error:
        write_header(answers, {"too_large": error.args[0]})
        answers.flush()
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        write_header(answers, {"error": str(error)[:300]})
        answers.flush()


def _send(file: IO[bytes], answers: IO[bytes], wanted: tuple[int, int] | None) -> None:
    alive = partial(set_alarm, FRAME_SECONDS)
    alive()
    kind = container_of(file.read(HEAD))
    if kind is None:
        raise ValueError("no video container")
    clip = (
        Animation(file, kind, MAX_PIXELS, wanted)
        if CONTAINERS[kind] is None
        else Film(file, kind, MAX_PIXELS, alive, wanted)
    )
    size: tuple[int, int] | None = None
    for upright, time in clip:
        set_alarm(0)  # the reader may be slow, or be stopped for a while
        if size is None:
            height, width = upright.shape[:2]
            size = width, height
            write_header(answers, clip.about() | {"size": size})
        write_header(answers, {"time": time})
        answers.write(upright.data.cast("B"))
        answers.flush()
        alive()
    if size is None:
        raise ValueError("the file is cut short before its first frame")
    write_header(answers, {"end": True, "damaged": clip.damaged})
    answers.flush()
