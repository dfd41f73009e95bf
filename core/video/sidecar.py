"""`STEM.json` of a clip: what a reader has to know, and the sign that all files are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.atomic import write_atomic
from core.errors import ExportError
from core.version import VERSION
from core.video.reader import ClipInfo
from core.video.sequence import DepthSequence
from core.video.settings import VideoSettings, output_path

_NEARLY_ALL = 0.95  # of the seconds that a file says it has; its last frame has a length, too


def describe_video(
    clip: ClipInfo,
    sequence: DepthSequence,
    settings: VideoSettings,
    files: dict[str, Any],
    *,
    damaged: bool,
) -> dict[str, Any]:
    """A sidecar's content, JSON-ready."""
    first = sequence.first
    assert first is not None  # noqa: S101 - the decoder refuses a clip without a frame
    near, far = sequence.range.range()
    chosen = {} if sequence.choice is None else {"chosen": sequence.choice}
    return {
        "version": VERSION,
        "input": vars(clip),
        "model": {
            "name": first.info.name,
            "sha256": first.info.sha256,
            "metric": first.info.metric,
            "max_depth_m": first.info.config.max_depth,
            "licence": first.info.licence,
        },
        "depth": {
            "unit": "m",
            "axis": "z, along the optical axis",
            "p1_m": near,
            "p99_m": far,
            "png_scale": sequence.scale,
        },
        "intrinsics": first.intrinsics.to_dict(),
        "focal_scale": first.focal_scale,
        "frames": sequence.count,
        "times": sequence.times,
        "complete": not damaged,
        "notes": [broken_off(clip, sequence)] if damaged else [],
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


def broken_off(clip: ClipInfo, sequence: DepthSequence) -> str:
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


def write_video_sidecar(stem: Path, content: Mapping[str, Any]) -> Path:
    """Writes `STEM.json`, last of a clip's files, as the sign that all are there.

    Raises:
        ExportError: it cannot be written.
    """
    path = Path(f"{stem}.json")
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())
    return path


def read_video_sidecar(stem: Path) -> dict[str, Any] | None:
    """A clip's sidecar; None where there is none, or it is not this program's."""
    try:
        content = json.loads(Path(f"{stem}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    parts = [content.get(key) for key in ("input", "model", "settings", "files", "flicker")]
    return content if all(isinstance(part, dict) for part in parts) else None


def is_finished(
    stem: Path, settings: VideoSettings, *, input_sha256: str, model_sha256: Sequence[str]
) -> bool:
    """Whether a clip's files are there and made as they would be made now."""
    content = read_video_sidecar(stem)
    return (
        content is not None
        and content["input"].get("sha256") == input_sha256
        and content["model"].get("sha256") in model_sha256
        and all(content["settings"].get(k, ...) == v for k, v in settings.decisive().items())
        and all(n in content["files"] and output_path(stem, n).exists() for n in settings.save)
    )


def check_replaceable(clip: Path, stem: Path) -> None:
    """Lets nothing be overwritten that is no result of this program.

    Raises:
        ExportError: the clip itself, or a file of the user's, has a result's name.
    """
    if read_video_sidecar(stem) is not None:
        return
    targets = [Path(f"{stem}.json"), output_path(stem, "video"), output_path(stem, "frames")]
    taken = [p.name for p in targets if p.resolve() == clip.resolve()]
    taken += [targets[0].name] if targets[0].exists() else []
    # An interrupted run leaves no sidecar, but may leave a video and numbered frames.
    frames = targets[2]
    if frames.exists() and any(not _is_frame(path) for path in frames.iterdir()):
        taken.append(frames.name)
    if taken:
        raise ExportError(
            f"The results would replace {', '.join(taken)}, which is no result of this program, "
            "expected names that are free: choose another output folder."
        )


def _is_frame(path: Path) -> bool:
    return path.suffix == ".png" and path.stem.isdigit()
