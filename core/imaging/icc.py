"""ICC profiles: whether one changes anything, and what it makes of a picture."""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.imaging.colour import Encoding, from_code_points

_log = logging.getLogger(__name__)

Apply = Callable[[Image.Image], Image.Image]

_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_SAME = 2  # levels of 255: a profile that moves no colour by more is sRGB, whatever it is called
_KEPT = 8  # profiles; a camera writes the same one into each of its photos
_HEADER, _ENTRY, _MOST_TAGS = 132, 12, 100  # bytes, bytes (ICC.1:2022, 7.2 and 7.3)
_HDR_TRANSFERS = (16, 18)
_BROKEN = "Its colour profile is damaged or does not fit; colours taken as sRGB."


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
