"""Colours that are not sRGB -> sRGB: by curve and primaries, as numbers and never by a name.

A file may state how its values turn into light (the curve) and what red, green and blue are (the
primaries): PNG in cICP, gAMA and cHRM, HEIC and AVIF as the code points of ITU-T H.273, EXIF by the
letters of its colour space. ICC profiles are `core/images/colour_profile.py`'s.

More light than white, as high dynamic range holds, is bent below white by `shoulder`; darker light
stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Primaries = tuple[tuple[float, float], ...]  # CIE x, y of red, green, blue and white

_D65 = (0.3127, 0.3290)
BT709: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
ADOBE_RGB: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65)
# ITU-T H.273, table 2; 2 is "unspecified", and of 1, 5, 6 and 7 all are near sRGB's.
_PRIMARIES: dict[int, Primaries] = {
    1: BT709,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.310, 0.316)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    10: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_WHITE_NITS = 203.0  # of paper in an HDR picture (ITU-R BT.2408, table 1)
_HLG_NITS, _HLG_GAMMA = 1000.0, 1.2  # a monitor's peak and its overall curve (ITU-R BT.2100)
# Of white's light; below, nothing is bent. HDR photos are made with skies well above paper white,
# so that a lower knee comes nearest to what their makers give as the ordinary version.
HDR_KNEE, SCENE_KNEE = 0.25, 0.8
_SAME = 0.02  # primaries this close (CIE xy) look the same
_SAME_GAMMA = 0.05  # share; libpng's threshold too
_STEPS = 65535  # of the table from light to sRGB
_SRGB_GAMMA = 1 / 2.2


@dataclass(frozen=True)
class Encoding:
    """How values turn into light.

    Attributes:
        curve: a value of 0 to 1 into light, 1 for white; more where there is more.
        primaries: of its red, green and blue, and its white.
        knee: where the light of a high dynamic range begins to be bent, or None.
        surround: power of the luminance that a monitor adds (hybrid log-gamma), or None.
        note: for the user; empty where nothing needs saying.
    """

    curve: Callable[[Floats], Floats]
    primaries: Primaries = BT709
    knee: float | None = None
    surround: float | None = None
    note: str = ""

    def table(self, levels: int) -> NDArray[np.float32]:
        """Light of each of the values 0 to levels - 1."""
        return self.curve(np.linspace(0, 1, levels)).astype(np.float32)

    def to_srgb(self, light: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Light of these primaries, (..., 3), as 8-bit sRGB."""
        light = light @ _matrix(self.primaries)
        if self.surround is not None:
            luminance = np.maximum(light @ _LUMINANCE, 1e-6)
            light = light * luminance[..., np.newaxis] ** np.float32(self.surround)
            light *= np.float32(_HLG_NITS / _WHITE_NITS)
        return displayed(light, knee=self.knee)


def displayed(light: NDArray[np.float32], *, knee: float | None) -> NDArray[np.uint8]:
    """Light with sRGB's primaries, (..., 3), 1 for white, as 8-bit sRGB.

    Args:
        light: anything; below 0 is 0, NaN too.
        knee: what is brighter than white keeps its differences (`shoulder`); None cuts it off.
    """
    light = np.maximum(np.nan_to_num(light, nan=0.0, posinf=1e9, neginf=0.0), 0)
    if knee is not None:
        brightest = light.max(axis=-1, keepdims=True)
        light = light * (shoulder(brightest, knee) / np.maximum(brightest, 1e-9))
    eight: NDArray[np.uint8] = _srgb_table()[
        np.rint(np.minimum(light, 1) * _STEPS).astype(np.uint16)
    ]
    return eight


def shoulder(light: NDArray[np.float32], knee: float) -> NDArray[np.float32]:
    """Light of 0 to infinity as 0 to 1; straight up to the knee, and on from there without an edge.

    It is applied to a pixel's brightest channel, and the others follow, so that no hue turns.
    """
    over = np.maximum(light - np.float32(knee), 0) / np.float32(1 - knee)
    bent = np.float32(knee) + np.float32(1 - knee) * over / (1 + over)
    return np.where(light <= knee, light, bent).astype(np.float32)


def from_code_points(primaries: int, transfer: int) -> Encoding | None:
    """The encoding that ITU-T H.273 numbers so; None where it is sRGB, or as good as."""
    colours = _PRIMARIES.get(primaries, BT709)
    if transfer == 16:
        note = "A high dynamic range picture (PQ): its brightness was fitted to an ordinary one's."
        return Encoding(_pq, colours, knee=HDR_KNEE, note=note)
    if transfer == 18:
        note = "A high dynamic range picture (HLG): its brightness was fitted to an ordinary one's."
        return Encoding(_hlg, colours, knee=HDR_KNEE, surround=_HLG_GAMMA - 1, note=note)
    power = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}.get(transfer)
    if power is not None:
        scale = 52.37 / 48 if transfer == 17 else 1.0
        return _unless_srgb(power, colours, scale)
    # 1, 6, 14, 15: video curves, which screens show as they show sRGB; the rest is rare or unsaid.
    return None if _looks_like_srgb(colours) else Encoding(srgb_to_light, colours)


def from_gamma(gamma: float | None, primaries: Primaries | None) -> Encoding | None:
    """The encoding of a PNG's gAMA and cHRM; None where it is sRGB, or as good as.

    Args:
        gamma: exponent from light to values, 1 / 2.2 in most files; None where unsaid.
        primaries: None where unsaid.
    """
    colours = primaries or BT709
    if gamma is None:
        return None if _looks_like_srgb(colours) else Encoding(srgb_to_light, colours)
    return _unless_srgb(1 / gamma, colours) if 0.05 <= gamma <= 20 else None


def plausible(primaries: Primaries) -> bool:
    """Whether three primaries and a white can be told apart, and so be computed with."""
    if not all(0 <= x <= 1 and 0 < y <= 1 for x, y in primaries[3:]):
        return False
    if not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in primaries):
        return False
    (red_x, red_y), (green_x, green_y), (blue_x, blue_y), _ = primaries
    area = (green_x - red_x) * (blue_y - red_y) - (blue_x - red_x) * (green_y - red_y)
    return abs(area) > 0.01 and bool((_xyz_of_white(primaries) > 0).all())


def _unless_srgb(power: float, primaries: Primaries, scale: float = 1.0) -> Encoding | None:
    usual = abs(1 / power / _SRGB_GAMMA - 1) <= _SAME_GAMMA
    if usual and _looks_like_srgb(primaries):
        return None
    return Encoding(lambda value: scale * value**power, primaries)


def _looks_like_srgb(primaries: Primaries) -> bool:
    return bool(np.abs(np.array(primaries) - np.array(BT709)).max() <= _SAME)


def srgb_to_light(value: Floats) -> Floats:
    """IEC 61966-2-1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _pq(value: Floats) -> Floats:
    """SMPTE ST 2084 (ITU-R BT.2100, table 4), for a white of 203 cd/m2."""
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    root = value ** (1 / m2)
    light: Floats = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (
        10_000 / _WHITE_NITS
    )
    return light


def _hlg(value: Floats) -> Floats:
    """ITU-R BT.2100, table 5: light of the scene, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)


@functools.cache
def _srgb_table() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, _STEPS + 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table: NDArray[np.uint8] = np.rint(value * 255).astype(np.uint8)
    return table


@functools.lru_cache(maxsize=8)
def _matrix(primaries: Primaries) -> NDArray[np.float32]:
    """What turns rows of light with these primaries into rows with sRGB's; white stays white."""
    to_xyz, white = _to_xyz(primaries), _xyz_of_white(primaries)
    srgb_white = _xyz_of_white(BT709)
    cones = np.diag((_BRADFORD @ srgb_white) / (_BRADFORD @ white))
    adapted = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD
    matrix: NDArray[np.float32] = (np.linalg.inv(_to_xyz(BT709)) @ adapted @ to_xyz).T.astype("f4")
    return matrix


def _to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """(3, 3): columns are the CIE XYZ of red, green and blue, which add up to white."""
    columns = np.array([[x, y, 1 - x - y] for x, y in primaries[:3]]).T
    return columns * np.linalg.solve(columns, _xyz_of_white(primaries))


def _xyz_of_white(primaries: Primaries) -> NDArray[np.float64]:
    x, y = primaries[3]
    return np.array([x / y, 1, (1 - x - y) / y])


_LUMINANCE = _to_xyz(BT709)[1].astype(np.float32)
