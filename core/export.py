"""What `--save` and the download buttons offer: one table of names, suffixes and writers.

Every file is written to a temporary name and renamed (`core/atomic.py`). Depth that is NaN means
"no depth here": it stays NaN in npy, npz and EXR, is 0 in the 16-bit PNG and grey in the colour
PNG. Infinite or negative depth is refused, since no reader could tell it from a distance.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.colormap import DEFAULT_COLORMAP, color_strips, display_range
from core.errors import ConfigError, ExportError
from core.geometry.scene import SceneInfo
from core.imaging.exr import encode_exr
from core.imaging.png import encode_strips, with_text

if TYPE_CHECKING:
    from core.geometry.space import SpaceOptions
    from core.prediction import Prediction

# Steps per metre of a 16-bit PNG: millimetres up to 65.5 m, as NYU and most readers have it; then
# KITTI's 256; then coarser ones for what no shipped model reaches.
DEPTH16_SCALES = (1000.0, 256.0, 100.0, 10.0)
_MAX_16 = 65535
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same depth gives the same bytes


@dataclass(frozen=True)
class ColorSettings:
    """How depth is coloured; `near` and `far` in metres, None for the photo's own range."""

    colormap: str = DEFAULT_COLORMAP
    near: float | None = None
    far: float | None = None


Facts = dict[str, Any]  # JSON-ready: what a reader of the file has to know


@dataclass(frozen=True, eq=False)
class ExportJob:
    """What the writers may need.

    Attributes:
        prediction: depth, levels and intrinsics of one photo.
        rgb: (H, W, 3) uint8, the photo at the size of `prediction.depth`.
        colors: for the colour PNG.
        space: what the 3D files hold; None: the defaults.
    """

    prediction: Prediction
    rgb: NDArray[np.uint8]
    colors: ColorSettings = ColorSettings()
    space: SpaceOptions | None = None

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


def depth16_scale(reach: float) -> float:
    """Steps per metre with which depth up to `reach` metres fits 16 bits, the finest that does.

    Give the model's maximum rather than one photo's, and all photos of a run share one scale.

    Raises:
        ExportError: farther than the coarsest scale goes.
    """
    for scale in DEPTH16_SCALES:
        if reach * scale <= _MAX_16:
            return scale
    raise ExportError(
        f"Depth reaches {reach:.0f} m, a 16-bit PNG holds at most {_MAX_16 / DEPTH16_SCALES[-1]:g}"
        " m: save npy, npz or exr."
    )


def encode_depth16(depth: NDArray[np.float32], scale: float, level: int = 1) -> bytes:
    """A 16-bit grey PNG of round(depth * scale); 0 where there is no depth.

    Args:
        depth: (H, W) metres; NaN or 0 where there is none. Smaller than half a step becomes one
            step, so that it is not taken for missing.
        scale: steps per metre.
        level: deflate effort, 1 to 9.

    Raises:
        ExportError: infinite or negative depth, or beyond what the scale can hold.
    """
    reach = _check(depth)
    if reach * scale > _MAX_16 + 0.5:
        raise ExportError(
            f"Depth reaches {reach:.1f} m, a 16-bit PNG with {scale:g} steps per metre "
            f"holds at most {_MAX_16 / scale:.1f} m: use a smaller scale, or save npy."
        )
    return _encode_steps(depth, scale, level)


def _encode_steps(depth: NDArray[np.float32], scale: float, level: int = 1) -> bytes:
    """`encode_depth16` of depth that is known to fit."""
    factor = np.float32(scale)

    def strip(top: int, bottom: int) -> NDArray[np.uint16]:
        metres = depth[top:bottom]
        steps = metres * factor
        np.rint(steps, out=steps)
        if metres.min() > 0:
            return _at_least_one(steps)
        missing = ~(metres > 0)  # also for NaN
        steps[missing] = 0
        whole = _at_least_one(steps)
        whole[missing] = 0
        return whole

    return encode_strips(depth.shape, np.dtype(np.uint16), strip, level)


def _at_least_one(steps: NDArray[np.float32]) -> NDArray[np.uint16]:
    whole = steps.astype(np.uint16)
    return np.maximum(whole, 1, out=whole)  # six times as fast as on floats


def encode_color(depth: NDArray[np.float32], settings: ColorSettings, level: int = 1) -> bytes:
    """An RGB PNG of coloured depth; see `core.colormap.colorize`."""
    _check(depth)
    strip = color_strips(depth, settings.colormap, settings.near, settings.far)
    return encode_strips((*depth.shape, 3), np.dtype(np.uint8), strip, level)


def write_npz(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """NumPy's own .npz, deflated fast, with the same bytes for the same arrays."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
            archive.writestr(entry, member.getbuffer(), compresslevel=1)


def _check(depth: NDArray[np.floating]) -> float:
    """The greatest depth, metres (NaN where there is none); refuses what no file can say."""
    if depth.ndim != 2 or depth.size == 0:
        raise ExportError(
            f"Depth has the shape {depth.shape}, expected (height, width): export one map."
        )
    lowest, highest = float(depth.min()), float(depth.max())
    if math.isnan(lowest):  # the slower functions that pass over NaN
        lowest, highest = (float(f.reduce(depth, axis=None)) for f in (np.fmin, np.fmax))
    if lowest < 0 or math.isinf(highest):
        raise ExportError(
            f"Depth goes from {lowest:g} to {highest:g} m, expected finite metres of 0 or more: "
            "predict it again, and report the photo if it stays."
        )
    return highest


def _write_color(path: Path, job: ExportJob) -> Facts:
    near, far = display_range(job.prediction.depth, job.colors.near, job.colors.far)
    settings = ColorSettings(job.colors.colormap, near, far)
    write_atomic(path, with_text(encode_color(job.prediction.depth, settings), job.origin()))
    return {"colormap": settings.colormap, "near_m": near, "far_m": far}


def _write_depth16(path: Path, job: ExportJob) -> Facts:
    highest = _check(job.prediction.depth)
    prediction = job.prediction
    reach = prediction.info.config.max_depth * prediction.focal_scale * prediction.scale
    scale = depth16_scale(max(reach, highest))  # a highest of NaN loses
    text = {**job.origin(), "depth_unit": f"1/{scale:g} m, 0 = no depth"}
    write_atomic(path, with_text(_encode_steps(prediction.depth, scale), text))
    return {"scale": scale, "unit": f"1/{scale:g} m", "invalid": 0}


def _write_npy(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    _check(depth)
    write_atomic(path, lambda file: np.lib.format.write_array(file, depth, allow_pickle=False))
    return {"unit": "m"}


def _write_npz(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    _check(depth)
    camera = job.prediction.intrinsics
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    arrays = {"depth": depth, "intrinsics": matrix}
    arrays["origin"] = np.array([f"{key}: {text}" for key, text in job.origin().items()])
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {"unit": "m", "arrays": list(arrays)}


def _write_exr(path: Path, job: ExportJob) -> Facts:
    _check(job.prediction.depth)
    depth = job.prediction.depth.astype(np.float32, copy=False)
    write_atomic(path, encode_exr(depth, comments=job.origin()))
    return {"unit": "m", "channel": "Z"}


def _write_levels(path: Path, job: ExportJob) -> Facts:
    """Arrays `residual_S`, `band_S` and `depth_S` for each stride S, coarse -> fine."""
    arrays = {
        f"{field}_{level.stride}": getattr(level, field)
        for level in job.prediction.levels
        for field in ("residual", "band", "depth")
    }
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {"unit": "m", "strides": [level.stride for level in job.prediction.levels]}


def _in_space(name: str) -> Callable[[Path, ExportJob], Facts]:
    """A writer of `core.geometry.outputs`: only who asks for 3D pays for the import."""

    def write(path: Path, job: ExportJob) -> Facts:
        from core.geometry.outputs import WRITERS
        from core.geometry.space import SpaceOptions

        return WRITERS[name](path, job.prediction, job.rgb, job.space or SpaceOptions())

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
