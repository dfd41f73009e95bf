"""What Python gives for made-up inputs: the browser edition's own tests compare with it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from core.camera import choose_intrinsics
from core.files.colormap import COLORMAPS, auto_range, colorize
from core.files.depth_maps import encode_depth16
from core.geometry.masks import EDGE_TOLERANCE, flying_pixels
from core.geometry.mesh import _faces
from core.images.decode import decode
from core.images.resize import resize_rgb, working_size
from core.images.surfaces import flatten_surfaces
from core.images.upsample import Guide, upsample_depth
from core.weights.model_info import TrainingCamera
from tests.core.pictures import scene
from tests.core.test_manhattan import CAMERA as ROOM_CAMERA
from tests.core.test_manhattan import bent, room, turned

CAMERA = TrainingCamera(width=640, height=480, fx=518.858, fy=519.47)
EXIF = {"make": 0x010F, "model": 0x0110, "orientation": 0x0112}
DETAILS = {
    "focal35": 0xA405,
    "focal": 0x920A,
    "zoom": 0xA404,
    "width": 0xA002,
    "height": 0xA003,
    "plane": 0xA20E,
    "unit": 0xA210,
}
PHOTOS: list[tuple[str, tuple[int, int], dict[str, Any]]] = [
    ("JPEG", (120, 90), {}),
    ("JPEG", (120, 90), {"focal35": 26}),
    ("JPEG", (90, 120), {"focal35": 26, "orientation": 6}),
    ("JPEG", (120, 80), {"focal35": 50, "focal": 50.0}),
    ("JPEG", (160, 90), {"focal35": 28, "focal": 4.2}),
    ("JPEG", (120, 90), {"focal35": 4, "focal": 4.2}),
    ("JPEG", (120, 90), {"focal35": 52, "focal": 4.2, "zoom": 2.0}),
    ("JPEG", (120, 90), {"focal35": 52, "focal": 4.2, "zoom": 2.0, "make": "Apple"}),
    ("JPEG", (120, 80), {"focal": 35.0, "plane": 4240.0, "unit": 3, "width": 6000, "height": 4000}),
    ("JPEG", (400, 400), {"focal35": 26, "width": 4000, "height": 3000}),
    ("JPEG", (500, 333), {"focal35": 26, "width": 4000, "height": 2000}),
    ("JPEG", (3000, 2000), {"focal35": 26, "width": 3000, "height": 4000}),
    ("PNG", (120, 90), {"focal35": 30}),
    ("WEBP", (120, 90), {"focal35": 30, "orientation": 8}),
    ("PNG", (400, 400), {"focal35": 20}),
]


def write_reference(path: Path) -> None:
    """Writes all cases as JSON."""
    cases = {
        "working_size": [[*size, 288, *working_size(size, 288)] for size in SIZES],
        "resize": [_resize(*case) for case in RESIZES],
        "upsample": [_upsample(*case) for case in UPSAMPLES],
        "room": [_room(*pose) for pose in ((10, 20, 0), (30, 65, 0), (5, 40, 90))],
        "flat": [_flat(*size) for size in ((96, 64), (64, 80), (37, 50), (20, 24))],
        "colour": _colour(),
        "depth16": _depth16(),
        "flying": [_flying(width, height) for width, height in ((40, 30), (700, 24), (90, 120))],
        "faces": _surface(),
        "exif": [_exif(*case) for case in PHOTOS],
    }
    path.write_text(json.dumps(cases), encoding="utf-8")


SIZES = ((640, 480), (480, 640), (4000, 3000), (64, 64), (1200, 200), (100, 900), (333, 251))
RESIZES = ((90, 70, 32, 48), (33, 47, 64, 96), (64, 40, 64, 20), (64, 40, 20, 40), (50, 50, 80, 32))
UPSAMPLES = (
    (32, 24, 100, 75),
    (32, 24, 40, 60),
    (32, 24, 32, 24),
    (32, 24, 20, 40),
    (32, 24, 33, 24),
)


def _list(array: Any) -> list[float]:
    return [float(value) for value in np.asarray(array).ravel()]


def _resize(width: int, height: int, w: int, h: int) -> dict[str, Any]:
    photo = scene(height, width)
    small = resize_rgb(photo, (w, h))[0]
    return {"from": [width, height], "to": [w, h], "photo": _list(photo), "small": _list(small)}


def depth_with_steps(width: int, height: int) -> NDArray[np.float32]:
    """A slope, a nearer box on it, and noise."""
    y, x = np.mgrid[0:height, 0:width]
    depth = 2 + 3 * y / height + x / width
    depth[height // 3 : height // 2, width // 4 : width // 2] = 1.2
    return (depth + np.random.default_rng(1).normal(0, 0.01, depth.shape)).astype(np.float32)


def _upsample(w: int, h: int, width: int, height: int) -> dict[str, Any]:
    photo, depth = scene(height, width), depth_with_steps(w, h)
    large = upsample_depth(depth, Guide(photo, (w, h)))
    return {
        "from": [w, h],
        "to": [width, height],
        "photo": _list(photo),
        "depth": _list(depth),
        "large": _list(large),
    }


def _flat(width: int, height: int) -> dict[str, Any]:
    depth = depth_with_steps(width, height)
    return {"size": [width, height], "depth": _list(depth), "flat": _list(flatten_surfaces(depth))}


def _room(pitch: float, yaw: float, roll: float) -> dict[str, Any]:
    rgb, depth, _ = room(turned(pitch, yaw, roll))
    camera = ROOM_CAMERA
    return {
        "size": [rgb.shape[1], rgb.shape[0]],
        "rgb": _list(rgb),
        "depth": _list(bent(depth)),
        "camera": [camera.fx, camera.fy, camera.cx, camera.cy],
        "straight": _list(flatten_surfaces(bent(depth), (rgb, camera))),
    }


def _colour() -> dict[str, Any]:
    depth = depth_with_steps(30, 20)
    near, far = auto_range(depth)
    return {
        "depth": _list(depth),
        "width": 30,
        "range": [near, far],
        "table": COLORMAPS["inferno"].table.tobytes().hex(),
        "colours": _list(colorize(depth)),
    }


def _depth16() -> dict[str, Any]:
    depth = depth_with_steps(30, 20)
    depth[3, 4], depth[5, 6] = np.nan, 0.0001
    stored = np.asarray(Image.open(io.BytesIO(encode_depth16(depth, 1000.0))))
    shown = [None if np.isnan(z) else float(z) for z in depth.ravel()]
    return {"depth": shown, "width": 30, "height": 20, "steps": _list(stored)}


def _flying(width: int, height: int) -> dict[str, Any]:
    depth = depth_with_steps(width, height)
    image = Image.fromarray(depth).resize((width // 3, height // 3), Image.Resampling.BILINEAR)
    soft = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    found = flying_pixels(soft)
    return {"width": width, "height": height, "depth": _list(soft), "flying": _list(found)}


def _surface() -> dict[str, Any]:
    width, height = 24, 18
    depth = depth_with_steps(width, height)
    depth[2, 3] = np.nan
    kept = np.isfinite(depth)
    grid = np.where(kept, np.cumsum(kept).reshape(kept.shape) - 1, -1).astype(np.int32)
    faces = _faces(grid, (1 / depth).astype(np.float32), EDGE_TOLERANCE)
    shown = [None if np.isnan(z) else float(z) for z in depth.ravel()]
    return {"width": width, "height": height, "depth": shown, "faces": sorted(faces.tolist())}


def _exif(kind: str, size: tuple[int, int], tags: dict[str, Any]) -> dict[str, Any]:
    data = photo_with(kind, size, tags)
    photo = decode(data)
    height, width = photo.rgb.shape[:2]
    camera = choose_intrinsics((width, height), camera=CAMERA, focal_px=photo.focal_px)
    return {
        "file": data.hex(),
        "kind": kind,
        "stored": list(size),
        "size": [width, height],
        "fx": camera.fx,
        "source": camera.source,
    }


def photo_with(kind: str, size: tuple[int, int], tags: dict[str, Any]) -> bytes:
    """A picture file of one colour with EXIF tags."""
    exif = Image.Exif()
    exif[0x0131] = "made up"  # Pillow writes no PNG's block that has an inner directory only
    for name, value in tags.items():
        if name in EXIF:
            exif[EXIF[name]] = value
    details = exif.get_ifd(0x8769)
    for name, value in tags.items():
        if name in DETAILS:
            rational = name in ("focal", "zoom", "plane")
            details[DETAILS[name]] = IFDRational(round(value * 100), 100) if rational else value
    buffer = io.BytesIO()
    Image.new("RGB", size, (90, 120, 60)).save(buffer, kind, exif=exif)
    return buffer.getvalue()
