"""Files of one result: names made by the server, contents by `core.export` and the 3D writers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.service import Scene
from app.settings import CloudSettings, DisplaySettings
from core.export import OUTPUTS, ColorSettings, ExportJob
from core.image import Photo
from core.point_cloud import CloudOptions, point_cloud
from core.sidecar import describe, write_sidecar

_ODD = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        files: by kind of output.
        facts: by kind: what a reader of the file has to know, the scale of a PNG for instance.
        sidecar: the JSON file that describes them all.
    """

    files: dict[str, Path]
    facts: dict[str, dict[str, Any]]
    sidecar: Path


def stem_of(photo: Photo) -> str:
    """A file name's beginning for a photo's results: its own name, made harmless."""
    return safe_stem(Path(photo.name).stem)


def safe_stem(name: str) -> str:
    """A name with nothing in it that a shell or a path minds; never empty."""
    return _ODD.sub("_", name).strip("._")[:80] or "photo"


def save_outputs(
    scene: Scene, display: DisplaySettings, names: Sequence[str], folder: Path
) -> Saved:
    """Writes the asked-for files of a scene and their sidecar.

    Args:
        scene: photo and depth.
        display: colours of the "color" output.
        names: keys of `core.export.OUTPUTS`.
        folder: an existing folder.

    Raises:
        ExportError: a file cannot be written, or cannot hold this depth.
    """
    colours = ColorSettings(display.colormap, display.near, display.far)
    job = ExportJob(scene.prediction, scene.photo.rgb, colours)
    stem = folder / stem_of(scene.photo)
    files: dict[str, Path] = {}
    facts: dict[str, dict[str, Any]] = {}
    for name in names:
        files[name] = OUTPUTS[name].path(stem)
        facts[name] = OUTPUTS[name].write(files[name], job)
    described = {name: {"file": path.name, **facts[name]} for name, path in files.items()}
    sidecar = write_sidecar(stem, describe(scene.photo, scene.prediction, described))
    return Saved(files, facts, sidecar)


def save_cloud(
    scene: Scene,
    wanted: CloudSettings,
    path: Path,
    *,
    surface: bool | None = None,
    at_most: int | None = None,
) -> dict[str, int]:
    """Writes the scene's points, or the surface through them.

    Args:
        scene: photo and depth.
        wanted: filter and density.
        path: ending in .ply or .glb.
        surface: the surface or the points alone; None: points in .ply, the surface in .glb.
        at_most: points, for a screen.

    Returns:
        "points", and for every filter how many pixels it dropped.

    Raises:
        ExportError: no point is left, or the file cannot be written.
    """
    options = CloudOptions(
        edge_tolerance=wanted.edge_filter or None,
        stride=1 / math.sqrt(wanted.density),
        max_points=at_most,
    )
    cloud = point_cloud(scene.prediction, scene.photo, options)
    cloud.save(path, surface=surface)
    return {"points": len(cloud), **{f"dropped, {k}": n for k, n in cloud.dropped.items() if n}}
