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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import __version__
from core.batch.results import (
    check_name,
    check_replaceable,
    fingerprint,
    is_whole,
    replacing,
    staged,
    stem_for,
)
from core.files.colormap import range_with_ends
from core.files.sidecar import GIVEN, describe_model, read_sidecar, write_sidecar
from core.video.reader import ClipInfo, ClipReader
from core.video.sequence import DepthSequence, Tell, VideoModels, check_length
from core.video.settings import VIDEO_OUTPUTS, VideoSettings, output_path
from core.video.writer import UNFINISHED, refused, unfinished

_NEARLY_ALL = 0.95  # of the seconds that a file says it has; its last frame has a length, too


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
        stem = stem_for([stem, *others], clip.sha256, clip.name, overwrite=settings.overwrite)
        before = read_sidecar(stem)
        good = _still_good(before, stem, clip, models, settings)
        if before is not None and not settings.overwrite and _is_finished(good, settings):
            return VideoResult(before, skipped=True, stem=stem)
        targets = [output_path(stem, name) for name in settings.save]
        check_replaceable(stem, targets, frozenset({os.path.normpath(path.absolute())}))
        check_length(clip, clip.surely, settings)
        folder = Path(f"{output_path(stem, 'frames')}{UNFINISHED}")
        with unfinished(folder, anew=settings.overwrite), staged(stem) as new:
            sequence = DepthSequence(reader, folder, models, settings)
            for done in sequence.write():
                tell("depth", done, clip.frames)
            kept = {name: facts for name, facts in good.items() if name not in settings.save}
            made = _made(sequence, new, folder, settings, tell)
            files = {
                name: {"folder" if path.is_dir() else "file": output_path(stem, name).name, **facts}
                for name, (path, facts) in made.items()
            }
            content = _described(clip, sequence, settings, kept | files)
            names = [each.get("file") or each["folder"] for each in kept.values()]
            places = {output_path(stem, name).name: path for name, (path, _) in made.items()}
            with replacing(stem, places, names):
                write_sidecar(stem, content)
    return VideoResult(content, skipped=False, stem=stem)


def _made(
    sequence: DepthSequence, new: Path, folder: Path, settings: VideoSettings, tell: Tell
) -> dict[str, tuple[Path, dict[str, Any]]]:
    """By output: where it was made, and what the sidecar has to say of it.

    Args:
        new: where files are made, a path without suffix.
        folder: of the frames.
    """
    made: dict[str, tuple[Path, dict[str, Any]]] = {}
    colors = settings.colors
    if "video" in settings.save:
        path = output_path(new, "video")
        near, far = range_with_ends(sequence.range.range(), colors.near, colors.far)
        sequence.draw(path, near, far, tell)
        facts = {"colormap": colors.colormap, "near_m": near, "far_m": far}
        made["video"] = path, facts | fingerprint(path)
    if "stereo" in settings.save:
        path = output_path(new, "stereo")
        rig = sequence.draw_stereo(path, tell)
        asked = asdict(settings.stereo)
        facts = {"asked": asked, "eyes_m": rig.eyes, "screen_m": rig.screen}
        made["stereo"] = path, facts | fingerprint(path)
    if "exr" in settings.save:
        path = output_path(new, "exr")
        with _refusals(path):
            sequence.write_exr(path, tell)
            facts = {"pattern": "%06d.exr", "first": 1, "count": sequence.count}
            facts |= {"unit": "m", "channel": "Z", "invalid": "NaN"}
            made["exr"] = path, facts | fingerprint(path)
    if "frames" in settings.save:
        with _refusals(folder):
            sequence.finish()
            scale = sequence.scale
            facts = {"pattern": "%06d.png", "first": 1, "count": sequence.count}
            facts |= {"scale": scale, "unit": f"1/{scale:g} m", "invalid": 0}
            made["frames"] = folder, facts | fingerprint(folder)
    return made


def _still_good(
    before: Mapping[str, Any] | None,
    stem: Path,
    clip: ClipInfo,
    models: VideoModels,
    settings: VideoSettings,
) -> dict[str, Any]:
    """The files of a clip that an earlier run made as they would be made now, and their facts."""
    if (
        before is None
        or not isinstance(before.get("flicker"), dict)  # no clip's
        or before["input"].get("sha256") != clip.sha256
        or before["model"].get("sha256") not in models.sha256
        or any(
            before["settings"].get(k, None if k in GIVEN else ...) != v
            for k, v in settings.decisive().items()
        )
    ):
        return {}
    return {
        name: facts
        for name, facts in before["files"].items()
        if name in VIDEO_OUTPUTS and is_whole(output_path(stem, name), facts)
        if name != "stereo" or facts.get("asked") == asdict(settings.stereo)
    }


def _is_finished(good: Mapping[str, Any], settings: VideoSettings) -> bool:
    """Whether all that is asked for is there, frames in the scale that they shall have."""
    scale = good.get("frames", {}).get("scale")
    return all(name in good for name in settings.save) and (
        settings.png_scale is None or "frames" not in settings.save or scale == settings.png_scale
    )


def _described(
    clip: ClipInfo, sequence: DepthSequence, settings: VideoSettings, files: dict[str, Any]
) -> dict[str, Any]:
    """The sidecar's content, JSON-ready."""
    first = sequence.first
    near, far = sequence.range.range()
    chosen = {} if sequence.choice is None else {"chosen": sequence.choice}
    return {
        "version": __version__,
        "input": vars(clip),
        "model": describe_model(first),
        "depth": {
            "unit": first.unit,
            "axis": "z, along the optical axis",
            "p1_m": near,
            "p99_m": far,
            "png_scale": sequence.scale,
        },
        "intrinsics": first.intrinsics.to_dict(),
        "focal_scale": first.focal_scale,
        "scale": first.scale_facts(),
        "frames": sequence.count,
        "network_frames": sequence.seen if settings.quality == "fast" else None,
        "times": sequence.times,
        "complete": not sequence.damaged,
        "notes": [*([_broken_off(clip, sequence)] if sequence.damaged else []), *first.notes],
        "cuts": sequence.cuts,
        "flicker": sequence.flicker.to_dict(),
        "milliseconds_per_frame": round(sequence.milliseconds / sequence.count, 2),
        "settings": {
            **settings.decisive(),
            **chosen,
            "working_size": first.settings["working_size"],
            "engine": first.settings["engine"],
        },
        "files": files,
    }


def _broken_off(clip: ClipInfo, sequence: DepthSequence) -> str:
    """What is to be said of a clip that ended early: one cut short decodes without an error."""
    frames, reached = sequence.count, sequence.times[-1]
    # What other containers are said to last is found out from what is left of them.
    said = clip.seconds if clip.container == "WebM or Matroska" else None
    if clip.frames is not None and frames < clip.frames:
        there = f"{frames} of about {clip.frames} frames could be decoded"
    elif said is not None and reached < _NEARLY_ALL * said:
        there = f"{reached:.1f} of {said:.1f} seconds could be decoded"
    else:
        there = f"The clip breaks off after {frames} frames"
    return f"{there}: the file is cut short or damaged, and what is missing has no depth."


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error
