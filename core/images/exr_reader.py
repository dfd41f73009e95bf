"""Reads OpenEXR pictures, colour and depth, with OpenEXR's own library.

For the decoder process: the library is C++ that here meets files of strangers
(`core/images/decode_worker.py`). Sizes are checked on the header, before pixels are decoded.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, ImageError
from core.images.limits import DecodeLimits, check_size

EXR_MAGIC = b"\x76\x2f\x31\x01"
DEPTH_CHANNELS = ("Z", "depth.Z", "Depth.Z", "depth", "V", "Y", "R")
_MAX_SIDE = 65_536
_MAX_BYTES = 3 * 2**29  # of all channels: the library decodes those too that nobody asked for
_VALUE_BYTES = 4

Plane = NDArray[np.floating]

PFM_MAGIC = (b"PF", b"Pf")
_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]{1,30}(?:[eE][-+]?\d+)?)\s")


class ExrError(ValueError):
    """What is wrong with a file: a predicate, "is damaged ...", for the caller's sentence."""


@dataclass(frozen=True)
class ExrPart:
    """One picture of a file.

    Attributes:
        channels: name -> (H, W) float16 or float32 (or uint32), in the picture's window.
        chromaticities: CIE x, y of red, green, blue and white, if the file gives them.
    """

    channels: dict[str, Plane]
    chromaticities: tuple[float, ...] | None


def read_exr(
    data: bytes, choose: Callable[[Iterable[str]], tuple[str, ...]], *, max_pixels: int
) -> ExrPart:
    """The chosen channels of a file's first part that has them, at full size.

    Args:
        choose: which of a part's channels, by their names, are wanted; none if it has none of use.
        max_pixels: refuses larger pictures before they are decoded.

    Raises:
        ExrError: damaged, cut off, too large, deep, or without such channels.
        ImportError: the library is not installed.
    """
    import OpenEXR

    try:
        layout = OpenEXR.File(io.BytesIO(data), header_only=True)
        headers = [part.header for part in layout.parts]
        wanted = [choose(_full_size(header)) for header in headers]
        index = next((n for n, names in enumerate(wanted) if names), None)
        if index is None:
            raise ExrError(f"has the channels {_named(headers)}")
        for header in headers:
            _check(header, max_pixels)
        file = OpenEXR.File(io.BytesIO(data), separate_channels=True, num_threads=0)
        if len(file.parts) != len(headers):  # it leaves out what it cannot read
            raise ExrError("is damaged or cut off, expected all of its lines: write it again")
        channels = {name: file.parts[index].channels[name].pixels for name in wanted[index]}
        channels = {name: _shown(plane, headers[index]) for name, plane in channels.items()}
    except (ExrError, MemoryError):
        raise
    except Exception as error:  # of any type: RuntimeError, ValueError, KeyError, UnicodeError
        raise ExrError(
            "is damaged or of a rare kind, expected a complete OpenEXR file: write it again"
        ) from error
    stated = headers[index].get("chromaticities")
    return ExrPart(channels, None if stated is None else tuple(np.ravel(stated).tolist()))


def read_exr_depth(data: bytes, *, max_pixels: int) -> NDArray[np.float32]:
    """The depth channel of an EXR file, (H, W) float32, as stored.

    Args:
        max_pixels: refuses larger pictures before they are decoded.

    Raises:
        DataError: damaged, too large, deep, or without a usable channel.
    """
    try:
        part = read_exr(data, _depth_channel, max_pixels=max_pixels)
    except ExrError as fault:
        words = str(fault)
        if words.startswith("has the channels"):
            words += f"; expected one of {', '.join(DEPTH_CHANNELS)}: save one channel named Z"
        raise DataError(f"The EXR file {words}.") from fault
    (plane,) = part.channels.values()
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(plane, np.float32)


def _depth_channel(names: Iterable[str]) -> tuple[str, ...]:
    known = list(names)
    chosen = [name for name in DEPTH_CHANNELS if name in known] or known
    return tuple(chosen[:1]) if len(known) == 1 or chosen is not known else ()


def _full_size(header: dict[str, Any]) -> list[str]:
    """Names of the channels that have a value for each pixel."""
    return [one.name for one in header["channels"] if (one.xSampling, one.ySampling) == (1, 1)]


def _named(headers: list[dict[str, Any]]) -> str:
    names = sorted({one.name for header in headers for one in header["channels"]})
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "none"


def _check(header: dict[str, Any], max_pixels: int) -> None:
    if "deep" in str(header.get("type", "")):
        raise ExrError("is deep, expected one value for each pixel: flatten it first")
    (left, top), (right, bottom) = (corner.tolist() for corner in header["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise ExrError(f"is {width} x {height} pixels, expected 1 to {_MAX_SIDE} a side")
    if width * height > max_pixels:
        raise ExrError(
            f"has {width} x {height} pixels, expected at most {max_pixels:,}: make it smaller first"
        )
    if width * height * len(header["channels"]) * _VALUE_BYTES > _MAX_BYTES:
        raise ExrError(
            f"has {len(header['channels'])} channels of {width} x {height} pixels, expected at "
            f"most {_MAX_BYTES / 2**30:g} GiB of them: save only those that are needed"
        )


def _shown(plane: Plane, header: dict[str, Any]) -> Plane:
    """The part of a channel that lies in the display window; all of it where none does."""
    (left, top), _ = (corner.tolist() for corner in header["dataWindow"])
    (first, upper), (last, lower) = (corner.tolist() for corner in header["displayWindow"])
    rows = slice(max(upper - top, 0), max(lower - top + 1, 0))
    columns = slice(max(first - left, 0), max(last - left + 1, 0))
    shown = plane[rows, columns]
    return shown if shown.size else plane


def read_pfm(data: bytes, limits: DecodeLimits, label: str) -> NDArray[np.floating]:
    """The (H, W, 1 or 3) floats of a PFM file, its upper row first.

    Rows are stored from the bottom up; a scale below 0 means little endian.

    Raises:
        ImageError: a damaged header, too large, or cut short.
    """
    header = _HEADER.match(data)
    if header is None:
        raise ImageError(
            f"{label} is a PFM picture whose header is damaged, expected PF or Pf, width, height "
            "and scale: save it again."
        )
    bands = 3 if header[1] == b"PF" else 1
    width, height = int(header[2]), int(header[3])
    check_size((width, height), limits, label)
    dtype = np.dtype("<f4" if header[4].startswith(b"-") else ">f4")
    size = width * height * bands * dtype.itemsize
    if len(data) - header.end() < size:
        raise ImageError(
            f"{label} is a PFM picture that is cut short, {len(data) - header.end()} bytes of "
            f"pixels, expected {size}: download or save it again."
        )
    values = np.frombuffer(data, dtype, width * height * bands, header.end())
    return values.reshape(height, width, bands)[::-1]
