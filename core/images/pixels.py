"""A loaded Pillow picture of any mode -> an (H, W, 3) uint8 sRGB array.

Rules, in the order they apply:
- transparency (alpha band, palette or colour key) lies over white; where every pixel is wholly
  transparent, as some programs write by mistake, the colours beneath are used, with a note;
- colours that the file states to be other than sRGB are converted (`colour_profile.py`); an ICC
  profile that is damaged or does not fit is ignored, with a note;
- 16-bit grey is scaled by 255 / 65535, 12-bit grey by 255 / 4095 (of 16-bit colour in sRGB Pillow
  itself keeps the top byte);
- 32-bit integers are taken as 16-bit values, signed 16-bit ones scaled by 255 / 32767; float grey
  as 0..1, 0..255 or 0..65535, whichever its maximum fits. Anything negative, larger, infinite or
  NaN is refused;
- what comes out almost black (no value of 16 or more) gets a note.

The work goes strip by strip, so that a 100-megapixel picture never exists three times over.

Pillow has no 16-bit colour; it takes a sample's first or last byte, as the byte order of the file
says. Decoded once more with the other order, it gives the lower byte.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.errors import ImageError
from core.images.colour_profile import Recolour

_OTHER = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGB;16N": "RGB;16B"}

_STRIP_ROWS = 32  # an RGBA copy of the whole would take 4 bytes a pixel
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_EIGHT_BITS = 255

_FULL_16, _SIGNED_16, _FULL_12, _FULL_8 = 65535, 32767, 4095, 255
_DARK = 16  # of 255
# TIFF 6.0, sections 8 and 19.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO, _SAMPLE_FORMAT, _SIGNED = 258, 262, 0, 339, 2
_GREYS = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")

_REMEDY = "; if depth looks wrong, stretch its contrast first."

# A strip of the source picture -> (rows, W, 3) or (rows, W) uint8.
_Convert = Callable[[Image.Image], NDArray[np.uint8]]


def is_deep(image: Image.Image) -> bool:
    """Whether an opened, not yet loaded picture has 16 bits a colour, and no alpha."""
    tiles = getattr(image, "tile", [])
    return bool(tiles) and image.mode == "RGB" and all(_raw_mode(tile) in _OTHER for tile in tiles)


def lower_bytes(data: bytes, kind: str) -> Image.Image:
    """The lower bytes of a picture that `is_deep`, in its own orientation.

    Raises:
        Exception: whatever Pillow raises on damaged files.
    """
    image = Image.open(io.BytesIO(data), formats=(kind,))
    image.tile = [tile._replace(args=_with_other(tile.args)) for tile in image.tile]
    image.load()
    return image


def _raw_mode(tile: object) -> object:
    arguments = getattr(tile, "args", None)
    return arguments[0] if isinstance(arguments, tuple) and arguments else arguments


def _with_other(arguments: Any) -> Any:
    if isinstance(arguments, tuple):
        return (_OTHER[arguments[0]], *arguments[1:])
    return _OTHER[str(arguments)]


def transparent_pixels(image: Image.Image) -> NDArray[np.bool_] | None:
    """Pixels of alpha 0; semi-transparent ones show something and are not among them.

    Args:
        image: loaded, any mode, upright.

    Returns:
        (H, W) bool; None where there is no such pixel, or where every pixel is: some programs
        write that by mistake, and the colours beneath are the photo.
    """
    key = image.info.get("transparency")
    if image.mode not in _ALPHA_MODES and key is None:
        return None
    width, height = image.size
    clear = np.empty((height, width), np.bool_)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        clear[top:bottom] = _clear(image.crop((0, top, width, bottom)), key)
    return clear if clear.any() and not clear.all() else None


def _clear(strip: Image.Image, key: object) -> NDArray[np.bool_]:
    if strip.mode.startswith("I"):  # 16-bit grey, whose transparent value is one number
        return np.asarray(np.asarray(strip) == key)
    if strip.mode == "RGB" and isinstance(key, tuple) and max(key) > _EIGHT_BITS:
        key = tuple(value >> 8 for value in key)  # 16 bits, of which Pillow keeps the upper ones
        return np.asarray((np.asarray(strip) == key).all(axis=-1))
    if strip.mode in ("RGBa", "La"):
        return np.asarray(np.asarray(strip.getchannel(strip.getbands()[-1])) == 0)
    return np.asarray(np.asarray(strip.convert("RGBA").getchannel("A")) == 0)


def to_rgb(
    image: Image.Image, name: str, colours: Recolour, lower: Image.Image | None = None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Convert a loaded picture.

    Args:
        image: loaded, any mode, already upright.
        lower: the lower bytes of a picture of 16 bits a colour, whose upper ones are `image`.

    Returns:
        (H, W, 3) uint8 sRGB, contiguous and writable, and notes for the user.

    Raises:
        ImageError: pixel values that no scaling rule covers.
    """
    convert, notes = _converter(image, name, colours)
    notes = colours.notes + notes
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    brightest = 0
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        box = (0, top, width, bottom)
        if lower is None:
            strip = convert(image.crop(box))
        else:
            high = np.asarray(image.crop(box)).astype(np.uint16) << 8
            strip = colours.sixteen(high | np.asarray(lower.crop(box)))
        rgb[top:bottom] = strip if strip.ndim == 3 else strip[..., np.newaxis]
        brightest = max(brightest, int(strip.max()))
    if brightest < _DARK and not any("dark" in note for note in notes):
        notes += (f"An almost black picture: its brightest value is {brightest} of 255{_REMEDY}",)
    return rgb, notes


def recoloured(rgb: NDArray[np.uint8], colours: Recolour) -> NDArray[np.uint8]:
    """Pixels that were decoded elsewhere, (H, W, 3), made sRGB in place."""
    if colours.transform is not None:
        for top in range(0, len(rgb), _STRIP_ROWS):
            strip = rgb[top : top + _STRIP_ROWS]
            strip[:] = colours.eight(Image.fromarray(strip))
    return rgb


def _converter(
    image: Image.Image, name: str, colours: Recolour
) -> tuple[_Convert, tuple[str, ...]]:
    if image.mode.startswith("I;16"):
        return _sixteen_bit(image, colours)
    if image.mode == "I":
        return _wide_integers(image, name, colours)
    if image.mode == "F":
        return _floats(image, name)
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        return (lambda strip: np.asarray(lab.apply(strip))), ()
    notes = tuple[str, ...]()
    invisible = _is_invisible(image)
    if invisible:
        notes = ("Every pixel is wholly transparent; the colours beneath were used.",)

    def colour(strip: Image.Image) -> NDArray[np.uint8]:
        return colours.eight(_over_white(_without_alpha(strip) if invisible else strip))

    return colour, notes


def _is_invisible(image: Image.Image) -> bool:
    """Whether every pixel is wholly transparent, so that nothing would be left over white."""
    if image.mode in ("LA", "PA", "RGBA"):
        return image.getextrema()[-1] == (0, 0)
    alpha = image.info.get("transparency")
    if image.mode != "P" or not isinstance(alpha, bytes):
        return False
    used = [index for index, count in enumerate(image.histogram()) if count]
    return all(index < len(alpha) and alpha[index] == 0 for index in used)


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode == "P":
        image = image.copy()
        del image.info["transparency"]
        return image
    return image.convert("L" if image.mode == "LA" else "RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """The same picture as L, RGB or CMYK, transparent parts white."""
    if image.mode in ("RGB", "L", "CMYK") and "transparency" not in image.info:
        return image
    if image.mode in ("La", "RGBa"):  # premultiplied alpha
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode not in ("LA", "RGBA", "PA") and "transparency" not in image.info:
        return image.convert("L" if image.mode == "1" else "RGB")
    rgba = image.convert("RGBA")
    grey = image.mode in ("1", "L", "LA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white.getchannel("R") if grey else white


def flat_mode(mode: str) -> str:
    """The mode of a picture without its alpha and its palette: RGB, L or CMYK."""
    return "CMYK" if mode == "CMYK" else "L" if mode in _GREYS else "RGB"


def _sixteen_bit(image: Image.Image, colours: Recolour) -> tuple[_Convert, tuple[str, ...]]:
    _, highest = _extrema(image)
    bits = _tiff_tag(image, _BITS_PER_SAMPLE)
    full = _FULL_12 if bits == (12,) else _FULL_16  # Pillow unpacks 12 bits without scaling them
    return _by_table(image, full, colours), _dark_note(image, highest, full, colours)


def _dark_note(image: Image.Image, highest: float, full: int, colours: Recolour) -> tuple[str, ...]:
    """No more than 12 bits used of 16: some cameras write so, and a night photo looks the same."""
    if highest > full // _DARK or _white_is_zero(image) or colours.transform is not None:
        return ()
    bits = full.bit_length()
    return (f"A dark {bits}-bit picture: its brightest value is {highest:.0f} of {full}{_REMEDY}",)


def _wide_integers(
    image: Image.Image, name: str, colours: Recolour
) -> tuple[_Convert, tuple[str, ...]]:
    lowest, highest = _extrema(image)
    if lowest < 0 or highest > _FULL_16:
        raise ImageError(
            f"{name} holds integers from {lowest:.0f} to {highest:.0f}, expected 0 to 65535: "
            "save it as an 8- or 16-bit picture."
        )
    signed = _tiff_tag(image, _SAMPLE_FORMAT) == (_SIGNED,)
    full = _SIGNED_16 if signed and _tiff_tag(image, _BITS_PER_SAMPLE) == (16,) else _FULL_16
    return _by_table(image, full, colours), _dark_note(image, highest, full, colours)


def _by_table(image: Image.Image, full: int, colours: Recolour) -> _Convert:
    """Scale integers of 0 to 65535 so that `full` and above become 255."""
    values = np.minimum(np.arange(_FULL_16 + 1), full)
    if _white_is_zero(image):
        values = full - values
    if colours.transform is None:
        table = np.round(values * (_FULL_8 / full)).astype(np.uint8)
    else:
        wide = np.round(values * (_FULL_16 / full)).astype(np.uint16)
        table = colours.sixteen(wide[np.newaxis])[0, :, 0].copy()
    key = image.info.get("transparency")
    if isinstance(key, int) and 0 <= key <= _FULL_16:  # a PNG's transparent grey
        table[key] = _FULL_8
    return lambda strip: table[np.asarray(strip)]


def _floats(image: Image.Image, name: str) -> tuple[_Convert, tuple[str, ...]]:
    values = np.asarray(image)
    lowest, highest = float(values.min()), float(values.max())  # NaN anywhere makes both NaN
    # not (...): true for NaN as well
    if not (lowest >= 0 and highest <= _FULL_16):
        raise ImageError(
            f"{name} holds floating-point values from {lowest:g} to {highest:g}, expected finite "
            "ones from 0 to 1, 255 or 65535: scale them, or save an 8- or 16-bit picture."
        )
    full = next(full for full in (1, _FULL_8, _FULL_16) if highest <= full)
    inverted = _white_is_zero(image)

    def convert(strip: Image.Image) -> NDArray[np.uint8]:
        eight = np.round(np.asarray(strip) * np.float32(_FULL_8 / full)).astype(np.uint8)
        return _FULL_8 - eight if inverted else eight

    return convert, (f"A floating-point picture: its values were read as 0 to {full}.",)


def _extrema(image: Image.Image) -> tuple[float, float]:
    values = np.asarray(image)
    return float(values.min()), float(values.max())


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a grey TIFF counts from white.

    Pillow turns 8-bit ones round, but not those of 16 bits, 32 bits or floats.
    """
    return _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO


def _tiff_tag(image: Image.Image, tag: int) -> object:
    tags: Any = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(tag)
