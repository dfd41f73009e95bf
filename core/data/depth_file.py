"""Depth maps from files: 16-bit PNG, 16-bit or float TIFF, NPY, PFM and EXR, told by content.

What datasets hold and what a user uploads to compare with; everything is checked before it is
allocated. PFM (P. Debevec): rows from the bottom up, the sign of its scale is the byte order.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.errors import DataError, ImageError
from core.images.decode_worker import read_exr_isolated
from core.images.exr_reader import EXR_MAGIC, PFM_MAGIC, read_pfm
from core.images.limits import DecodeLimits, no_warnings

PNG_SCALES = {"nyu": 1000.0, "kitti": 256.0}
"""Stored units per metre of the two usual 16-bit encodings."""

MAX_PIXELS = 100_000_000
_NEAREST = 0.03  # metres; no depth camera sees anything nearer
NPY_MAGIC = b"\x93NUMPY"
_PICTURES = ("PNG", "TIFF")
# The modes Pillow gives a 16-bit (or wider) grey PNG; "L" would mean that the millimetres were
# already squeezed into 8 bits, which no scale can undo.
DEPTH_MODES = ("I;16", "I;16B", "I;16L", "I", "F")


def read_ground_truth(data: bytes, *, scale: float) -> NDArray[np.float32]:
    """Reads measured depth; the format is found from the content.

    Args:
        scale: stored units per metre (see `PNG_SCALES`); 1 for metres.

    Returns:
        (H, W) float32 metres along the optical axis, 0 where nothing was measured.

    Raises:
        DataError: not one of the formats, damaged, too large, of 8 bits, or nothing measured.
    """
    if not scale > 0:
        raise DataError(f"The scale is {scale:g} units per metre, expected a number above 0.")
    metres = in_metres(read_stored(data), scale)
    if not metres.any():
        raise DataError(
            "The ground truth holds no depth above 0; expected metres (or 16-bit units of them). "
            "Check that it is a depth map."
        )
    return metres


def read_stored(data: bytes) -> NDArray[np.generic]:
    """The (H, W) numbers of a depth map as they are stored.

    Raises:
        DataError: not one of the formats, damaged, too large, or of 8 bits.
    """
    if data.startswith(NPY_MAGIC):
        return _read_npy(data)
    if data.startswith(EXR_MAGIC):
        return read_exr_isolated(data, max_pixels=MAX_PIXELS)
    if data.startswith(PFM_MAGIC):
        return _read_pfm(data)
    return _read_picture(data)


def in_metres(stored: NDArray[np.generic], scale: float) -> NDArray[np.float32]:
    """Stored numbers, `scale` of them a metre, as float32 metres, 0 = nothing measured.

    Raises:
        DataError: floating-point numbers that were metres already.
    """
    metres = stored.astype(np.float32) / np.float32(scale)
    # Some sets write infinity or NaN where nothing was measured; a negative depth cannot be one.
    measured = np.isfinite(metres) & (metres > 0)
    if stored.dtype.kind == "f" and scale > 1 and measured.any():
        usual = float(np.median(metres[measured]))
        if usual < _NEAREST:
            raise DataError(
                f"The depth map's floating-point numbers give a median depth of {usual:.2g} m at "
                f"{scale:g} units per metre, expected a scene more than {_NEAREST:g} m away: set "
                "the scale to 1 for a map in metres."
            )
    return np.where(measured, metres, np.float32(0))


def resized_nearest(depth: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """The map at another size, every value taken from one pixel: no depth is averaged or made up.

    Args:
        depth: (H, W), 0 where nothing was measured.
        height, width: of the result. A smaller one keeps the measured pixel nearest to the centre
            of each cell, so that sparse measurements do not get lost.
    """
    rows, columns = depth.shape
    if height >= rows and width >= columns:
        y = ((np.arange(height) + 0.5) * rows / height).astype(np.intp)
        x = ((np.arange(width) + 0.5) * columns / width).astype(np.intp)
        return depth[np.ix_(y, x)]
    ys, xs = np.nonzero(depth)
    v, u = (ys + 0.5) * height / rows, (xs + 0.5) * width / columns
    i, j = (np.minimum(a.astype(np.intp), n - 1) for a, n in ((v, height), (u, width)))
    distance = np.hypot(v - i - 0.5, u - j - 0.5)
    result = np.zeros((height, width), np.float32)
    order = np.argsort(-distance, kind="stable")  # the nearest is written last
    result[i[order], j[order]] = depth[ys[order], xs[order]]
    return result


def _read_npy(data: bytes) -> NDArray[np.generic]:
    stream = io.BytesIO(data)
    try:
        version = npy_format.read_magic(stream)
        first = npy_format.read_array_header_1_0
        read = first if version == (1, 0) else npy_format.read_array_header_2_0
        shape, _, dtype = read(stream)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"The .npy file's header is damaged ({error}); expected what numpy.save writes."
        ) from error
    plane = shape[:2] if len(shape) == 3 and shape[2] == 1 else shape
    if dtype.hasobject or dtype.kind not in "fiu" or len(plane) != 2 or 0 in plane:
        raise DataError(
            f"The .npy file holds {dtype} of shape {shape}; expected numbers of shape "
            "(height, width). Save one depth map, without pickled objects."
        )
    _check_size(plane[1], plane[0])
    try:
        stored: NDArray[np.generic] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"The .npy file is cut off ({error}); save it again.") from error
    return stored.reshape(plane)


def _read_pfm(data: bytes) -> NDArray[np.generic]:
    try:
        values = read_pfm(data, DecodeLimits(max_pixels=MAX_PIXELS), "The depth map")
    except ImageError as error:
        raise DataError(str(error)) from error
    if values.shape[2] != 1:
        raise DataError("The .pfm file has three channels, expected the one of a depth map (Pf).")
    return np.asarray(values[..., 0], np.float32)


def _read_picture(data: bytes) -> NDArray[np.generic]:
    try:
        with no_warnings():
            picture = Image.open(io.BytesIO(data), formats=_PICTURES)
            _check_size(*picture.size)
            if picture.mode not in DEPTH_MODES:
                raise DataError(
                    f"The depth picture is of mode {picture.mode}, expected 16-bit grey: colours "
                    "and 8 bits cannot be turned back into metres. Export the depth as uint16."
                )
            picture.load()
            return np.asarray(picture)
    except UnidentifiedImageError as error:
        raise DataError(
            "The ground truth is no file that can be read here; expected a 16-bit PNG or TIFF, "
            "a .npy, .pfm or .exr. Convert it to one of these."
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"The depth picture is damaged ({error}); expected a complete 16-bit PNG. "
            "Export it again."
        ) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise DataError(
            f"The ground truth has {width}x{height} pixels, expected at most {MAX_PIXELS:,}. "
            "Down-sample it."
        )
