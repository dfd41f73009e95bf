"""Pillow at arm's length: no warning shown, no exception of its own let through."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import warnings
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from core.errors import ImageError
from core.imaging.decode_limits import DecodeLimits, too_many_pixels

_log = logging.getLogger(__name__)

# warnings.catch_warnings changes process-wide state, so only one thread at a time may use it.
_quiet_lock = threading.RLock()


def register_heif(label: str) -> None:
    """Teach Pillow HEIC, or raise ImageError when pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"{label} is a HEIC picture, which needs the package pillow-heif: install it, or "
            "export the picture as JPEG."
        ) from error
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
