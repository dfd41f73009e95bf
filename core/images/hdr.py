"""Pictures in linear light, stored as floats: OpenEXR and PFM -> 8-bit sRGB.

1 is white and darker light is shown as it is. Where a picture holds more than white, its brightest
parts are bent below white (`colour.shoulder`), and one that would be nearly black or white as a
whole, since its numbers are in some other unit, is first brought to a middle brightness.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.images.colour import BT709, SCENE_KNEE, Encoding, Primaries, displayed, plausible
from core.images.exr_reader import ExrError, ExrPart, read_exr, read_pfm
from core.images.limits import DecodeLimits, check_size

LINEAR_KINDS = ("EXR", "PFM")

_STRIP_ROWS = 64
_USUAL = (0.01, 1.0)  # the geometric mean of light, between which a picture stays as it is
_MIDDLE = 0.18  # of white: what photographers call middle grey
_SAMPLES = 1_000_000


def read_scene_light(
    data: bytes, kind: str, limits: DecodeLimits, label: str
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Decode a picture of floats.

    Args:
        kind: EXR or PFM.
        limits: checked on the header, before pixels are decoded.

    Returns:
        (H, W, 3) uint8 sRGB, and notes for the user.

    Raises:
        ImageError: damaged, cut short, outside the limits, or not a picture.
    """
    planes, alpha, primaries = (_exr if kind == "EXR" else _pfm)(data, limits, label)
    height, width = planes[0].shape
    check_size((width, height), limits, label)
    scale, brightest = _exposure(planes)
    if brightest is None:
        raise ImageError(
            f"{label} holds no light above 0, expected a photo: check that it is a picture and not "
            "a mask."
        )
    knee = SCENE_KNEE if brightest * scale > 1 else None
    encoding = Encoding(np.asarray, primaries, knee=knee)
    rgb = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        light = np.stack([_finite(plane[rows]) for plane in planes], axis=-1)
        if len(planes) == 1:
            light = light.repeat(3, axis=2)
        light *= np.float32(scale)
        if alpha is not None:  # light is stored as it lies over black; here it lies over white
            light += 1 - np.clip(_finite(alpha[rows]), 0, 1)[..., np.newaxis]
        rgb[rows] = displayed(light, knee=knee) if primaries == BT709 else encoding.to_srgb(light)
    note = "A picture of linear light"
    if scale != 1:
        note += f", its brightness multiplied by {scale:.3g}"
    if knee is not None:
        note += ", its brightest parts darkened to fit"
    return rgb, (f"{note}: shown as a screen would.",)


def _exposure(planes: list[NDArray[np.floating]]) -> tuple[float, float | None]:
    """What to multiply by, and the greatest value, or None without any above 0."""
    step = max(1, round((planes[0].size / _SAMPLES) ** 0.5))
    values = np.maximum.reduce([_finite(plane[::step, ::step]) for plane in planes])
    values = values[values > 0]
    if not values.size:
        return 1.0, None
    brightest = max(float(_finite(plane).max()) for plane in planes)
    middle = float(np.exp(np.log(values.astype(np.float64)).mean()))
    return (1.0 if _USUAL[0] <= middle <= _USUAL[1] else _MIDDLE / middle), brightest


def _finite(plane: NDArray[np.floating]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.nan_to_num(plane.astype(np.float32), nan=0.0, posinf=65504.0, neginf=0.0)


def _exr(
    data: bytes, limits: DecodeLimits, label: str
) -> tuple[list[NDArray[np.floating]], NDArray[np.floating] | None, Primaries]:
    try:
        part = read_exr(data, _colour_channels, max_pixels=limits.max_pixels)
    except ExrError as fault:
        words = str(fault)
        if words.startswith("has the channels"):
            words += ", expected R, G and B, or Y: save the picture itself"
        raise ImageError(f"{label} {words}.") from fault
    names = list(part.channels)
    planes: list[NDArray[np.floating]] = [np.asarray(part.channels[name]) for name in names]
    alpha = planes.pop() if names[-1].rpartition(".")[2].upper() == "A" else None
    if alpha is not None and not (alpha > 0).any():
        alpha = None  # some programs write it so by mistake
    return planes, alpha, _primaries(part)


def _colour_channels(names: Iterable[str]) -> tuple[str, ...]:
    """R, G, B and A, or Y and A; of several layers the least deeply nested one."""
    known = set(names)
    layers = sorted({name.rpartition(".")[0] for name in known}, key=lambda name: (len(name), name))
    for wanted in ("RGB", "rgb", "Y"):
        for layer in layers:
            start = f"{layer}." if layer else ""
            chosen = [start + letter for letter in wanted]
            if known.issuperset(chosen):
                alpha = start + ("a" if wanted == "rgb" else "A")
                return (*chosen, alpha) if alpha in known else tuple(chosen)
    return ()


def _primaries(part: ExrPart) -> Primaries:
    stated = part.chromaticities
    if stated is None or len(stated) != 8:
        return BT709
    pairs = tuple((stated[n], stated[n + 1]) for n in range(0, 8, 2))
    return pairs if plausible(pairs) else BT709


def _pfm(
    data: bytes, limits: DecodeLimits, label: str
) -> tuple[list[NDArray[np.floating]], None, Primaries]:
    values = read_pfm(data, limits, label)
    return [values[..., band] for band in range(values.shape[2])], None, BT709
