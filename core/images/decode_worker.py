"""Decoding by a pool of processes: a crash, a hang or a memory bomb costs one picture.

`decode_isolated` takes what `decode` takes. Encoded pictures go to a worker process with
limits on memory and time, no secrets in its environment and no right to write files; so do EXR
depth maps (`read_exr_isolated`). It answers
with JSON and pixels over a pipe, never pickle, so that a worker taken over by a hostile picture can
only lie about pictures. Shared memory would save a copy, but the worker could change or truncate it
under the reader, and truncating kills the reader.

A worker serves one picture at a time and is started when first needed; one that crashed or hung is
replaced by the next call.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import logging
import os
import queue
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, ImageError
from core.images import decode_process
from core.images.decode import Photo, Source, decode, label_of, read_file
from core.images.decode_process import Deadline, opened, read_header, read_into, write_header
from core.images.limits import DEFAULT_LIMITS, DecodeLimits, check_bytes
from core.images.projection import SpherePart

_log = logging.getLogger(__name__)

DEFAULT_SECONDS = 8.0  # a bad picture is answered within ten
# 100 megapixels: 0.25 GiB encoded + 0.4 as Pillow holds it, twice while turned upright, + 0.3 out.
MEMORY_BYTES = 3 * 2**30
WORKERS = 2
_START_SECONDS = 60.0  # loading Python and Pillow on a cold, busy disk
_PICTURES_PER_WORKER = 500  # then a fresh process: bounds leaks of the native libraries


def decode_isolated(
    source: Source,
    *,
    limits: DecodeLimits = DEFAULT_LIMITS,
    name: str | None = None,
    seconds: float = DEFAULT_SECONDS,
) -> Photo:
    """`core.images.decode.decode` in a worker process; thread-safe, `WORKERS` pictures at a time.

    Arrays and Pillow images are decoded already and never leave this process.

    Args:
        seconds: wall time the worker may take, more only where the machine is too busy for it
            (`Deadline`); the time spent waiting for a free one is extra.

    Raises:
        ImageError: as `decode`, or the decoder crashed, or ran out of time or memory.
        EngineError: the worker process cannot be started.
    """
    if isinstance(source, (str, os.PathLike)):
        name = Path(source).name if name is None else name
        source = read_file(source, limits=limits, name=name)
    if not isinstance(source, (bytes, bytearray, memoryview)):
        return decode(source, limits=limits, name=name)
    with _idle_worker() as worker:
        return worker.decode(bytes(source), limits=limits, name=name or "", seconds=seconds)


def read_exr_isolated(data: bytes, *, max_pixels: int) -> NDArray[np.float32]:
    """`core.images.exr_reader.read_exr_depth` in a worker process.

    Raises:
        DataError: as there, or the decoder crashed, or ran out of time or memory.
        EngineError: the worker process cannot be started.
    """
    with _idle_worker() as worker:
        return worker.depth(data, max_pixels=max_pixels)


@contextlib.contextmanager
def _idle_worker() -> Iterator[DecodeWorker]:
    idle = _idle_workers()
    worker = idle.get()
    try:
        yield worker
    finally:
        idle.put(worker)


@functools.cache
def _idle_workers() -> queue.LifoQueue[DecodeWorker]:
    """The workers that are free now; last used, first taken, so that one serves a quiet app."""
    idle: queue.LifoQueue[DecodeWorker] = queue.LifoQueue()
    for _ in range(WORKERS):
        worker = DecodeWorker()
        atexit.register(worker.close)
        idle.put(worker)
    return idle


class DecodeWorker:
    """One worker process. Not thread-safe.

    Args:
        decoder: "module:function" that the worker calls in place of `core.images.decode:decode`.
        memory_bytes: the worker's address space; ignored where the system has no such limit.
    """

    def __init__(
        self, decoder: str = "core.images.decode:decode", memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._decoder = decoder
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    def decode(
        self,
        data: bytes,
        *,
        limits: DecodeLimits = DEFAULT_LIMITS,
        name: str = "",
        seconds: float = DEFAULT_SECONDS,
    ) -> Photo:
        """Decode one encoded picture; see `decode_isolated`."""
        label = label_of(name)
        check_bytes(len(data), limits, label)
        request = {"name": name, "depth": False}
        answer, rgb = self._ask(data, request, limits, seconds, label)
        width, height = answer["full_size"]
        return Photo(
            rgb=rgb,
            focal_35mm=answer["focal_35mm"],
            focal_px=answer["focal_px"],
            format=answer["format"],
            file_sha256=hashlib.sha256(data).hexdigest(),
            name=name,
            full_size=(width, height),
            notes=tuple(answer["notes"]),
            projection=str(answer["projection"]),
            transparent=answer["transparent"] if answer["transparent"] is not False else None,
            sphere=answer["sphere"] and _four(answer["sphere"]),
        )

    def depth(self, data: bytes, *, max_pixels: int) -> NDArray[np.float32]:
        """Read one EXR depth map; see `read_exr_isolated`."""
        limits = DecodeLimits(max_pixels=max_pixels)
        request = {"name": "", "depth": True}
        try:
            return self._ask(data, request, limits, DEFAULT_SECONDS, "The EXR file")[1]
        except ImageError as error:
            raise DataError(str(error)) from error

    def _ask(
        self,
        data: bytes,
        request: dict[str, Any],
        limits: DecodeLimits,
        seconds: float,
        label: str,
    ) -> tuple[dict[str, Any], NDArray[Any]]:
        """One request and its answer."""
        request |= {"bytes": len(data), "limits": asdict(limits), "seconds": seconds}
        process = self._running()
        deadline = Deadline(process, seconds)
        try:
            with deadline:
                answer, pixels = _exchange(process, request, data, limits)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            self.close()
            _log.warning("the picture decoder stopped (%s) and restarts when needed", error)
            if deadline.expired:
                raise ImageError(
                    f"{label} took longer than {seconds:g} s to decode, expected an ordinary "
                    "picture: make it smaller, or save it anew as JPEG or PNG."
                ) from error
            raise _crashed(label) from error
        except BaseException:  # interrupted half-way: the next answer would belong to this picture
            self.close()
            raise
        self._served += 1
        if deadline.expired or self._served >= _PICTURES_PER_WORKER:
            self.close()
        if "error" in answer:
            raise ImageError(str(answer["error"]))
        if pixels is None:
            _log.error("the picture decoder failed:\n%s", answer.get("bug"))
            raise _crashed(label)
        return answer, pixels

    def close(self) -> None:
        """End the process, if it runs; the next `decode` starts another."""
        process, self._process, self._served = self._process, None, 0
        if process is not None:
            decode_process.end(process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            self._process = process = decode_process.start(
                "core.images.decode_process", self._decoder, self._memory_bytes, asked=True
            )
            with Deadline(process, _START_SECONDS):
                read_header(opened(process.stdout))
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise decode_process.not_started("picture", error) from error
        return process


def _exchange(
    process: subprocess.Popen[bytes], request: dict[str, Any], data: bytes, limits: DecodeLimits
) -> tuple[dict[str, Any], NDArray[Any] | None]:
    """Send one picture and read one answer, without believing what it says about sizes."""
    to_worker, from_worker = opened(process.stdin), opened(process.stdout)
    write_header(to_worker, request)
    to_worker.write(data)
    to_worker.flush()
    answer = read_header(from_worker)
    if "shape" not in answer:
        return answer, None
    height, width = (int(side) for side in answer["shape"])
    if min(height, width) < 1 or height * width > limits.max_pixels:
        raise ValueError(f"answer of {width} x {height} pixels")
    if request["depth"]:
        pixels: NDArray[Any] = np.empty((height, width), np.float32)
    else:
        pixels = np.empty((height, width, 3), np.uint8)
    read_into(from_worker, pixels.data.cast("B"))
    if answer.get("transparent"):
        bits = np.empty(-(-height * width // 8), np.uint8)
        read_into(from_worker, bits.data)
        clear = np.unpackbits(bits, count=height * width).astype(np.bool_)
        answer["transparent"] = clear.reshape(height, width)
    return answer, pixels


def _four(numbers: list[float]) -> SpherePart:
    width, height, left, top = (float(number) for number in numbers)
    return width, height, left, top


def _crashed(label: str) -> ImageError:
    return ImageError(
        f"{label} made the picture decoder crash, expected an undamaged picture: "
        "save it anew as JPEG or PNG."
    )
