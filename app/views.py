"""Pictures and films of a scene: a camera move, stereo pictures, an object put into the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.outputs import stem_of
from app.scene import Scene
from app.space_settings import ViewSettings
from core.export import OUTPUTS, ExportJob
from core.geometry.outputs import write_object


def save_view(scene: Scene, wanted: ViewSettings, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Makes the asked-for view.

    Args:
        scene: photo and depth.
        wanted: what to make.
        folder: an existing folder.

    Returns:
        the file (.mp4 or .png), and what there is to say about it; of an object its `distance`
        along the optical axis in metres and the share `visible` that nothing hides.

    Raises:
        DepthError: no depth at the object's place, nothing to render, or the disk refused.
    """
    stem = folder / stem_of(scene.photo)
    if wanted.kind != "object":
        output = OUTPUTS[wanted.kind]
        path = output.path(stem)
        return path, {"kind": wanted.kind} | output.write(
            path, ExportJob(scene.prediction, scene.photo.rgb)
        )
    path = stem.with_name(f"{stem.name}_object.png")
    facts = write_object(
        path,
        scene.prediction,
        scene.photo.rgb,
        kind=wanted.thing,
        at=wanted.at,
        size=wanted.size,
        back=wanted.back,
    )
    return path, {"kind": "object"} | facts
