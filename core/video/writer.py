"""The depth video: frame and coloured depth side by side, H.264 in MP4."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError

_WIDEST = 3840  # pixels: what players decode everywhere
_TICKS = 90_000  # a second
# Without frames that look ahead: with them the file is said to end before its last frame is shown.
_QUALITY = {"crf": "20", "preset": "veryfast", "bf": "0"}


class SideBySideWriter:
    """Writes frames as they come; a context manager.

    Args:
        path: of the file, made or replaced.
        width, height: of one half in pixels.
        rate: frames a second, on average; each frame is shown at its own time.

    Raises:
        ExportError: the file cannot be made.
    """

    def __init__(self, path: Path, width: int, height: int, rate: float) -> None:
        self._path = path
        share = min(1.0, _WIDEST / (2 * width))
        # H.264 in its usual form halves the colour's sides, so both must be even.
        self.width, self.height = (max(2, round(n * share / 2) * 2) for n in (2 * width, height))
        try:
            self._file = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        except (av.FFmpegError, OSError) as error:
            raise self._refused(error) from error
        stream = self._file.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)  # noqa: S101 - that codec is one
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        stream.options = dict(_QUALITY)
        stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream = stream

    def add(self, left: NDArray[np.uint8], right: NDArray[np.uint8], time: float) -> None:
        """Adds a frame; left and right (H, W, 3) RGB, time in seconds.

        Raises:
            ExportError: it cannot be written.
        """
        frame = av.VideoFrame.from_ndarray(np.hstack((left, right)), format="rgb24")
        frame = frame.reformat(self.width, self.height, format="yuv420p")
        frame.pts, frame.time_base = round(time * _TICKS), Fraction(1, _TICKS)
        self._write(frame)

    def __enter__(self) -> SideBySideWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write(None)
        finally:
            self._close()

    def _write(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._file.mux(packet)
        except (av.FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _close(self) -> None:
        try:
            self._file.close()
        except (av.FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> ExportError:
        return ExportError(
            f"{self._path.name} could not be written ({error}), expected a folder with free space "
            "and write permission: free some space or choose another folder."
        )
