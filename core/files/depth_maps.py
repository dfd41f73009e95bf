"""A depth map as bytes: 16-bit PNG, coloured PNG, OpenEXR, .npz.

Depth that is NaN means "no depth here": it stays NaN in npz and EXR, is 0 in the 16-bit PNG and
grey in the colour PNG. Infinite or negative depth is refused, because no reader could
tell it from a distance.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.files.colormap import DEFAULT_COLORMAP, color_strips
from core.files.png import encode_strips

# Steps per metre of a 16-bit PNG: millimetres up to 65.5 m, as NYU and most readers have it; then
# KITTI's 256; then coarser ones for what no shipped model reaches.
DEPTH16_SCALES = (1000.0, 256.0, 100.0, 10.0)
_MAX_16 = 65535


@dataclass(frozen=True)
class ColorSettings:
    """How depth is coloured; `near` and `far` in metres, None for the photo's own range."""

    colormap: str = DEFAULT_COLORMAP
    near: float | None = None
    far: float | None = None


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


def encode_depth16(depth: NDArray[np.float32], scale: float) -> bytes:
    """A 16-bit grey PNG of round(depth * scale); 0 where there is no depth.

    Args:
        depth: (H, W) metres; NaN or 0 where there is none. Smaller than half a step becomes one
            step, so that it is not taken for missing.
        scale: steps per metre.

    Raises:
        ExportError: infinite or negative depth, or beyond what the scale can hold.
    """
    check_fits(checked_reach(depth), scale)
    return encode_steps(depth, scale)


def check_fits(reach: float, scale: float) -> None:
    """Lets no depth be clipped by 16 bits: `reach` in metres, or NaN for none.

    Raises:
        ExportError: it is beyond what the scale can hold.
    """
    if reach * scale > _MAX_16 + 0.5:
        raise ExportError(
            f"Depth reaches {reach:.1f} m, a 16-bit PNG with {scale:g} steps per metre "
            f"holds at most {_MAX_16 / scale:.1f} m: use a smaller scale, or save npy."
        )


def encode_steps(depth: NDArray[np.float32], scale: float) -> bytes:
    """`encode_depth16` of depth that is known to fit: the caller has looked at its reach."""
    factor = np.float32(scale)

    def strip(top: int, bottom: int) -> NDArray[np.uint16]:
        metres = depth[top:bottom]
        steps = metres * factor
        np.rint(steps, out=steps)
        if steps.min() >= 1:  # not so with NaN
            return steps.astype(np.uint16)
        missing = ~(metres > 0)  # also for NaN
        np.maximum(steps, 1, out=steps)
        steps[missing] = 0
        return steps.astype(np.uint16)

    return encode_strips(depth.shape, np.dtype(np.uint16), strip)


def encode_color(depth: NDArray[np.float32], settings: ColorSettings) -> bytes:
    """An RGB PNG of coloured depth; see `core.files.colormap.colorize`."""
    checked_reach(depth)
    strip = color_strips(depth, settings.colormap, settings.near, settings.far)
    return encode_strips((*depth.shape, 3), np.dtype(np.uint8), strip)


def encode_exr(depth: NDArray[np.float32], comments: Mapping[str, str] | None = None) -> bytes:
    """Depth as OpenEXR, without loss: one part, scan lines, one 32-bit float channel, ZIP.

    Args:
        depth: (H, W) float32 metres along the optical axis; NaN and infinity are kept.
        comments: key -> text, lines of the attribute `comments`.
    """
    about = {"Z": "depth along the optical axis, metres", **(comments or {})}
    return encode_layers({"Z": np.asarray(depth, np.float32)}, about)


def encode_layers(channels: Mapping[str, NDArray[np.floating]], about: Mapping[str, str]) -> bytes:
    """OpenEXR of any channels: one part, scan lines, ZIP.

    Args:
        channels: by name, (H, W) each, float32 or float16.
        about: key -> text, lines of the attribute `comments`.
    """
    import OpenEXR

    lines = [f"{key}: {' '.join(text.split())}" for key, text in about.items()]
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "comments": "\n".join(lines).encode("ascii", "backslashreplace").decode(),
    }
    buffer = io.BytesIO()
    whole = {name: np.ascontiguousarray(values) for name, values in channels.items()}
    OpenEXR.File(header, whole, num_threads=0).write(buffer)
    return buffer.getvalue()


def write_npz(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """NumPy's own .npz, deflated fast, with the same bytes for the same arrays."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # always of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
            archive.writestr(entry, member.getbuffer(), compresslevel=1)


def checked_reach(depth: NDArray[np.floating]) -> float:
    """The greatest depth of a map (H, W), metres; NaN where there is none.

    Raises:
        ExportError: no map, or infinite or negative depth, which no file can say.
    """
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
