"""Frames of a video file, one at a time, decoded in a process of its own."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, VideoError
from core.images import decode_process
from core.images.decode_process import opened, read_header, read_into
from core.video.containers import HEAD, KNOWN, container_of

MEMORY_BYTES = 4 * 2**30  # address space of the decoder; 4K with its reference frames takes one
_EXPECTED = f"expected {KNOWN}"


@dataclass(frozen=True)
class ClipInfo:
    """What a video file says about itself.

    Attributes:
        name, sha256: of the file.
        container, codec: in words, and as FFmpeg names it.
        width, height: of a frame in square pixels, upright.
        rate: frames a second, on average.
        start: the first frame's own time in seconds, where the times of `Frame` begin.
        seconds, frames: length; None where the file does not say. Frames are counted before they
            are decoded and may be off by some.
        audio: whether it has sound, which is not copied.
        projection: as `Photo`'s: "pinhole", or what 360-degree videos say they are.
        dynamic_range: "standard", or "PQ" or "HLG", whose frames were brought to it.
    """

    name: str
    sha256: str
    container: str
    codec: str
    width: int
    height: int
    rate: float
    start: float
    seconds: float | None
    frames: int | None
    audio: bool
    projection: str
    dynamic_range: str

    @property
    def surely(self) -> int:
        """Frames that it has at least: what is counted may be halves of interlaced ones."""
        exact = self.container not in ("MPEG transport stream", "MPEG program stream")
        return (self.frames or 0) // (1 if exact else 2)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: (H, W, 3) uint8 RGB, upright, and its time in seconds from the first one."""

    rgb: NDArray[np.uint8]
    time: float


class ClipReader:
    """A video file being read; a context manager that iterates over its frames.

    Memory does not grow with the clip: the decoder waits while its pipe is full.

    Args:
        path: of a file of `core.video.containers.CONTAINERS`.
        size: width and height of what is given, upright; None is the frames' own.

    Attributes:
        path: the same.
        info: what it says about itself.
        damaged: whether it is cut short or damaged; known after its last frame.

    Raises:
        VideoError: not a video, damaged before its first frame, or with frames that are too large.
        EngineError: the decoder is not installed or cannot be started.
    """

    def __init__(self, path: Path, size: tuple[int, int] | None = None) -> None:
        require_decoder()
        self.path, self._name = path, path.name
        self.damaged = False
        digest = _checked(path)
        try:
            self._process = decode_process.start(
                "core.video.decode_child", json.dumps([str(path.absolute()), size]), MEMORY_BYTES
            )
        except OSError as error:
            raise decode_process.not_started("video", error) from error
        try:
            self.info = self._described(self._header(), digest)
        except BaseException:  # nobody else knows of the process yet
            self.close()
            raise

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the decoder."""
        decode_process.end(self._process)

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order.

        Raises:
            VideoError: the file is damaged from here on.
        """
        first, last = 0.0, -1.0
        step = 1 / self.info.rate
        for index in range(sys.maxsize):
            header = self._header()
            if "end" in header:
                self.damaged = bool(header["damaged"])
                return
            rgb = np.empty((self.info.height, self.info.width, 3), np.uint8)
            try:
                read_into(opened(self._process.stdout), rgb.data.cast("B"))
            except EOFError as error:
                raise self._broken("the decoder stopped") from error
            time = header.get("time")
            first = (time or 0.0) if index == 0 else first
            # A file without times, or with ones that run backwards, gets evenly spaced ones.
            at = last + step if time is None or time - first <= last else time - first
            last = 0.0 if index == 0 else at
            yield Frame(rgb, last)

    def _header(self) -> dict[str, Any]:
        try:
            header = read_header(opened(self._process.stdout))
        except (EOFError, ValueError, OSError) as error:
            raise self._broken("the decoder stopped") from error
        if "error" in header:
            raise self._broken(str(header["error"]))
        return header

    def _described(self, header: dict[str, Any], digest: str) -> ClipInfo:
        if "too_large" in header:
            width, height = header["too_large"]
            raise VideoError(
                f"{self._name} has frames of {width} x {height} pixels, expected at most 10 "
                "megapixels (4K): make it smaller first."
            )
        width, height = (int(side) for side in header["size"])
        own = {"name": self._name, "sha256": digest, "width": width, "height": height}
        said = header | own
        return ClipInfo(**{each.name: said[each.name] for each in fields(ClipInfo)})

    def _broken(self, reason: str) -> VideoError:
        return VideoError(
            f"{self._name} cannot be decoded ({reason}), {_EXPECTED} that plays to its end: "
            "get it again, or convert it with another program."
        )


def require_decoder() -> None:
    """Says so where PyAV is missing.

    Raises:
        EngineError: it is.
    """
    try:
        import av  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise EngineError(
            f"The package av cannot be used ({error}), expected it for videos: install it with "
            "pip install av."
        ) from error


def _checked(path: Path) -> str:
    """The SHA-256 of a file that begins as a video does."""
    try:
        with path.open("rb") as file:
            kind = container_of(file.read(HEAD))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VideoError(
            f"{path.name} cannot be read ({error.strerror or error}), {_EXPECTED}: check the path."
        ) from error
    if kind is None:
        raise VideoError(
            f"{path.name} is no video of a known kind, {_EXPECTED}: convert it, or for a photo "
            "use predict."
        )
    return digest
