"""How large a picture may be, checked on its header before its pixels are decoded."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from core.errors import ConfigError, ImageError

_log = logging.getLogger(__name__)

_PILLOW_BOMB_PIXELS = 178_956_970  # Image.open itself raises above this (2 x MAX_IMAGE_PIXELS)
_METADATA_KEYS = ("exif", "icc_profile", "xmp", "XML:com.adobe.xmp", "photoshop", "comment")
_SUBFILE_TYPE, _DNG_VERSION = 254, 50706  # TIFF 6.0 and DNG 1.4 tags

# warnings.catch_warnings changes process-wide state, so only one thread at a time may use it.
_quiet_lock = threading.RLock()


@dataclass(frozen=True)
class DecodeLimits:
    """What a picture may be.

    Attributes:
        max_bytes: of the encoded file.
        max_pixels: width x height; at most 178 million, where Pillow itself stops.
        max_side: pixels.
        min_side: pixels; a line one pixel wide holds no scene.
        max_aspect: long side / short side.
        max_frames: of an animation, of which only the first is decoded.
        max_metadata_bytes: EXIF, ICC, XMP and comments together.
    """

    max_bytes: int = 256 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_side: int = 65_535
    min_side: int = 2
    max_aspect: float = 200.0
    max_frames: int = 10_000
    max_metadata_bytes: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            if not value >= 1:
                raise ConfigError(f"{field} is {value}, expected 1 or more: raise it.")
        if self.max_pixels > _PILLOW_BOMB_PIXELS:
            raise ConfigError(
                f"max_pixels is {self.max_pixels}, expected at most {_PILLOW_BOMB_PIXELS}, "
                "where Pillow takes a picture for a decompression bomb: lower it."
            )


DEFAULT_LIMITS = DecodeLimits()


def check_bytes(count: int, limits: DecodeLimits, label: str) -> None:
    """Raise ImageError for an empty or too large file of `count` bytes."""
    if count == 0:
        raise ImageError(
            f"{label} is empty (0 bytes), expected a picture: save or upload it again."
        )
    if count > limits.max_bytes:
        raise ImageError(
            f"{label} has {count / 2**20:.1f} MiB, expected at most "
            f"{limits.max_bytes / 2**20:g} MiB: save it smaller or more compressed."
        )


def too_many_pixels(pixels: int, limits: DecodeLimits, label: str, size: str = "") -> ImageError:
    """The error for a picture with too many pixels; `size` like " (20000 x 20000)"."""
    return ImageError(
        f"{label} has {pixels / 1e6:.1f} megapixels{size}, expected at most "
        f"{limits.max_pixels / 1e6:g} megapixels: make it smaller first."
    )


def check_size(size: tuple[int, int], limits: DecodeLimits, label: str) -> None:
    """Raise ImageError for a (width, height) in pixels outside the limits."""
    width, height = size
    short, long = sorted(size)
    if short < limits.min_side:
        raise ImageError(
            f"{label} is {width} x {height} pixels, expected at least {limits.min_side} on each "
            "side: there is no scene in it to measure, use a real photo."
        )
    if long > limits.max_side:
        raise ImageError(
            f"{label} is {width} x {height} pixels, expected at most {limits.max_side} on a side: "
            "make it smaller first."
        )
    if width * height > limits.max_pixels:
        raise too_many_pixels(width * height, limits, label, f" ({width} x {height})")
    if long > limits.max_aspect * short:
        raise ImageError(
            f"{label} is {width} x {height} pixels, expected a long side of at most "
            f"{limits.max_aspect:g} times the short one: crop it into parts."
        )


def check_container(image: Image.Image, limits: DecodeLimits, label: str) -> tuple[str, ...]:
    """Check what surrounds the pixels of an opened, not yet loaded picture.

    Returns:
        Notes for the user.

    Raises:
        ImageError: too many frames, too much metadata, or only a camera raw file's thumbnail.
    """
    metadata = sum(_byte_count(image.info.get(key)) for key in _METADATA_KEYS)
    if metadata > limits.max_metadata_bytes:
        raise ImageError(
            f"{label} carries {metadata / 2**20:.1f} MiB of metadata, expected at most "
            f"{limits.max_metadata_bytes / 2**20:g} MiB: save it without metadata."
        )
    tags = getattr(image, "tag_v2", None)
    kind = None if tags is None else tags.get(_SUBFILE_TYPE)
    thumbnail = isinstance(kind, int) and bool(kind & 1)
    if tags is not None and (_DNG_VERSION in tags or thumbnail):
        raise ImageError(
            f"{label} is a camera raw file or holds only a preview, expected a finished picture: "
            "export it as JPEG, PNG or 16-bit TIFF."
        )
    # Only formats whose header states the count: counting GIF frames or TIFF pages means walking
    # through the whole file.
    frames = getattr(image, "n_frames", 1) if image.format in ("PNG", "WEBP", "AVIF") else 1
    if frames > limits.max_frames:
        raise ImageError(
            f"{label} has {frames} frames, expected at most {limits.max_frames}: "
            "save the frame you need as a picture."
        )
    if not _has_more_pictures(image):
        return ()
    return ("The file holds several pictures; the first one is used.",)


def _byte_count(value: object) -> int:
    return len(value) if isinstance(value, (bytes, str, list, tuple)) else 0


def _has_more_pictures(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame must not spoil the first one
        _log.debug("frames after the first ignored", exc_info=True)
        return False


def register_heif() -> None:
    """Teaches Pillow HEIC."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    """Pillow warns about what the stranger's file is like; the user gets errors and notes."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def pillow_errors(label: str, kind: str, limits: DecodeLimits) -> Iterator[None]:
    """Turn whatever Pillow raises on a stranger's bytes into one sentence."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise too_many_pixels(
            int(pixels[1]) if pixels else limits.max_pixels + 1, limits, label
        ) from error
    except MemoryError as error:
        raise ImageError(
            f"{label} needs more memory to decode than there is, expected a smaller picture: "
            "make it smaller first."
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{label} starts like a {kind} picture, but its header is damaged or of a rare kind, "
            "expected an ordinary one: save it anew as 8-bit JPEG or PNG."
        ) from error
    except Exception as error:  # decoders raise some twenty types: SyntaxError, struct.error, ...
        _log.debug("%s: %s decoder failed", label, kind, exc_info=True)
        raise ImageError(
            f"{label} is a {kind} picture that is damaged, cut short or of a rare kind, expected a "
            "whole ordinary one: download it again, or save it anew as JPEG or PNG."
        ) from error
