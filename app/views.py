"""Pictures and films of a scene: a camera move, stereo pictures, an object put into the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.outputs import stem_of
from app.scene import Scene
from app.space_settings import ViewSettings
from core.atomic import write_atomic
from core.export import OUTPUTS, ExportJob
from core.geometry.augmented import place
from core.geometry.measure import Measurer
from core.imaging.png import encode_png, with_text

_LOW = 0.75  # of the photo's height: where an object stands that has no place


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
    job = ExportJob(scene.prediction, scene.photo.rgb)
    if wanted.kind != "object":
        output = OUTPUTS[wanted.kind]
        path = output.path(stem)
        return path, {"kind": wanted.kind} | output.write(path, job)
    width, height = scene.prediction.photo_size
    u, v = wanted.at or ((width - 1) / 2, (height - 1) * _LOW)
    placed = place(
        scene.photo.rgb,
        Measurer.of(scene.prediction),
        u,
        v,
        kind=wanted.thing,
        size=wanted.size,
        nearer=-wanted.back,
    )
    path = stem.with_name(f"{stem.name}_object.png")
    write_atomic(path, with_text(encode_png(placed.rgb), job.origin()))
    facts = {"object": wanted.thing, "size": wanted.size, "at": [u, v]}
    return path, {
        "kind": "object",
        "distance": placed.distance,
        "visible": placed.visible,
        **facts,
    }
