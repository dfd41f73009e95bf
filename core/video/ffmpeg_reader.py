"""Reads videos by FFmpeg (PyAV)."""

from __future__ import annotations

import math
import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from core.images.colour import Encoding, from_code_points
from core.images.projection import PINHOLE
from core.video.containers import CONTAINERS, boxes, ends_early

# AVSphericalProjection; a half sphere and a tile of one are bent in the same way.
_PROJECTIONS = {
    0: "equirectangular",
    1: "cubemap",
    2: "equirectangular",
    3: "equirectangular",
    4: PINHOLE,
    5: "fisheye",
}
_HIGH_RANGE = {16: "PQ", 18: "HLG"}  # transfer functions of ITU-T H.273
_LEAST_SHAPE = 0.4  # width by height of a pixel; beyond, it is a mistake
# Of the packets, frames that a whole file gives at least: all of an MP4's samples; elsewhere a
# packet may be half of an interlaced frame, or hold one that is never shown.
_GIVEN = {"MP4 or MOV": 0.95}
_GIVEN_ELSEWHERE = 0.45
_READ = 0.95  # of the promised packets, that are there at least
_FAILED = 0.05  # of the packets, that may be undecodable: broadcasts begin between key frames
_A_FEW = 2
_GAP = 1.0  # seconds that a header's duration may be too long

_CUT = "the file is cut short or unfinished"


@dataclass(frozen=True)
class Orientation:
    """Rows and columns exchanged, then columns and rows in reverse order, each or not."""

    transposed: bool = False
    mirrored: bool = False
    upside_down: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> Orientation:
        """The nearest one to FFmpeg's display matrix, nine native 32-bit integers.

        A pixel at (x, y) is shown at (a x + c y, b x + d y); a, b are the first row, c, d the
        second (ISO 14496-12, section 6.2.2). Scale and offset do not matter.
        """
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) stored, to (H, W, 3) or (W, H, 3) as it is shown."""
        shown = rgb.transpose(1, 0, 2) if self.transposed else rgb
        columns = slice(None, None, -1) if self.mirrored else slice(None)
        rows = slice(None, None, -1) if self.upside_down else slice(None)
        return np.ascontiguousarray(shown[rows, columns])


class TooLargeError(Exception):
    """Frames of more pixels than allowed; holds width and height."""


class Film:
    """An open video.

    Args:
        file: of one; stays open.
        kind: of `core.video.containers.CONTAINERS`.
        most_pixels: of a frame.
        alive: called before every step that may take long.
        size: width and height of what is given, upright; None is the frames' own.

    Raises:
        TooLargeError: its frames have more pixels.
        ValueError: no video in it, or its head is missing.
        av.FFmpegError: it cannot be read.
    """

    def __init__(
        self,
        file: IO[bytes],
        kind: str,
        most_pixels: int,
        alive: Callable[[], None],
        size: tuple[int, int] | None = None,
    ) -> None:
        self._asked = size
        self._kind, self._most, self._alive = kind, most_pixels, alive
        end = file.seek(0, os.SEEK_END)
        names = {name for name, _ in boxes(file, end)} if kind == "MP4 or MOV" else set()
        if names and b"moov" not in names:
            raise ValueError(f"its index is missing, {_CUT}")
        self.damaged = ends_early(file, kind)
        self._seconds: float | None = None
        self._promised = self._count(
            file, indexed=kind == "AVI" or (bool(names) and b"moof" not in names)
        )
        self._clip, self._stream = self._opened(file)
        self._stream.thread_type = "AUTO"
        width, height = self._stream.width, self._stream.height
        if width * height > most_pixels:
            raise TooLargeError((width, height))
        self._start = 0.0
        self._projection = PINHOLE
        self._dynamic_range = "standard"

    def about(self) -> dict[str, Any]:
        """What it says about itself; asked after its first frame."""
        clip, stream = self._clip, self._stream
        seconds = self._seconds
        if seconds is None and stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        elif seconds is None and clip.duration is not None:
            seconds = clip.duration / av.time_base
        return {
            "container": self._kind,
            "codec": stream.codec_context.name,
            "rate": float(stream.average_rate or stream.guessed_rate or 25),
            "start": self._start,
            "seconds": seconds,
            "frames": self._promised,
            "audio": bool(clip.streams.audio),
            "projection": self._projection,
            "dynamic_range": self._dynamic_range,
        }

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], float | None]]:
        """(H, W, 3) sRGB as a player shows it, and its time in seconds.

        All frames get the first one's size, orientation and dynamic range. What cannot be decoded
        is left out.
        """
        size: tuple[int, int] | None = None
        upright = Orientation()
        encoding: Encoding | None = None
        packets = frames = failed = 0
        broken = False  # whether the last packet or frame is
        failure: av.FFmpegError | None = None
        for packet in self._clip.demux(self._stream):
            if packet.size:
                packets += not packet.is_discard
                broken = packet.is_corrupt
            try:
                decoded = packet.decode()
            except av.FFmpegError as error:
                failed, failure, broken = failed + 1, error, True
                continue
            for frame in decoded:
                assert isinstance(frame, av.VideoFrame)  # noqa: S101 - of a video stream
                time = self._time(frame)
                if size is None:
                    size, upright = self._shown_size(frame), _orientation(frame)
                    if self._asked is not None:
                        size = self._asked[::-1] if upright.transposed else self._asked
                    self._projection = _projection(frame)
                    self._dynamic_range, encoding = _light(frame)
                    self._start = 0.0 if self._kind == "AVI" else time or 0.0
                width, height = size
                rgb: Any = frame.to_ndarray(format="rgb24", width=width, height=height)
                if encoding is not None:
                    rgb = encoding.to_srgb(encoding.table(256)[rgb])
                frames += 1
                broken = broken or frame.is_corrupt
                yield upright(rgb), time
        if failure is not None and not frames and not self.damaged:
            raise failure
        promised = max(packets, self._promised or 0)
        given = _GIVEN.get(self._kind, _GIVEN_ELSEWHERE)
        few = packets < _READ * promised - _A_FEW or frames < given * promised - _A_FEW
        few = few or failed > _FAILED * promised + _A_FEW
        self.damaged = self.damaged or broken or few

    def _count(self, file: IO[bytes], *, indexed: bool) -> int | None:
        """How many frames the file should give: by its index, else by a look at every packet."""
        clip, stream = self._opened(file)
        with clip:
            if indexed:
                index = stream.index_entries
                listed = sum(entry.size > 0 and not entry.is_discard for entry in index)
                whole = listed and not (self._kind == "AVI" and self.damaged)
                return (listed if whole else stream.frames) or None
            packets, reached = 0, 0.0
            first, last = math.inf, 0.0
            broken: dict[int, bool] = {}  # by stream, whether its last packet is
            for packet in clip.demux():
                self._alive()
                ours = packet.stream_index == stream.index
                packets += ours and packet.size > 0
                if packet.size:
                    broken[packet.stream_index] = packet.is_corrupt
                if packet.pts is not None and packet.time_base is not None:
                    begin = float(packet.pts * packet.time_base)
                    end = begin + float((packet.duration or 0) * packet.time_base)
                    reached = max(reached, end)
                    if ours:
                        first, last = min(first, begin), max(last, end)
            if self._kind == "WebM or Matroska" and clip.duration is not None:
                missing = clip.duration / av.time_base - reached
                self.damaged = self.damaged or missing > max(_GAP, _FAILED * reached)
            elif last > first:  # FFmpeg only estimates the length of the others
                self._seconds = round(last - first, 6)
            self.damaged = self.damaged or any(broken.values())
            return packets or None

    def _time(self, frame: av.VideoFrame) -> float | None:
        # AVI has one time for each packet, in the order of decoding: FFmpeg's times of frames in
        # another order are guesses, while those packets come at the rate of the frames.
        stamp = frame.dts if self._kind == "AVI" else frame.pts
        base = self._stream.time_base or frame.time_base
        return None if stamp is None or base is None else float(stamp * base)

    def _opened(self, file: IO[bytes]) -> tuple[Any, Any]:
        """The file in PyAV, its container forced, and its video: no cover picture."""
        file.seek(0)
        try:
            clip = av.open(file, "r", format=CONTAINERS[self._kind])
            stream = clip.streams.best("video")
        except av.FFmpegError as error:
            raise (ValueError(_CUT) if self.damaged else error) from error
        if stream is None:
            clip.close()
            raise ValueError(_CUT if self.damaged else "no video stream")
        return clip, stream

    def _shown_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height before turning, in square pixels: those of DVDs are oblong."""
        shape = float(self._stream.sample_aspect_ratio or 1)
        width = round(frame.width * shape)
        usual = _LEAST_SHAPE <= shape <= 1 / _LEAST_SHAPE and width * frame.height <= self._most
        return (width if usual else frame.width), frame.height


def _orientation(frame: av.VideoFrame) -> Orientation:
    side_data: Any = frame.side_data  # its stub knows no `Type` as a key
    matrix = side_data.get(Type.DISPLAYMATRIX)
    return Orientation() if matrix is None else Orientation.of_matrix(bytes(matrix))


def _light(frame: av.VideoFrame) -> tuple[str, Encoding | None]:
    """A frame's dynamic range, and what brings a high one to sRGB, as for a photo."""
    name = _HIGH_RANGE.get(int(frame.color_trc))
    if name is None:
        return "standard", None
    return name, from_code_points(int(frame.color_primaries), int(frame.color_trc))


def _projection(frame: av.VideoFrame) -> str:
    """What the file says of spherical video (boxes `sv3d` and `uuid`, WebM's Projection)."""
    side_data: Any = frame.side_data
    about = side_data.get(Type.SPHERICAL)
    if about is None:
        return PINHOLE
    # AVSphericalMapping begins with the projection, a C enum.
    number = int.from_bytes(bytes(about)[:4], sys.byteorder)
    return _PROJECTIONS.get(number, "panorama")
