"""Decoder processes: how they are started and ended, and the loop that runs inside them.

A process is started without secrets in its environment, answers one request after the other on its
pipes and is killed when its time is over. Each message is a length (4 bytes, big endian), that much
JSON, then raw bytes whose number the JSON tells. Requests carry an encoded picture or depth map,
answers the pixels or a sentence.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from core.errors import DepthError, EngineError
from core.images.exr_reader import read_exr_depth
from core.images.limits import DecodeLimits

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from core.images.decode import Photo

# An ordinary photo of 100 megapixels takes 1 to 3 s of a core; on a machine with ten programs to a
# core that was seen to last 19 s.
PATIENCE = 2.5  # times the limit, for a process that gets on but was hardly given a core
_FAIR_SHARE = 0.3  # of a core: who had this much until the limit was not held up by others
_STALLED_SECONDS = 3.0  # without a hundredth of a second of computing: it hangs
_STEP_SECONDS = 0.25

_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMPDIR")
# One picture, one thread: more would only reserve address space.
_ADDED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from {module} import serve; serve(sys.argv[2], int(sys.argv[3]))"
)

_MAX_HEADER = 2**20
_ALARM_GRACE = 2  # seconds after the parent's own time limit


class Deadline:
    """Kills a process that is still busy when its time is over.

    That is after `seconds`, whether it computes or hangs. Only a process that computes, now and
    then at least, and that the machine gave less than `_FAIR_SHARE` of a core may go on, to
    `PATIENCE` times as long.

    Args:
        process: whose time is limited while the context lasts.
        seconds: wall time.

    Attributes:
        expired: whether it was killed.
    """

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.expired = False
        self._process = process
        self._seconds = seconds
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._run, daemon=True)
        self._used_before = cpu_seconds(process.pid)

    def __enter__(self) -> None:
        self._watch.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _run(self) -> None:
        start = moved = time.monotonic()
        used = self._used_before
        while not self._done.wait(min(_STEP_SECONDS, self._seconds)):
            now, before, used = time.monotonic(), used, cpu_seconds(self._process.pid)
            if used > before:
                moved = now
            stalled = now - moved >= min(_STALLED_SECONDS, self._seconds)
            fair = used - self._used_before >= self._seconds * _FAIR_SHARE
            late = now - start >= self._seconds * PATIENCE
            if now - start >= self._seconds and (stalled or fair or late):
                self.expired = True
                self._process.kill()
                return


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime
    except (OSError, ValueError, IndexError):
        return 0.0


def start(
    module: str, argument: str, memory_bytes: int, *, asked: bool = False
) -> subprocess.Popen[bytes]:
    """Starts a process that calls a module's `serve(argument, memory_bytes)`.

    Args:
        memory_bytes: address space that the process may use.
        asked: whether it reads requests; it answers on its standard output either way.

    Raises:
        OSError: it cannot be started.
    """
    search_path = json.dumps([str(Path(entry).absolute()) for entry in sys.path])
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-c", _BOOTSTRAP.format(module=module)),
            *(search_path, argument, str(memory_bytes)),
        ],
        stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # native libraries write to it directly
        env=environment | _ADDED,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills a process and closes its pipes."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # flushing into a dead process
            if pipe is not None:
                pipe.close()
    process.wait()


def opened(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that a process was started with."""
    if pipe is None:
        raise OSError("the decoder has no such pipe")
    return pipe


def not_started(kind: str, error: Exception) -> EngineError:
    """The error for a decoder, of a "picture" or a "video", that cannot be started."""
    return EngineError(
        f"The {kind} decoder could not be started ({error}), expected room for one more process: "
        "free some memory and try again."
    )


def serve(decoder: str, memory_bytes: int) -> None:
    """Answer requests until standard input ends.

    Args:
        decoder: "module:function", called like `core.images.decode.decode`.
        memory_bytes: address space this process may use.
    """
    requests, answers = sys.stdin.buffer, begin(memory_bytes)
    module, function = decoder.split(":")
    decode = getattr(importlib.import_module(module), function)
    write_header(answers, {"ready": True})
    answers.flush()
    with contextlib.suppress(EOFError):
        while True:
            _answer(read_header(requests), requests, answers, decode)


def begin(memory_bytes: int) -> IO[bytes]:
    """Takes this process's rights, and gives it a pipe for answers that nothing else writes to."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a native library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    restrict(AS=memory_bytes, FSIZE=0, CORE=0)
    return answers


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
        "sphere": photo.sphere,
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


def restrict(**limits: int) -> None:
    """Bounds what this process may use, by the names of `RLIMIT_*`, where the system can."""
    if sys.platform == "win32":
        return
    for kind, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (limit, limit))


def set_alarm(seconds: int) -> None:
    """End this process by SIGALRM, even inside C code, should the parent have died; 0 cancels."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)
