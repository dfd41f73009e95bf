"""The JSON beside a photo's results: what a reader has to know, and what makes a run resumable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core import __version__
from core.atomic import write_atomic
from core.errors import ExportError
from core.files.outputs import OUTPUTS
from core.images.decode import Photo
from core.prediction import Prediction

# The settings that decide the result; engine and device agree within rounding, so results made on
# another machine count as finished.
DECISIVE = ("resolution", "flip", "precision", "fov")
_AXES = {
    "pinhole": "z, along the optical axis",
    "equirectangular": "along each ray: the distance from the camera",
}
# What the names of results end in: of a photo, of a photo with an object in it, of a video.
_ENDINGS = (
    *(output.suffix for output in OUTPUTS.values()),
    *("_object.png", "_depth.mp4", "_stereo.mp4", "_frames_exr", "_frames"),
)
# As far as they were given; older sidecars lack them.
GIVEN = ("intrinsics", "known_lengths", "known_depths", "camera_height", "sparse", "profile")


def sidecar_path(stem: Path) -> Path:
    """Where the sidecar of a photo's results lies; `stem` may hold dots."""
    return Path(f"{stem}.json")


def describe(
    photo: Photo, prediction: Prediction, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A sidecar's content, the same for the same photo, model and settings.

    Args:
        files: by output name: the file's name, and facts such as the PNG's scale.
    """
    depth = prediction.depth
    width, height = prediction.photo_size
    known = prediction.calibration
    return {
        "version": __version__,
        "input": {
            "name": photo.name,
            "sha256": photo.sha256,
            "format": photo.format,
            "width": width,
            "height": height,
            "notes": list(photo.notes),
        },
        "notes": list(prediction.notes),
        "model": describe_model(prediction),
        "depth": {
            "unit": prediction.unit,
            "axis": _AXES[prediction.intrinsics.projection],
            "min_m": float(np.fmin.reduce(depth, axis=None)),
            "max_m": float(np.fmax.reduce(depth, axis=None)),
            "png_scale": files.get("depth16", {}).get("scale"),
        },
        "intrinsics": prediction.intrinsics.to_dict(),
        "focal_scale": prediction.focal_scale,
        "calibration": None if known is None else known.to_dict(),
        "scale": prediction.scale_facts(),
        "settings": {**prediction.settings, **prediction.known_settings()},
        "files": {name: dict(facts) for name, facts in files.items()},
    }


def describe_model(prediction: Prediction) -> dict[str, Any]:
    """What a sidecar, of a photo or a video, says of the model."""
    info = prediction.info
    return {
        "name": info.name,
        "sha256": info.sha256,
        "metric": prediction.metric,
        "max_depth_m": info.config.max_depth,
        "licence": info.licence,
    }


def write_sidecar(stem: Path, content: Mapping[str, Any]) -> Path:
    """Writes `STEM.json`; it comes last of the results, as the sign that all are there.

    Raises:
        ExportError: it cannot be written, or a file of the user's has its name.
    """
    path = _replaceable(stem)
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())
    return path


def retract_sidecar(stem: Path) -> None:
    """Removes a sidecar before its files are replaced: killed in between, they count as undone.

    Raises:
        ExportError: it cannot be removed, or a file of the user's has its name.
    """
    path = _replaceable(stem)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(
            f"{path.name} could not be replaced ({error.strerror or error}), expected a folder "
            "with write permission: choose another folder."
        ) from error


def _replaceable(stem: Path) -> Path:
    path = sidecar_path(stem)
    if path.exists() and read_sidecar(stem) is None:
        raise ExportError(
            f"The description of the results would replace {path.name}, which is no result of this "
            "program, expected a name that is free: choose another output folder."
        )
    return path


def read_sidecar(stem: Path) -> dict[str, Any] | None:
    """A sidecar's content; None where there is none, or it was not written by this program."""
    try:
        content = json.loads(sidecar_path(stem).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    parts = [content.get(key) for key in ("input", "model", "settings", "files")]
    if not all(isinstance(part, dict) for part in parts):
        return None
    return content if all(isinstance(f, dict) for f in content["files"].values()) else None


def named_files(content: Mapping[str, Any] | None) -> list[str]:
    """The names of the files and folders that a sidecar describes; all lie beside it."""
    facts = (content or {}).get("files", {}).values()
    names = [each.get(key) for each in facts for key in ("file", "folder")]
    return [name for name in names if isinstance(name, str) and is_plain(name)]


def is_plain(name: str) -> bool:
    """Whether a name leads nowhere else: a sidecar may have been written by anybody."""
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def is_result(path: Path) -> bool:
    """Whether a file is a result of a photo or video: a sidecar, or named by the one beside it."""
    if path.suffix == ".json" and read_sidecar(path.with_suffix("")) is not None:
        return True
    # A frame of a sequence lies one folder down.
    return any(_is_named(each) for each in (path, path.parent) if each.name)


def _is_named(path: Path) -> bool:
    endings = (ending for ending in _ENDINGS if path.name.endswith(ending))
    return any(
        path.name in named_files(read_sidecar(Path(str(path).removesuffix(ending))))
        for ending in endings
    )
