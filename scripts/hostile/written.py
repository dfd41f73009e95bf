"""Pictures that Pillow writes: every format, mode and option a well-meaning program may use."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from tests.core.pictures import scene

SIZE = (46, 34)  # width, height; no multiple of a block or a tile
Named = Iterator[tuple[str, bytes]]
_TIFF = (
    *("tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits", "lzma", "zstd"),
    *("jpeg", "group3", "group4"),
)
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")
_REFUSED = (
    *("ICO", "ICNS", "TGA", "PCX", "PPM", "DDS", "JPEG2000", "EPS", "PDF", "SGI", "XBM", "IM"),
    *("MSP", "SPIDER", "BLP", "PALM", "QOI", "DIB"),
)


def picture() -> Image.Image:
    """The picture that all of them show."""
    return Image.fromarray(scene(SIZE[1], SIZE[0]))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes | None:
    """The bytes of a file, or None where Pillow cannot write this."""
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **options)
    except Exception:  # what this Pillow or its libraries do not write is left out
        return None
    return buffer.getvalue()


def written() -> Named:
    """All of them, with a name."""
    for name, data in _all():
        if data is not None:
            yield name, data


def _all() -> Iterator[tuple[str, bytes | None]]:
    base = picture()
    modes = {mode: _in_mode(base, mode) for mode in _MODES}
    yield from _jpeg(base, modes)
    for mode, image in modes.items():
        yield f"png-{mode}.png", encoded(image, "PNG")
        yield f"tiff-{mode}.tif", encoded(image, "TIFF")
        yield f"webp-{mode}.webp", encoded(image, "WEBP")
        for compression in _TIFF:
            # What libtiff cannot write it complains about on standard error.
            if compression.startswith("group") != (mode == "1"):
                continue
            if compression == "jpeg" and mode in ("1", "P", "PA", "I;16", "I", "F"):
                continue
            name = f"tiff-{mode}-{compression}.tif"
            yield name, encoded(image, "TIFF", compression=compression)
    for bits in (1, 2, 4):
        yield f"png-palette-{bits}.png", encoded(base.quantize(2**bits), "PNG", bits=bits)
    yield "png-key.png", encoded(base, "PNG", transparency=(0, 0, 0))
    yield "png-optimised.png", encoded(base, "PNG", optimize=True)
    frames = [base.rotate(angle) for angle in (90, 180)]
    many = {"save_all": True, "append_images": frames}
    for kind, ending in (("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp"), ("TIFF", "tif")):
        yield f"several-{kind}.{ending}", encoded(base, kind, **many)
    yield "several.mpo", encoded(base, "MPO", **many)
    yield "several.avif", encoded(base, "AVIF", speed=10, **many)
    yield "gif-clear.gif", encoded(base.quantize(16), "GIF", transparency=0)
    yield "gif-interlaced.gif", encoded(base, "GIF", interlace=1)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"bmp-{mode}.bmp", encoded(modes[mode], "BMP")
    yield "webp-lossless.webp", encoded(modes["RGBA"], "WEBP", lossless=True)
    yield "webp-worst.webp", encoded(base, "WEBP", quality=0)
    for subsampling in ("4:0:0", "4:2:0", "4:4:4"):
        name = f"avif-{subsampling.replace(':', '')}.avif"
        yield name, encoded(base, "AVIF", subsampling=subsampling, speed=10)
    yield "avif-alpha.avif", encoded(modes["RGBA"], "AVIF", speed=10)
    yield from _heif(base, modes)
    for kind in _REFUSED:
        shown = modes["1"] if kind in ("XBM", "MSP") else base
        yield f"refused-{kind.lower()}.{kind.lower()}", encoded(shown, kind)
    yield "refused-j2k.j2k", encoded(base, "JPEG2000", no_jp2=True)
    yield "refused-spider.spi", encoded(modes["F"], "SPIDER")


def _jpeg(base: Image.Image, modes: dict[str, Image.Image]) -> Iterator[tuple[str, bytes | None]]:
    for quality in (1, 50, 100):
        yield f"jpeg-quality-{quality}.jpg", encoded(base, "JPEG", quality=quality)
    for subsampling in (0, 1, 2):
        yield f"jpeg-subsampled-{subsampling}.jpg", encoded(base, "JPEG", subsampling=subsampling)
    yield "jpeg-progressive.jpg", encoded(base, "JPEG", progressive=True)
    yield "jpeg-restart.jpg", encoded(base, "JPEG", restart_marker_blocks=1)
    yield "jpeg-grey.jpg", encoded(modes["L"], "JPEG")
    yield "jpeg-cmyk.jpg", encoded(modes["CMYK"], "JPEG")
    yield "jpeg-rgb.jpg", encoded(base, "JPEG", keep_rgb=True)
    cmyk = encoded(modes["CMYK"], "JPEG") or b""
    yield "jpeg-ycck.jpg", cmyk.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    yield "jpeg-named.png", encoded(base, "JPEG")


def _heif(base: Image.Image, modes: dict[str, Image.Image]) -> Iterator[tuple[str, bytes | None]]:
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()
    for mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        yield f"heif-{mode}.heic", encoded(modes[mode].resize((64, 48)), "HEIF")
    several = {"save_all": True, "append_images": [base.resize((80, 64))]}
    yield "several.heic", encoded(base.resize((64, 48)), "HEIF", **several)


def _in_mode(base: Image.Image, mode: str) -> Image.Image:
    grey = np.asarray(base.convert("L"))
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(grey.astype(np.int32) * 257)
    if mode == "F":
        return Image.fromarray(grey.astype(np.float32) / 255)
    if mode == "LAB":
        return Image.merge("LAB", base.split())
    return base.convert(mode)
