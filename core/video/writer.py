"""Writes films: frame and coloured depth side by side, or what two eyes see; H.264 in MP4.

Beside the frames lies the state with which an interrupted clip is resumed. Everything that depends
on earlier frames (temporal smoothing, cuts, flicker, the clip's depth range) is stored exactly, so
a clip that was interrupted gets the same files as one that was not.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from core import __version__
from core.atomic import is_temporary, write_atomic
from core.errors import ExportError
from core.video.reader import ClipInfo
from core.video.settings import VideoSettings

UNFINISHED = ".part"
EVERY = 32  # frames: some seconds' work, against some hundredths of a second to store
State = dict[str, NDArray[Any]]
_FILE = "progress.npz"
_FRAME = re.compile(r"\d{6,}\.png")
_STATE = 4  # raised when the state has other parts
_PNG_END = b"IEND\xaeB`\x82"

_WIDEST = 3840  # pixels: what players decode everywhere
_TICKS = 90_000  # a second
# Without frames that look ahead: with them the file is said to end before its last frame is shown.
_QUALITY = {"crf": "20", "preset": "veryfast", "bf": "0"}


class Progress:
    """Stores and finds the state of one clip's unfinished frames.

    Args:
        folder: of the frames.
        clip, models, settings: with any other of them the frames would be others.
    """

    def __init__(
        self, folder: Path, clip: ClipInfo, models: tuple[str, ...], settings: VideoSettings
    ) -> None:
        made_with = {name: x for name, x in settings.decisive().items() if name != "colors"}
        key = [
            __version__,
            _STATE,
            clip.sha256,
            models,
            made_with,
            settings.png_scale,
            settings.data,
        ]
        self._key = json.dumps(key, sort_keys=True)
        self._path = folder / _FILE

    def save(self, count: int, state: State) -> None:
        """Notes the state after so many frames.

        Raises:
            ExportError: it cannot be written.
        """
        buffer = io.BytesIO()
        np.savez(buffer, key=np.array(self._key), count=np.array(count), **state)  # type: ignore[arg-type]
        write_atomic(self._path, buffer.getvalue())

    def load(self) -> tuple[int, State] | None:
        """How many frames are done and the state after them; None where to begin anew."""
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                state = dict(stored)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        key, count = state.pop("key", None), state.pop("count", None)
        if key is None or count is None or str(key) != self._key:
            return None
        done = int(count)
        whole = all(_whole(frame_path(self._path.parent, n)) for n in range(1, done + 1))
        return (done, state) if whole else None

    def clear(self, count: int) -> None:
        """Removes what an interrupted run left beyond so many frames."""
        folder = self._path.parent
        kept = {frame_path(folder, number) for number in range(1, count + 1)}
        for path in folder.iterdir():
            if path not in kept and (count == 0 or path != self._path):
                path.unlink()

    def remove(self) -> None:
        """Leaves the frames alone, which are all there now."""
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def unfinished(folder: Path, *, anew: bool) -> Iterator[None]:
    """A folder for the frames while they are made; kept where starting again will go on.

    Args:
        anew: forget what an interrupted run left.

    Raises:
        ExportError: something else has its name, or it cannot be made.
    """
    if os.path.lexists(folder) and not _is_unfinished(folder):
        raise ExportError(
            f"The frames would be made in {folder}, which holds files that are no frames of this "
            "program, expected a name that is free: move it away, or choose another output folder."
        )
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    try:
        yield
    except (KeyboardInterrupt, ExportError, MemoryError):
        raise
    except BaseException:  # a clip that cannot be done would leave its frames for ever
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _is_unfinished(folder: Path) -> bool:
    """Whether a folder is there and holds nothing but what an interrupted clip leaves."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        _FRAME.fullmatch(path.name) or path.name == _FILE or is_temporary(path)
        for path in folder.iterdir()
    )


def refused(path: Path, error: OSError) -> ExportError:
    """The error for a file that the system does not let be written."""
    return ExportError(
        f"{path.name} could not be written ({error.strerror or error}), expected a folder with "
        "free space and write permission: free some space or choose another folder."
    )


def frame_path(folder: Path, number: int) -> Path:
    """Where the frame of a number, from 1, lies."""
    return folder / f"{number:06d}.png"


def _whole(path: Path) -> bool:
    """Whether a PNG has its end: after a power cut it may lack it."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_PNG_END), io.SEEK_END)
            return file.read() == _PNG_END
    except OSError:
        return False


def parts(state: State, name: str) -> State:
    """The part of a state whose names begin with one."""
    return {key[len(name) + 1 :]: x for key, x in state.items() if key.startswith(f"{name}.")}


def joined(**named: State) -> State:
    """States under their names, as `parts` takes them apart."""
    return {f"{name}.{key}": x for name, state in named.items() for key, x in state.items()}


class FilmWriter:
    """Writes frames as they come; a context manager.

    Args:
        path: of the file, made or replaced.
        width, height: of the pictures in pixels.
        rate: frames a second, on average; each frame is shown at its own time.

    Raises:
        ExportError: the file cannot be made.
    """

    def __init__(self, path: Path, width: int, height: int, rate: float) -> None:
        self._path = path
        share = min(1.0, _WIDEST / width)
        # H.264 in its usual form halves the colour's sides, so both must be even.
        self.width, self.height = (max(2, round(n * share / 2) * 2) for n in (width, height))
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

    def frame(self, picture: NDArray[np.uint8], time: float) -> av.VideoFrame:
        """A picture (H, W, 3) RGB, time in seconds, for `write`; any thread may make it."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = frame.reformat(self.width, self.height, format="yuv420p")
        frame.pts, frame.time_base = round(time * _TICKS), Fraction(1, _TICKS)
        return frame

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.write(None)
        finally:
            self._close()

    def write(self, frame: av.VideoFrame | None) -> None:
        """Adds a frame of `frame`; None: there is no more.

        Raises:
            ExportError: it cannot be written.
        """
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
