"""Pictures as FFmpeg and OpenEXR write them: other encoders than Pillow's, with other habits."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scripts.hostile.written import SIZE, Named, encoded, picture

_FILTERS = ("none", "sub", "up", "avg", "paeth", "mixed")
# Prefixes as in `same`; (prefix, encoder, layout of the pixels, ending).
_KINDS = (
    *(("same", "png", pixels, "png") for pixels in ("rgba", "rgb48be", "rgba64be")),
    *(("grey", "png", pixels, "png") for pixels in ("gray", "gray16be", "ya8", "ya16be")),
    ("odd", "png", "monob", "png"),
    *(("same", "tiff", pixels, "tif") for pixels in ("rgb48le", "rgba64le", "rgba")),
    *(("grey", "tiff", pixels, "tif") for pixels in ("gray", "gray16le")),
    *(("odd", "tiff", pixels, "tif") for pixels in ("yuv444p", "yuv420p", "yuv410p", "monow")),
    *(("same", "bmp", pixels, "bmp") for pixels in ("bgr24", "bgra")),
    *(("odd", "bmp", f"rgb{bits}le", "bmp") for bits in (565, 555, 444)),
    *(("odd", "bmp", pixels, "bmp") for pixels in ("gray", "monob")),
    *(("odd", "mjpeg", f"yuvj{kind}p", "jpg") for kind in (420, 422, 444)),
    *(("odd", "ljpeg", pixels, "jpg") for pixels in ("yuvj420p", "bgr24", "bgra")),
    *(("odd", "libwebp", pixels, "webp") for pixels in ("yuv420p", "bgra")),
    ("odd", "gif", "rgb8", "gif"),
    ("same", "apng", "rgb24", "png"),
)
_REFUSED = (
    *(("jpegls", pixels, "jls") for pixels in ("rgb24", "gray16le")),
    *(("jpeg2000", pixels, "jp2") for pixels in ("rgb24", "gray16le", "yuv420p")),
    *(("pcx", "rgb24", "pcx"), ("sgi", "rgb48be", "sgi"), ("targa", "bgr24", "tga")),
    *(("ppm", "rgb48be", "ppm"), ("pam", "rgba", "pam"), ("pgm", "gray16be", "pgm")),
    *(("pfm", "gbrpf32le", "pfm"), ("phm", "gbrpf32le", "phm"), ("exr", "gbrpf32le", "exr")),
    *(("exr", "gbrapf32le", "exr"), ("hdr", "gbrpf32le", "hdr"), ("dpx", "rgb48be", "dpx")),
    *(("qoi", "rgba", "qoi"), ("xwd", "rgb24", "xwd"), ("wbmp", "monob", "wbmp")),
)
_MUXERS = {"gif": "gif", "apng": "apng"}  # the others' files are their packets
_EXR = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "DWAA")


def ffmpeg() -> Named:
    """All of them that this FFmpeg writes, with a name."""
    for name, data in _all():
        if data:
            yield name, data


def _all() -> Iterator[tuple[str, bytes | None]]:
    for kind in _FILTERS:
        yield f"same-ffmpeg-{kind}.png", _encoded("png", "rgb24", pred=kind)
    for prefix, codec, pixels, ending in _KINDS:
        yield f"{prefix}-ffmpeg-{codec}-{pixels}.{ending}", _encoded(codec, pixels)
    for compression in ("packbits", "raw", "lzw", "deflate"):
        data = _encoded("tiff", "rgb24", compression_algo=compression)
        yield f"same-ffmpeg-tiff-{compression}.tif", data
    for codec, pixels, ending in _REFUSED:
        yield f"refused-ffmpeg-{codec}-{pixels}.{ending}", _encoded(codec, pixels)
    yield from _exr()
    yield from _ended()


def _encoded(codec: str, pixels: str, **options: str) -> bytes | None:
    """The picture in one packet; None where this FFmpeg cannot write it so."""
    import av

    buffer = io.BytesIO()
    try:
        muxer = _MUXERS.get(codec, "image2pipe")
        with _quiet(), av.open(buffer, "w", format=muxer) as container:
            stream = container.add_stream(codec, rate=1, options=options)
            stream.width, stream.height, stream.pix_fmt = (*SIZE, pixels)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")
            for turn in (frame.reformat(format=pixels), None):
                container.mux(stream.encode(turn))
    except (OSError, ValueError):  # what PyAV's errors are
        return None
    return buffer.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """FFmpeg's remarks on deprecated layouts are not ours."""
    log = logging.getLogger("libav")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _exr() -> Named:
    """Colour in OpenEXR: no photo here, whichever way it is packed."""
    try:
        import OpenEXR
    except ImportError:
        return
    rgb = np.asarray(picture()).astype(np.float32) / 255
    with tempfile.TemporaryDirectory() as folder:
        for name in _EXR:
            packing = getattr(OpenEXR, f"{name}_COMPRESSION")
            header = {"compression": packing, "type": OpenEXR.scanlineimage}
            path = Path(folder, f"{name}.exr")
            OpenEXR.File(header, {"RGB": rgb}).write(str(path))
            yield f"refused-openexr-{name.lower()}.exr", path.read_bytes()


def _ended() -> Named:
    """Pictures cut off that say that they end there, and other kinds behind a familiar start."""
    jpeg = encoded(picture(), "JPEG", progressive=True) or b""
    for tenth in range(1, 10):
        yield f"odd-ended-{tenth}.jpg", jpeg[: len(jpeg) * tenth // 10] + b"\xff\xd9"
    gif = encoded(picture(), "GIF") or b""
    garbled = bytearray(gif)
    for at in range(900, len(garbled) - 2, 37):
        garbled[at] ^= 0x55
    yield "odd-garbled.gif", bytes(garbled)
    png = encoded(picture(), "PNG") or b""
    icon = b"\0\0\1\0\1\0" + bytes((*SIZE, 0, 0, 1, 0, 32, 0))
    yield "refused-vista.ico", icon + len(png).to_bytes(4, "little") + b"\x16\0\0\0" + png
    outside = "<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    yield "refused-outside.svg", outside.encode()
    yield "refused-mark.svg", b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><svg/>"
    yield "refused-utf16.svg", "<svg/>".encode("utf-16")
    yield "refused-binary.eps", b"\xc5\xd0\xd3\xc6" + bytes(60)
