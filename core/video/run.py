"""A clip to steadied metric depth: PNG sequence, side-by-side video and sidecar.

The clip is read twice: once to predict, steady and store every frame's depth as a 16-bit PNG, and
once more to draw the video, when the whole clip's depth range is known. So memory holds a few
frames, however long the clip. The sequence is built under a temporary name and the sidecar comes
last: a run killed at any moment leaves nothing that looks finished, and the next one goes on from
its frames.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.batch.sidecar import retract_sidecar
from core.colormap import range_with_ends
from core.errors import ExportError
from core.video.reader import ClipReader
from core.video.sequence import (
    UNFINISHED,
    DepthSequence,
    Tell,
    VideoModels,
    check_length,
    refused,
)
from core.video.settings import VideoSettings, output_path
from core.video.sidecar import (
    check_replaceable,
    describe_video,
    is_finished,
    read_video_sidecar,
    write_video_sidecar,
)


@dataclass(frozen=True)
class VideoResult:
    """What became of a clip: its sidecar's content, and whether it was finished before."""

    sidecar: dict[str, Any]
    skipped: bool


def predict_video(
    path: Path,
    stem: Path,
    models: VideoModels,
    settings: VideoSettings,
    tell: Tell = lambda stage, done, total: None,
) -> VideoResult:
    """Predicts every frame of a clip and writes what was asked for.

    Args:
        path: the clip.
        stem: where the results go, a path without suffix: `out/clip` gives `out/clip_depth.mp4`.
        models: predict it.
        settings: what is made of it.
        tell: told the stage ("depth", then "video"), frames done and frames in all, which is None
            where the file does not say.

    Raises:
        VideoError: the clip cannot be decoded, or is too long.
        ExportError: a file cannot be written.
        DepthError: as `Predictor.__call__`.
    """
    with ClipReader(path) as reader:
        clip = reader.info
        if not settings.overwrite and is_finished(
            stem, settings, input_sha256=clip.sha256, model_sha256=models.sha256
        ):
            found = read_video_sidecar(stem)
            if found is not None:
                return VideoResult(found, skipped=True)
        check_replaceable(path, stem)
        check_length(clip, clip.surely, settings)
        folder = Path(f"{output_path(stem, 'frames')}{UNFINISHED}")
        if settings.overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        with _unfinished(folder):
            sequence = DepthSequence(reader, folder, models, settings)
            for done in sequence.write():
                tell("depth", done, clip.frames)
            retract_sidecar(stem)
            colors = settings.colors
            near, far = range_with_ends(sequence.range.range(), colors.near, colors.far)
            files: dict[str, Any] = {}
            if "video" in settings.save:
                target = output_path(stem, "video")
                sequence.draw(path, target, near, far, tell)
                files["video"] = {
                    "file": target.name,
                    "colormap": colors.colormap,
                    "near_m": near,
                    "far_m": far,
                }
            if "frames" in settings.save:
                sequence.finish()
                files["frames"] = _keep(folder, output_path(stem, "frames"), sequence)
    content = describe_video(clip, sequence, settings, files, damaged=reader.damaged)
    write_video_sidecar(stem, content)
    return VideoResult(content, skipped=False)


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[None]:
    """A folder for what is not finished; kept where starting again will go on."""
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


def _keep(folder: Path, target: Path, sequence: DepthSequence) -> dict[str, Any]:
    try:
        shutil.rmtree(target, ignore_errors=True)  # of this program, as `check_replaceable` saw
        folder.rename(target)
    except OSError as error:
        raise refused(target, error) from error
    return {
        "folder": target.name,
        "pattern": "%06d.png",
        "first": 1,
        "count": sequence.count,
        "scale": sequence.scale,
        "unit": f"1/{sequence.scale:g} m",
        "invalid": 0,
    }
