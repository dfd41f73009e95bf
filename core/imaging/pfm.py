"""PFM pictures: floats of one or three channels (Netpbm's format of P. Debevec)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.decode_limits import DecodeLimits, check_size

MAGIC = (b"PF", b"Pf")
_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]{1,30}(?:[eE][-+]?\d+)?)\s")


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
