"""The video decoder, in a process of its own: `core.video.reader` starts it and reads its pipe.

FFmpeg is a million lines of C that here meet files of strangers. The process may write no file,
has bounded memory, opens only the file it was given (the container is forced, so that a playlist
cannot name addresses or other files), and ends when a frame takes too long.

It answers with one JSON header for the clip and one per frame, each frame followed by its pixels.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
from numpy.typing import NDArray

from core.imaging.decode_server import restrict, set_alarm, write_header
from core.imaging.projection import PINHOLE
from core.video.containers import CONTAINERS, container_of

FRAME_SECONDS = 60  # without a frame for so long, the process ends
MAX_PIXELS = 10_000_000  # of one frame: 4K has 8.8 million
# AVSphericalProjection; a half sphere and a tile of one are bent in the same way.
_PROJECTIONS = {
    0: "equirectangular",
    1: "cubemap",
    2: "equirectangular",
    3: "equirectangular",
    4: PINHOLE,
    5: "fisheye",
}
_LEAST_SHAPE = 0.4  # width by height of a pixel; beyond, it is a mistake


def serve(path: str, memory_bytes: int) -> None:
    """Writes the clip at `path` to standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a native library prints must not get between the frames
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    restrict(memory_bytes)
    av.logging.set_level(None)
    try:
        with Path(path).open("rb") as file:
            _send(file, answers)
    except BrokenPipeError:  # the reader has seen enough
        os._exit(0)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        write_header(answers, {"error": f"{type(error).__name__}: {error}"[:300]})
        answers.flush()


def _send(file: IO[bytes], answers: IO[bytes]) -> None:
    set_alarm(FRAME_SECONDS)
    kind = container_of(file.read(64))
    file.seek(0)
    if kind is None:
        raise ValueError("no video container")
    with av.open(file, "r", format=CONTAINERS[kind]) as clip:
        if not clip.streams.video:
            write_header(answers, {"error": "no video stream"})
            return
        stream = clip.streams.video[0]
        stream.thread_type = "AUTO"
        if stream.width * stream.height > MAX_PIXELS:
            write_header(answers, {"too_large": [stream.width, stream.height]})
            return
        size: tuple[int, int] | None = None
        for frame in clip.decode(stream):
            first = size is None
            size = size or _shown_size(frame, stream)
            upright = _upright(frame, size)
            set_alarm(0)  # the reader may be slow, or be stopped for a while
            if first:
                height, width = upright.shape[:2]
                write_header(answers, _about(clip, stream, kind, frame) | {"size": [width, height]})
            write_header(answers, {"time": None if frame.time is None else float(frame.time)})
            answers.write(upright.data.cast("B"))
            answers.flush()
            set_alarm(FRAME_SECONDS)
        write_header(answers, {"end": True} if size else {"error": "no frame"})
        answers.flush()


def _shown_size(frame: Any, stream: Any) -> tuple[int, int]:
    """Width and height before turning, in square pixels: broadcast and DVD pixels are oblong."""
    shape = float(stream.sample_aspect_ratio or 1)
    width = round(frame.width * shape)
    usual = _LEAST_SHAPE <= shape <= 1 / _LEAST_SHAPE and width * frame.height <= MAX_PIXELS
    return (width if usual else frame.width), frame.height


def _upright(frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB as a player shows it; all frames get the first one's `size`."""
    width, height = size
    rgb: NDArray[np.uint8] = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90's
    return np.ascontiguousarray(np.rot90(rgb, turns))


def _about(clip: Any, stream: Any, kind: str, frame: Any) -> dict[str, Any]:
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    seconds = None
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif clip.duration is not None:
        seconds = clip.duration / av.time_base
    frames = stream.frames or (round(seconds * rate) if seconds else None)
    return {
        "container": kind,
        "codec": stream.codec_context.name,
        "rate": rate,
        "seconds": seconds,
        "frames": frames,
        "audio": bool(clip.streams.audio),
        "projection": _projection(frame),
    }


def _projection(frame: Any) -> str:
    """What the file says of spherical video (boxes `sv3d` and `uuid`, WebM's Projection)."""
    about = frame.side_data.get("SPHERICAL")
    if about is None:
        return PINHOLE
    # AVSphericalMapping begins with the projection, a C enum.
    number = int.from_bytes(bytes(about)[:4], sys.byteorder)
    return _PROJECTIONS.get(number, "panorama")
