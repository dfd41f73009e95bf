"""A clip to temporally smoothed metric depth: PNG sequence, side-by-side video and sidecar.

The clip is read twice: once to predict, smooth and store every frame's depth as a 16-bit PNG, and
once more to draw the video, when the whole clip's depth range is known. So memory holds a few
frames, however long the clip. The sequence is built under a temporary name and the sidecar comes
last: a run killed at any moment leaves nothing that looks finished, and the next one goes on from
its frames.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.batch.results import (
    check_name,
    check_replaceable,
    fingerprint,
    replacing,
    staged,
    stem_for,
)
from core.errors import ExportError
from core.files.colormap import range_with_ends
from core.video.reader import ClipReader
from core.video.sequence import (
    UNFINISHED,
    DepthSequence,
    Tell,
    VideoModels,
    check_length,
    refused,
)
from core.video.settings import VIDEO_OUTPUTS, VideoSettings, output_path
from core.video.sidecar import (
    describe_video,
    is_finished,
    read_video_sidecar,
    still_good,
    write_video_sidecar,
)
from core.video.writer import is_unfinished


@dataclass(frozen=True)
class VideoResult:
    """What became of a clip: its sidecar, whether it was finished before, and its files' stem."""

    sidecar: dict[str, Any]
    skipped: bool
    stem: Path


def predict_video(
    path: Path,
    stem: Path,
    models: VideoModels,
    settings: VideoSettings,
    tell: Tell = lambda stage, done, total: None,
    *,
    others: Sequence[Path] = (),
) -> VideoResult:
    """Predicts every frame of a clip and writes what was asked for.

    Args:
        path: the clip.
        stem: where the results go, a path without suffix: `out/clip` gives `out/clip_depth.mp4`.
        models: predict it.
        settings: what is made of it.
        tell: told the stage ("depth", then "video", "stereo", "exr"), frames done and frames in
            all, which is None where the file does not say.
        others: further stems, as `core.batch.plan.Job.others`; with some, results of another clip
            keep their place.

    Raises:
        VideoError: the clip cannot be decoded, or is too long.
        ExportError: a file cannot be written.
        DepthError: as `Predictor.__call__`.
    """
    with ClipReader(path) as reader:
        clip = reader.info
        check_name(stem, (f"{suffix}{UNFINISHED}" for suffix in VIDEO_OUTPUTS.values()))
        stem = stem_for(
            [stem, *others], clip.sha256, clip.name, overwrite=settings.overwrite
        )  # fmt: skip
        made_with: dict[str, Any] = {
            "input_sha256": clip.sha256, "model_sha256": models.sha256
        }  # fmt: skip
        if not settings.overwrite and is_finished(stem, settings, **made_with):
            found = read_video_sidecar(stem)
            if found is not None:
                return VideoResult(found, skipped=True, stem=stem)
        targets = [output_path(stem, name) for name in settings.save]
        check_replaceable(stem, targets, frozenset({os.path.normpath(path.absolute())}))
        check_length(clip, clip.surely, settings)
        folder = _checked_unfinished(stem)
        if settings.overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        with _unfinished(folder), staged(stem) as new:
            sequence = DepthSequence(reader, folder, models, settings)
            for done in sequence.write():
                tell("depth", done, clip.frames)
            colors = settings.colors
            near, far = range_with_ends(sequence.range.range(), colors.near, colors.far)
            kept = still_good(stem, settings, **made_with)
            files = {name: facts for name, facts in kept.items() if name not in settings.save}
            names = [each.get("file") or each["folder"] for each in files.values()]
            made: dict[str, Path] = {}
            if "video" in settings.save:
                target = output_path(stem, "video")
                drawn = output_path(new, "video")
                sequence.draw(drawn, near, far, tell)
                made[target.name] = drawn
                files["video"] = {
                    "file": target.name,
                    "colormap": colors.colormap,
                    "near_m": near,
                    "far_m": far,
                    **fingerprint(drawn),
                }
            if "stereo" in settings.save:
                target = output_path(stem, "stereo")
                made[target.name] = drawn = output_path(new, "stereo")
                rig = sequence.draw_stereo(drawn, tell)
                files["stereo"] = {
                    "file": target.name,
                    "asked": asdict(settings.stereo),
                    "eyes_m": rig.eyes,
                    "screen_m": rig.screen,
                    **fingerprint(drawn),
                }
            if "exr" in settings.save:
                target = output_path(stem, "exr")
                made[target.name] = drawn = output_path(new, "exr")
                with _refusals(drawn):
                    sequence.write_exr(drawn, tell)
                    about = {"folder": target.name, "pattern": "%06d.exr", "first": 1}
                    about |= {"count": sequence.count, "unit": "m", "channel": "Z"}
                    files["exr"] = about | {"invalid": "NaN"} | fingerprint(drawn)
            with _refusals(folder):
                if "frames" in settings.save:
                    sequence.finish()
                    target = output_path(stem, "frames")
                    made[target.name] = folder
                    files["frames"] = _about(target.name, sequence) | fingerprint(folder)
            content = describe_video(clip, sequence, settings, files)
            with replacing(stem, made, names):
                write_video_sidecar(stem, content)
    return VideoResult(content, skipped=False, stem=stem)


def _checked_unfinished(stem: Path) -> Path:
    """The folder for a clip's frames while they are made.

    Raises:
        ExportError: something else has its name.
    """
    folder = Path(f"{output_path(stem, 'frames')}{UNFINISHED}")
    if os.path.lexists(folder) and not is_unfinished(folder):
        raise ExportError(
            f"The frames would be made in {folder}, which holds files that are no frames of this "
            "program, expected a name that is free: move it away, or choose another output folder."
        )
    return folder


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error


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


def _about(name: str, sequence: DepthSequence) -> dict[str, Any]:
    return {
        "folder": name,
        "pattern": "%06d.png",
        "first": 1,
        "count": sequence.count,
        "scale": sequence.scale,
        "unit": f"1/{sequence.scale:g} m",
        "invalid": 0,
    }
