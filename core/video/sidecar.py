"""The JSON beside a clip's results, and the sign that all files are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import __version__
from core.atomic import write_atomic
from core.batch.results import is_whole
from core.files.sidecar import GIVEN
from core.video.reader import ClipInfo
from core.video.sequence import DepthSequence
from core.video.settings import VIDEO_OUTPUTS, VideoSettings, output_path

_NEARLY_ALL = 0.95  # of the seconds that a file says it has; its last frame has a length, too


def describe_video(
    clip: ClipInfo,
    sequence: DepthSequence,
    settings: VideoSettings,
    files: dict[str, Any],
) -> dict[str, Any]:
    """A sidecar's content, JSON-ready."""
    first = sequence.first
    assert first is not None  # noqa: S101 - the decoder refuses a clip without a frame
    near, far = sequence.range.range()
    chosen = {} if sequence.choice is None else {"chosen": sequence.choice}
    return {
        "version": __version__,
        "input": vars(clip),
        "model": {
            "name": first.info.name,
            "sha256": first.info.sha256,
            "metric": first.metric,
            "max_depth_m": first.info.config.max_depth,
            "licence": first.info.licence,
        },
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
        "notes": [*([broken_off(clip, sequence)] if sequence.damaged else []), *first.notes],
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
    """Whether a clip's files are there, whole, and made as they would be made now."""
    files = still_good(stem, settings, input_sha256=input_sha256, model_sha256=model_sha256)
    scale = files.get("frames", {}).get("scale")
    return all(name in files for name in settings.save) and (
        settings.png_scale is None or "frames" not in settings.save or scale == settings.png_scale
    )


def still_good(
    stem: Path, settings: VideoSettings, *, input_sha256: str, model_sha256: Sequence[str]
) -> dict[str, Any]:
    """The files of a clip that an earlier run made as they would be made now, and their facts."""
    content = read_video_sidecar(stem)
    if (
        content is None
        or content["input"].get("sha256") != input_sha256
        or content["model"].get("sha256") not in model_sha256
        or any(
            content["settings"].get(k, None if k in GIVEN else ...) != v
            for k, v in settings.decisive().items()
        )
    ):
        return {}
    return {
        name: facts
        for name, facts in content["files"].items()
        if name in VIDEO_OUTPUTS
        if isinstance(facts, dict) and is_whole(output_path(stem, name), facts)
        if name != "stereo" or facts.get("asked") == asdict(settings.stereo)
    }
