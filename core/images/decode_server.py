"""The decoder process behind `decode_worker`: one request after the other on its pipes.

Each message is a length (4 bytes, big endian), that much JSON, then raw bytes whose number the JSON
tells. Requests carry an encoded picture or depth map, answers the pixels or a sentence.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from core.errors import DepthError
from core.images.decode_process import PATIENCE
from core.images.exr_reader import read_exr_depth
from core.images.limits import DecodeLimits

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from core.images.decode import Photo

_MAX_HEADER = 2**20
_ALARM_GRACE = 2  # seconds after the parent's own time limit


def serve(decoder: str, memory_bytes: int) -> None:
    """Answer requests until standard input ends.

    Args:
        decoder: "module:function", called like `core.images.decode.decode`.
        memory_bytes: address space this process may use.
    """
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a native library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    restrict(memory_bytes)
    module, function = decoder.split(":")
    decode = getattr(importlib.import_module(module), function)
    write_header(answers, {"ready": True})
    answers.flush()
    with contextlib.suppress(EOFError):
        while True:
            _answer(read_header(requests), requests, answers, decode)


def _answer(
    request: dict[str, Any],
    requests: IO[bytes],
    answers: IO[bytes],
    decode: Callable[..., Photo],
) -> None:
    data = bytearray(request["bytes"])
    read_into(requests, memoryview(data))
    set_alarm(math.ceil(request["seconds"] * PATIENCE) + _ALARM_GRACE)
    limits = DecodeLimits(**request["limits"])
    try:
        if request["depth"]:
            depth = read_exr_depth(bytes(data), max_pixels=limits.max_pixels)
            described, pixels, clear = {"shape": depth.shape}, depth.data, None
        else:
            photo = decode(
                bytes(data),
                limits=limits,
                min_size=request["min_size"] and tuple(request["min_size"]),
                name=request["name"],
            )
            described, pixels, clear = _described(photo), photo.rgb.data, photo.transparent
    except DepthError as error:
        write_header(answers, {"error": str(error)})
    except Exception:  # a bug of ours: the parent logs it
        write_header(answers, {"bug": traceback.format_exc()[-_MAX_HEADER // 8 :]})
    else:
        write_header(answers, described)
        answers.write(pixels.cast("B"))
        if clear is not None:
            answers.write(np.packbits(clear).data)
    answers.flush()
    set_alarm(0)


def _described(photo: Photo) -> dict[str, Any]:
    return {
        "shape": photo.rgb.shape[:2],
        "full_size": photo.full_size,
        "focal_35mm": photo.focal_35mm,
        "focal_px": photo.focal_px,
        "format": photo.format,
        "notes": photo.notes,
        "projection": photo.projection,
        "transparent": photo.transparent is not None,
    }


def write_header(pipe: IO[bytes], header: dict[str, Any]) -> None:
    """Send one JSON object; the caller flushes."""
    encoded = json.dumps(header).encode()
    pipe.write(len(encoded).to_bytes(4, "big") + encoded)


def read_header(pipe: IO[bytes]) -> dict[str, Any]:
    """Receive one JSON object.

    Raises:
        EOFError: the other end is gone.
        ValueError: what came is not such an object.
    """
    size = int.from_bytes(_read(pipe, 4), "big")
    if size > _MAX_HEADER:
        raise ValueError(f"header of {size} bytes, expected at most {_MAX_HEADER}")
    header = json.loads(_read(pipe, size))
    if not isinstance(header, dict):
        raise ValueError(f"header is a {type(header).__name__}, expected an object")
    return header


def read_into(pipe: IO[bytes], buffer: memoryview) -> None:
    """Fill `buffer` (bytes) from the pipe; EOFError when the other end is gone."""
    filled = 0
    while filled < len(buffer):
        count = pipe.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the pipe ended")
        filled += count


def _read(pipe: IO[bytes], count: int) -> bytes:
    data = bytearray(count)
    read_into(pipe, memoryview(data))
    return bytes(data)


def restrict(memory_bytes: int) -> None:
    """Bound memory, forbid files and core dumps, where the system can."""
    if sys.platform == "win32":
        return
    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, limit in limits:
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(kind, (limit, limit))


def set_alarm(seconds: int) -> None:
    """End this process by SIGALRM, even inside C code, should the parent have died; 0 cancels."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)
