"""The video decoder, in a process of its own: `core.video.reader` starts it and reads its pipe.

FFmpeg is a million lines of C that here meet files of strangers. The process may write no file,
has bounded memory, opens only the file it was given (the container is forced, so that a playlist
cannot name addresses or other files), and ends when a frame takes too long. Animated pictures
(GIF, PNG, WebP) are read by Pillow, under the same limits.

It answers with one JSON header for the clip and one per frame, each frame followed by its pixels,
and at the end with one that says whether the file is damaged.
"""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import IO

import av

from core.images.decode_server import restrict, set_alarm, write_header
from core.video.animation import Animation
from core.video.containers import CONTAINERS, HEAD, container_of
from core.video.film import Film, TooLargeError

FRAME_SECONDS = 60  # without a frame for so long, the process ends
MAX_PIXELS = 10_000_000  # of one frame: 4K has 8.8 million


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
    except TooLargeError as error:
        write_header(answers, {"too_large": error.args[0]})
        answers.flush()
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        write_header(answers, {"error": str(error)[:300]})
        answers.flush()


def _send(file: IO[bytes], answers: IO[bytes]) -> None:
    alive = partial(set_alarm, FRAME_SECONDS)
    alive()
    kind = container_of(file.read(HEAD))
    if kind is None:
        raise ValueError("no video container")
    clip = (
        Animation(file, kind, MAX_PIXELS)
        if CONTAINERS[kind] is None
        else Film(file, kind, MAX_PIXELS, alive)
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
