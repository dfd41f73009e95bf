"""What `--save` and the download buttons offer: one table of names, suffixes and writers.

Every file is written to a temporary name and renamed (`core/atomic.py`); what the formats make of
missing and of impossible depth: `core/files/depth_maps.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.errors import ConfigError
from core.files.colormap import display_range
from core.files.depth_maps import (
    ColorSettings,
    check_fits,
    checked_reach,
    depth16_scale,
    encode_color,
    encode_depth16,
    encode_exr,
    encode_steps,
    write_npz,
)
from core.files.png import with_text
from core.geometry.origin import SceneInfo

if TYPE_CHECKING:
    from core.files.geometry_process import Apart
    from core.geometry.build import SpaceOptions
    from core.prediction import Prediction

__all__ = [
    "OUTPUTS",
    "ColorSettings",
    "ExportJob",
    "Output",
    "depth16_scale",
    "encode_color",
    "encode_depth16",
    "parse_outputs",
    "write_npz",
    "write_outputs",
]

Facts = dict[str, Any]  # JSON-ready: what a reader of the file has to know


@dataclass(frozen=True, eq=False)
class ExportJob:
    """What the writers may need.

    Attributes:
        prediction: depth, levels and intrinsics of one photo.
        rgb: (H, W, 3) uint8, the photo at the size of `prediction.depth`.
        colors: for the colour PNG.
        space: what the 3D files hold; None: the defaults.
        png_scale: steps per metre of the 16-bit PNG, the same for all photos of a run; None: by
            the range that this photo's model has.
        apart: what geometry may cost; heavy one is then made in a process of its own. None: no
            limit, and made here.
    """

    prediction: Prediction
    rgb: NDArray[np.uint8]
    colors: ColorSettings = field(default_factory=ColorSettings)
    space: SpaceOptions | None = None
    png_scale: float | None = None
    apart: Apart | None = None

    def origin(self) -> dict[str, str]:
        """Model, camera with its source, units and scale, as every file that can says them."""
        return SceneInfo.of(self.prediction).comments()


@dataclass(frozen=True)
class Output:
    """One kind of result file.

    Attributes:
        name: of `--save`.
        suffix: behind the photo's stem.
        media_type: for downloads.
        write: writes the file, returns what the sidecar has to say about it.
        light: needs little memory besides the depth, so that it may be written beside another.
    """

    name: str
    suffix: str
    media_type: str
    write: Callable[[Path, ExportJob], Facts]
    light: bool = False

    def path(self, stem: str | Path) -> Path:
        """Where this output of a photo goes; `stem` is a path without suffix, dots allowed."""
        return Path(f"{stem}{self.suffix}")


def parse_outputs(names: str) -> tuple[Output, ...]:
    """The outputs of a comma-separated `--save` list, in the table's order, each once.

    Raises:
        ConfigError: an unknown name, or none at all.
    """
    wanted = {name.strip() for name in names.split(",")} - {""}
    unknown = sorted(wanted - set(OUTPUTS))
    if unknown or not wanted:
        raise ConfigError(
            f"Got {', '.join(unknown) or 'no output'} to save, expected some of "
            f"{','.join(OUTPUTS)}: correct the list."
        )
    return tuple(output for name, output in OUTPUTS.items() if name in wanted)


def write_outputs(outputs: Sequence[Output], stem: str | Path, job: ExportJob) -> dict[str, Facts]:
    """Writes several files of one photo, light ones side by side: NumPy and deflate share cores.

    Args:
        outputs: of `OUTPUTS`.
        stem: a path without suffix.
        job: what the files are made of.

    Returns:
        By the outputs' names, in their order: what the sidecar has to say.

    Raises:
        ExportError: a file cannot be written, or cannot hold this depth; others may be there.
    """
    light = [output for output in outputs if output.light]
    facts: dict[str, Facts] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(light))) as pool:
        written = pool.map(lambda output: output.write(output.path(stem), job), light)
        facts |= zip((output.name for output in light), written, strict=True)
    for output in outputs:
        if not output.light:
            facts[output.name] = output.write(output.path(stem), job)
    return {output.name: facts[output.name] for output in outputs}


def _write_color(path: Path, job: ExportJob) -> Facts:
    near, far = display_range(job.prediction.depth, job.colors.near, job.colors.far)
    settings = ColorSettings(job.colors.colormap, near, far)
    write_atomic(path, with_text(encode_color(job.prediction.depth, settings), job.origin()))
    return {"colormap": settings.colormap, "near_m": near, "far_m": far}


def _write_depth16(path: Path, job: ExportJob) -> Facts:
    highest = checked_reach(job.prediction.depth)
    prediction = job.prediction
    reach = prediction.in_scale(prediction.info.config.max_depth * prediction.focal_scale)
    scale = job.png_scale or depth16_scale(max(reach, highest))  # a highest of NaN loses
    check_fits(highest, scale)
    text = {**job.origin(), "depth_unit": f"1/{scale:g} m, 0 = no depth"}
    write_atomic(path, with_text(encode_steps(prediction.depth, scale), text))
    return {"scale": scale, "unit": f"1/{scale:g} m", "invalid": 0}


def _write_npy(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    checked_reach(depth)
    write_atomic(path, lambda file: np.lib.format.write_array(file, depth, allow_pickle=False))
    return {"unit": job.prediction.unit}


def _write_npz(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    checked_reach(depth)
    camera = job.prediction.intrinsics
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    arrays = {"depth": depth, "intrinsics": matrix}
    arrays["origin"] = np.array([f"{key}: {text}" for key, text in job.origin().items()])
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {"unit": job.prediction.unit, "arrays": list(arrays)}


def _write_exr(path: Path, job: ExportJob) -> Facts:
    checked_reach(job.prediction.depth)
    depth = job.prediction.depth.astype(np.float32, copy=False)
    write_atomic(path, encode_exr(depth, comments=job.origin()))
    return {"unit": job.prediction.unit, "channel": "Z"}


def _write_levels(path: Path, job: ExportJob) -> Facts:
    """Arrays `residual_S`, `band_S` and `depth_S` for each stride S, coarse -> fine."""
    arrays = {
        f"{field}_{level.stride}": getattr(level, field)
        for level in job.prediction.levels
        for field in ("residual", "band", "depth")
    }
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {
        "unit": job.prediction.unit,
        "strides": [level.stride for level in job.prediction.levels],
    }


def _in_space(name: str) -> Callable[[Path, ExportJob], Facts]:
    """A writer of `core.files.outputs_3d`: only who asks for 3D pays for the import."""

    def write(path: Path, job: ExportJob) -> Facts:
        from core.files.outputs_3d import WRITERS, write_clip, write_geometry
        from core.geometry.build import SpaceOptions

        wanted = job.space or SpaceOptions()
        if job.apart is not None and WRITERS[name] is write_geometry:
            from core.files.geometry_process import write_apart

            return write_apart(path, job.prediction, job.rgb, wanted, job.apart)
        if job.apart is not None and WRITERS[name] is write_clip:
            from core.files.geometry_process import check_wanted

            asked = partial(check_wanted, job.apart)
            return write_clip(path, job.prediction, job.rgb, wanted, asked)
        return WRITERS[name](path, job.prediction, job.rgb, wanted)

    return write


OUTPUTS: dict[str, Output] = {
    output.name: output
    for output in (
        Output("color", "_color.png", "image/png", _write_color, light=True),
        Output("depth16", "_depth16.png", "image/png", _write_depth16, light=True),
        Output("npy", "_depth.npy", "application/octet-stream", _write_npy),
        Output("npz", "_depth.npz", "application/zip", _write_npz),
        Output("exr", "_depth.exr", "image/x-exr", _write_exr),
        Output("levels", "_levels.npz", "application/zip", _write_levels),
        Output("ply", ".ply", "application/octet-stream", _in_space("ply")),
        Output("glb", ".glb", "model/gltf-binary", _in_space("glb")),
        Output("obj", "_obj.zip", "application/zip", _in_space("obj")),
        Output("stereo", "_stereo.png", "image/png", _in_space("stereo")),
        Output("anaglyph", "_anaglyph.png", "image/png", _in_space("anaglyph")),
        Output("clip", "_move.mp4", "video/mp4", _in_space("clip")),
    )
}
