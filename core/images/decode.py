"""Any upload -> an upright (H, W, 3) uint8 sRGB photo, or one clear sentence.

The format is told by content, limits are checked on the header before pixels are decoded
(`core/images/limits.py`), and a damaged picture is refused rather than shown half.
Decided for odd ones:

- animations, multi-page files, MPO: the first picture, with a note;
- a side of 1 pixel, or one side more than 200 times the other: refused, there is no scene in it;
- camera raw and DNG: refused, their first page is only a thumbnail;
- modes, bit depths, transparency, colour profiles: see `core/images/pixels.py`.

This runs Pillow's native decoders in the calling process. For files from strangers use
`core.images.decode_worker.decode_isolated`, which takes the same arguments.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageError
from core.images.colour_profile import Recolour, recolour
from core.images.completeness import check_decoded, check_whole
from core.images.exif import Tags, read_tags
from core.images.formats import ACCEPTED_TEXT, HEAD_BYTES, describe, sniff
from core.images.hdr import LINEAR_KINDS, read_scene_light
from core.images.jpeg import check_end, check_scans, decode_jpeg, frame_at, is_lossless
from core.images.limits import (
    DEFAULT_LIMITS,
    DecodeLimits,
    check_bytes,
    check_container,
    check_size,
    no_warnings,
    pillow_errors,
    register_heif,
)
from core.images.pixels import flat_mode, is_deep, lower_bytes, to_rgb, transparent_pixels
from core.images.projection import (
    EQUIRECTANGULAR,
    PINHOLE,
    SpherePart,
    projection_in_pixels,
    projection_note,
    projection_of,
    sphere_part,
)

__all__ = ["DEFAULT_LIMITS", "DecodeLimits", "Photo", "Source", "decode", "label_of", "read_file"]

Source = bytes | bytearray | memoryview | str | os.PathLike[str] | Image.Image | NDArray[np.uint8]

# What makes a picture with this EXIF orientation upright (Exif 2.32, 4.6.4).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded picture, upright.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        focal_35mm: EXIF 35 mm equivalent of the focal length, mm, or None.
        focal_px: focal length in pixels of `rgb`, where EXIF gives one that can be believed.
        format: "JPEG", "PNG", ...; "array" or "PIL" for pictures that came decoded.
        file_sha256: of the encoded bytes; None for pictures that came decoded.
        name: the file's name without folders, or what the caller called it; may be empty.
        full_size: (width, height) of the whole photo, upright, pixels; that of `rgb`, but
            for `probe`, which decodes none.
        notes: sentences for the user about choices made while decoding.
        projection: "pinhole", or what else the picture is (`core.images.projection`): then
            nothing in it can be told in metres as it is, and `focal_px` is None. What is said of
            an equirectangular one depends on whether it is cut into views: no note here.
        sphere: of an equirectangular one, the part of the sphere that its tags say it shows.
        transparent: (H, W) bool, pixels of alpha 0, which have no depth; None where there is none.
    """

    rgb: NDArray[np.uint8]
    focal_35mm: float | None
    focal_px: float | None
    format: str
    file_sha256: str | None
    name: str
    full_size: tuple[int, int]
    notes: tuple[str, ...] = ()
    projection: str = PINHOLE
    transparent: NDArray[np.bool_] | None = None
    sphere: SpherePart | None = None

    @cached_property
    def sha256(self) -> str:
        """Of the encoded bytes; of shape and pixels for pictures that came decoded."""
        if self.file_sha256:
            return self.file_sha256
        digest = hashlib.sha256(repr(self.rgb.shape).encode())
        digest.update(np.ascontiguousarray(self.rgb).data)
        return digest.hexdigest()


def decode(
    source: Source,
    *,
    limits: DecodeLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Photo:
    """Decode a picture.

    Args:
        source: encoded bytes, the path of a regular file, a Pillow image, or an array: uint8,
            (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) grey. Arrays are copied.
        limits: checked on the header, before pixels are decoded.
        name: what errors call the picture; default the file's name.

    Raises:
        ImageError: one sentence that names the picture, what is wrong and what to do.
    """
    if isinstance(source, (str, os.PathLike)):
        name = Path(source).name if name is None else name
        source = read_file(source, limits=limits, name=name)
    name = name or ""
    label = label_of(name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), limits, name)
    if isinstance(source, Image.Image):
        return _from_pillow(source, limits, name)
    if isinstance(source, np.ndarray):
        return _from_array(source, limits, name)
    raise ImageError(
        f"{label} came as {type(source).__name__}, expected bytes, a path, a Pillow image or an "
        "(H, W, 3) uint8 array: convert it to one of these."
    )


def probe(source: bytes, *, limits: DecodeLimits, name: str) -> Photo:
    """What `decode` would say of a picture, by its header: one black pixel in place of its own.

    Args:
        source: encoded bytes, or as many from the beginning as the header needs.

    Raises:
        ImageError: no picture, or not enough of it.
    """
    label, kind = label_of(name), sniff(source[:HEAD_BYTES])
    if kind is None:
        raise ImageError(f"{label} has no header that is known, expected a picture: check it.")
    if kind == "HEIF":
        register_heif()
    with (
        pillow_errors(label, kind, limits),
        no_warnings(),
        Image.open(io.BytesIO(source), formats=(kind,)) as image,
    ):
        check_size(image.size, limits, label)
        tags = read_tags(image)
        size = image.size[::-1] if tags.swaps_sides else image.size
        focal = tags.focal_px(*size)[0] if projection_of(image) == PINHOLE else None
    black = np.zeros((1, 1, 3), np.uint8)
    return Photo(black, tags.focal_35mm, focal, kind, None, name, size)


def read_file(
    path: str | os.PathLike[str],
    *,
    limits: DecodeLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> bytes:
    """The bytes of a regular file of allowed size.

    Raises:
        ImageError: it is missing, unreadable, a folder, a device or a pipe, empty or too large.
    """
    label = label_of(Path(path).name if name is None else name)
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(
                    f"{label} is a folder or a device, expected a picture file: name a file."
                )
            check_bytes(status.st_size, limits, label)
            return file.read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or "not a file name"
        raise ImageError(
            f"{label} could not be read ({reason}), expected a readable picture file: "
            "check its name and permissions."
        ) from error


def _from_bytes(data: bytes, limits: DecodeLimits, name: str) -> Photo:
    label = label_of(name)
    check_bytes(len(data), limits, label)
    kind = sniff(data[:HEAD_BYTES])
    if kind is None:
        raise ImageError(
            f"{label} is {describe(data[:HEAD_BYTES])}, expected {ACCEPTED_TEXT}: "
            "convert it to one of these."
        )
    if kind in LINEAR_KINDS:
        rgb, notes = read_scene_light(data, kind, limits, label)
        size = rgb.shape[1], rgb.shape[0]
        return Photo(rgb, None, None, kind, hashlib.sha256(data).hexdigest(), name, size, notes)
    if kind == "HEIF":
        register_heif()
    with pillow_errors(label, kind, limits):
        with no_warnings(), Image.open(io.BytesIO(data), formats=(kind,)) as image:
            check_size(image.size, limits, label)
            notes = check_container(image, limits, label) + check_whole(data, kind, label)
            colours = recolour(image, data, flat_mode(image.mode))
            ready: NDArray[np.uint8] | None = None
            lower: Image.Image | None = None
            clear = None
            if kind == "JPEG":
                frame = frame_at(data)
                if image.mode != "L" and is_lossless(data, frame):  # libjpeg takes YCbCr for RGB
                    raise ImageError(
                        f"{label} is a lossless JPEG, whose colours cannot be told, expected an "
                        "ordinary one: save it anew as 8-bit JPEG or PNG."
                    )
                notes += check_scans(data, frame)
                tags = read_tags(image)  # of a PNG that would load it, and hide that it is damaged
                ready = decode_jpeg(data, image, tags.orientation, colours)
            if ready is None:
                if colours.transform is not None and is_deep(image):
                    lower = lower_bytes(data, kind)
                image.load()
                check_decoded(image, label)
                if kind != "JPEG":
                    check_size(image.size, limits, label)  # a GIF's frame may exceed its header
                # After load(): PNG may hold EXIF behind the pixels, and TIFF is turned by Pillow.
                tags = read_tags(image)
                upright = _upright(image, tags.orientation)
                lower = None if lower is None else _upright(lower, tags.orientation)
                clear = transparent_pixels(upright)
            projection = projection_of(image)
            part = sphere_part(image) if projection == EQUIRECTANGULAR else None
        if ready is None:
            rgb, more_notes = to_rgb(upright, label, colours, lower)
            notes += more_notes
            if kind == "JPEG":
                notes += check_end(data, rgb, tags.orientation, label)
        else:
            rgb = ready
            notes += colours.notes
    photo = Photo(
        rgb=rgb,
        focal_35mm=tags.focal_35mm,
        focal_px=None,
        format=kind,
        file_sha256=hashlib.sha256(data).hexdigest(),
        name=name,
        full_size=(rgb.shape[1], rgb.shape[0]),
        notes=notes,
        projection=projection,
        transparent=clear,
        sphere=part,
    )
    return _with_camera(photo, tags)


def _from_pillow(image: Image.Image, limits: DecodeLimits, name: str) -> Photo:
    label = label_of(name)
    check_size(image.size, limits, label)
    with pillow_errors(label, image.format or "PIL", limits):
        with no_warnings():
            image.load()
            tags = read_tags(image)
            colours = recolour(image, b"", flat_mode(image.mode))
            upright = _upright(image, tags.orientation)
            projection, clear = projection_of(image), transparent_pixels(upright)
            part = sphere_part(image) if projection == EQUIRECTANGULAR else None
        rgb, notes = to_rgb(upright, label, colours)
    size = rgb.shape[1], rgb.shape[0]
    photo = Photo(
        rgb, tags.focal_35mm, None, "PIL", None, name, size, notes, projection, clear, part
    )
    return _with_camera(photo, tags)


def _from_array(array: NDArray[np.generic], limits: DecodeLimits, name: str) -> Photo:
    label = label_of(name)
    shape = " x ".join(map(str, array.shape)) or "scalar"
    if array.dtype != np.uint8:
        raise ImageError(
            f"{label} is an array of {array.dtype}, expected uint8 with values 0 to 255: scale it "
            "and convert it with .astype('uint8')."
        )
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        remedy = "give rows, columns and channels in this order"
        if array.ndim == 3 and array.shape[0] in (3, 4):
            remedy = "move the channels last with array.transpose(1, 2, 0)"
        raise ImageError(
            f"{label} is an array of shape {shape}, expected (height, width, 3): {remedy}."
        )
    height, width = array.shape[:2]
    check_size((width, height), limits, label)
    if array.ndim == 3 and array.shape[2] == 3:
        rgb, notes, clear = np.array(array, np.uint8, order="C"), tuple[str, ...](), None
    else:
        image = Image.fromarray(np.ascontiguousarray(array))
        (rgb, notes), clear = to_rgb(image, label, Recolour()), transparent_pixels(image)
    photo = Photo(rgb, None, None, "array", None, name, (width, height), notes)
    return _with_camera(replace(photo, transparent=clear), Tags())


def _with_camera(photo: Photo, tags: Tags) -> Photo:
    """The photo with its focal length, and with notes on what stands against metres in it."""
    projection = photo.projection
    if projection == PINHOLE:
        projection = projection_in_pixels(photo.rgb)
    notes: tuple[str, ...] = ()
    if projection != EQUIRECTANGULAR:
        notes = projection_note(projection, photo.rgb)
    focal: float | None = None
    if projection == PINHOLE:
        focal, about_focal = tags.focal_px(*photo.full_size)
        notes += about_focal
    if photo.transparent is not None:
        share = float(photo.transparent.mean())
        notes += (f"A part of the picture ({share:.1%}) is transparent and has no depth.",)
    return replace(photo, focal_px=focal, projection=projection, notes=photo.notes + notes)


def label_of(name: str) -> str:
    """The name as errors show it: printable, short; "The picture" when there is none."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(printable) > 80:
        printable = f"{printable[:50]}...{printable[-25:]}"
    return printable or "The picture"


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
