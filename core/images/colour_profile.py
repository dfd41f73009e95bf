"""What a picture's file says of its colours, and how they become sRGB.

Which statement counts where a file makes several: PNG: cICP, iCCP, sRGB, gAMA with cHRM (PNG, third
edition, 4.3); HEIC and AVIF: the ICC profile, then the code points; JPEG and TIFF: the ICC profile,
then the letters R03 that cameras write for Adobe RGB (DCF 2.0, with a gamma of 563 / 256).
"""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.images.colour import (
    ADOBE_RGB,
    BT709,
    Encoding,
    Primaries,
    from_code_points,
    from_gamma,
    plausible,
)
from core.images.isobmff import colours, jpeg_2000_profile

_log = logging.getLogger(__name__)

Apply = Callable[[Image.Image], Image.Image]

_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_SAME = 2  # levels of 255: a profile that moves no colour by more is sRGB, whatever it is called
_KEPT = 8  # profiles; a camera writes the same one into each of its photos
_HEADER, _ENTRY, _MOST_TAGS = 132, 12, 100  # bytes, bytes (ICC.1:2022, 7.2 and 7.3)
_HDR_TRANSFERS = (16, 18)
_BROKEN = "Its colour profile is damaged or does not fit; colours taken as sRGB."

_PNG_START, _MOST_CHUNKS = 8, 10_000
_INTEROPERABILITY_IFD, _INDEX, _ADOBE = 0xA005, 1, "R03"  # Exif 2.32, 4.6.8


@functools.lru_cache(maxsize=_KEPT)
def profile_transform(profile: bytes, mode: str) -> tuple[Apply | Encoding | None, tuple[str, ...]]:
    """What turns colours of an ICC profile into sRGB.

    Args:
        profile: the file's bytes.
        mode: of the picture: RGB, L or CMYK.

    Returns:
        What makes an RGB picture of one of `mode`; or the encoding that the profile names in high
        dynamic range, for which its own tables have no answer; or None where it is sRGB, or cannot
        be used. And notes for the user.
    """
    encoding = _high_dynamic_range(profile)
    if encoding is not None:
        return encoding, (encoding.note,)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = str(source.profile.xcolor_space).strip().upper()
        if space != _SPACES[mode]:
            raise ValueError(f"a {space} profile in a {mode} picture")
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if _changes_nothing(transform, mode):
            return None, ()
    except Exception:  # a stranger's bytes in a C parser: whatever it says, the profile is useless
        _log.debug("ICC profile ignored", exc_info=True)
        return None, (_BROKEN,)
    return transform.apply, ()


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    probe = _probe()
    if mode == "L":
        probe = probe[..., :1].repeat(3, axis=2)
    seen = Image.fromarray(probe[..., 0] if mode == "L" else probe)
    moved = np.asarray(transform.apply(seen)).astype(np.int16) - probe
    return int(np.abs(moved).max()) <= _SAME


@functools.cache
def _probe() -> NDArray[np.uint8]:
    """(1, n, 3): all greys, and colours all over the cube."""
    steps = np.linspace(0, 255, 9).round()
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    greys = np.arange(256)[:, np.newaxis].repeat(3, axis=1)
    return np.concatenate([greys, cube])[np.newaxis].astype(np.uint8)


def _high_dynamic_range(profile: bytes) -> Encoding | None:
    """The encoding that the tag `cicp` names, if that is one of high dynamic range.

    Tag: ICC.1:2022, 10.5. Its values are those of ITU-T H.273.
    """
    count = int.from_bytes(profile[_HEADER - 4 : _HEADER], "big")
    for at in range(_HEADER, _HEADER + _ENTRY * min(count, _MOST_TAGS), _ENTRY):
        if profile[at : at + 4] == b"cicp":
            start = int.from_bytes(profile[at + 4 : at + 8], "big")
            tag = profile[start : start + 12]
            if len(tag) == 12 and tag[:4] == b"cicp" and tag[9] in _HDR_TRANSFERS:
                return from_code_points(tag[8], tag[9])
    return None


_ADOBE_RGB = Encoding(lambda value: value ** (563 / 256), ADOBE_RGB)


@dataclass(frozen=True)
class Recolour:
    """How a picture's values become sRGB.

    Attributes:
        transform: None where they are sRGB already.
        notes: for the user.
    """

    transform: Apply | Encoding | None = None
    notes: tuple[str, ...] = ()

    def eight(self, image: Image.Image) -> NDArray[np.uint8]:
        """(H, W, 3) sRGB of a picture of mode RGB, L or CMYK."""
        if isinstance(self.transform, Encoding):
            values = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
            return self.transform.to_srgb(self.transform.table(256)[values])
        flat = image if self.transform is None else self.transform(image)
        return np.asarray(flat if flat.mode == "RGB" else flat.convert("RGB"))

    def sixteen(self, values: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """(H, W, 3) sRGB of 16-bit values, (H, W, 3) or grey (H, W).

        Dark values of linear light lie so close to each other that 8 bits would show steps. A
        profile's tables know 8 bits: what lies between is interpolated.
        """
        if isinstance(self.transform, Encoding):
            light = self.transform.table(65536)[values]
            if light.ndim == 2:
                light = light[..., np.newaxis].repeat(3, axis=2)
            return self.transform.to_srgb(light)
        place = values / np.float32(257)
        below = place.astype(np.uint8)
        above = np.minimum(below, 254) + np.uint8(1)
        share = place - below
        low, high = (
            self.eight(Image.fromarray(part)).astype(np.float32) for part in (below, above)
        )
        if share.ndim == 2:
            share = share[..., np.newaxis]
        return np.rint(low + share * (high - low)).astype(np.uint8)


def recolour(image: Image.Image, data: bytes, mode: str) -> Recolour:
    """How the values of a picture become sRGB.

    Args:
        data: the file; empty where only `image` is known.
        mode: RGB, L or CMYK: what `image` is without alpha and palette.
    """
    if image.format == "PNG" and data:
        points = _png_code_points(data)
        if points is not None:
            return _encoded(from_code_points(*points))
    points, profile = colours(data) if image.format in ("AVIF", "HEIF") else (None, None)
    if image.format == "JPEG2000":
        profile = jpeg_2000_profile(data)
    profile = image.info.get("icc_profile") or profile
    if profile:
        return Recolour(*profile_transform(profile, mode))
    if points is not None:
        return _encoded(from_code_points(*points))
    if image.format == "PNG":
        return _encoded(_png_gamma(image))
    if image.format in ("JPEG", "TIFF") and mode == "RGB" and _is_adobe_rgb(image):
        return _encoded(_ADOBE_RGB)
    return Recolour()


def _encoded(encoding: Encoding | None) -> Recolour:
    note = () if encoding is None or not encoding.note else (encoding.note,)
    return Recolour(encoding, note)


def _png_code_points(data: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer function of the chunk cICP, which Pillow does not read."""
    at = _PNG_START
    for _ in range(_MOST_CHUNKS):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"cICP" and size == 4 and data[at + 10] == 0:  # 0: RGB, not YCbCr
            return data[at + 8], data[at + 9]
        if kind in (b"IDAT", b""):
            break
        at += 12 + size
    return None


def _png_gamma(image: Image.Image) -> Encoding | None:
    if "srgb" in image.info:
        return None
    stated = image.info.get("chromaticity")
    primaries: Primaries | None = None
    if isinstance(stated, tuple) and len(stated) == 8:
        primaries = ((stated[2:4]), (stated[4:6]), (stated[6:8]), (stated[0:2]))
        primaries = primaries if plausible(primaries) else None
    gamma = image.info.get("gamma")
    if image.mode in ("1", "L", "LA", "I;16", "I"):
        primaries = BT709  # a grey has none
    return from_gamma(gamma if isinstance(gamma, float) else None, primaries)


def _is_adobe_rgb(image: Image.Image) -> bool:
    try:
        return image.getexif().get_ifd(_INTEROPERABILITY_IFD).get(_INDEX) == _ADOBE
    except Exception:  # Pillow's parser raises almost anything on malformed blocks.
        _log.debug("EXIF block ignored", exc_info=True)
        return False
