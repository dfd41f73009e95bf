"""Draws the pictures of the README and of the model cards from the example photos.

    .venv/bin/python -m scripts.pictures            # writes docs/images/*.jpg

Photo and depth side by side, one row a photo; one photo with the depth after every level; and three
photos with the depth of both indoor models.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import Prediction, load_predictor
from core.files.colormap import auto_range, colorize
from core.images.decode import decode
from core.predictor import AnyPredictor

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "assets" / "examples"
IMAGES = ROOT / "docs" / "images"
ROWS = (
    ("room", "garage"),
    ("coffee", "books"),
    ("drum_corner", "porch", "pavilion"),
    ("old_town", "stream", "street"),
    ("building", "mountain_path"),
)
ROOMS = ("room", "coffee", "books")
WIDTH = 1400
HEIGHT = 300
QUALITY = 88

Rgb = NDArray[np.uint8]


def coloured(depth: NDArray[np.float32], near: float, far: float) -> Rgb:
    """Depth (H, W) in metres as RGB, near bright."""
    return colorize(depth, "inferno", near, far)


def scaled(rgb: Rgb, height: int) -> Rgb:
    """An RGB array at another height, its aspect kept."""
    picture = Image.fromarray(rgb)
    width = round(picture.width * height / picture.height)
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def beside(name: str, *predictors: AnyPredictor) -> Rgb:
    """A photo and each predictor's depth side by side."""
    photo = decode(EXAMPLES / f"{name}.jpg")
    depths = [predictor(photo).depth for predictor in predictors]
    shown = [photo.rgb, *(coloured(depth, *auto_range(depth)) for depth in depths)]
    return np.hstack([scaled(rgb, HEIGHT) for rgb in shown])


def levels(prediction: Prediction) -> Rgb:
    """The depth accumulated after every level, coarse to fine, each in its own range of metres."""
    depths = [level.depth for level in prediction.levels]
    size = depths[-1].shape[::-1]
    panels = [
        Image.fromarray(coloured(d, *auto_range(d))).resize(size, Image.Resampling.NEAREST)
        for d in depths
    ]
    return np.hstack([np.asarray(panel) for panel in panels])


def stacked(rows: Sequence[Rgb]) -> Rgb:
    """Rows below each other, all scaled to the same width."""
    pictures = (Image.fromarray(row) for row in rows)
    sizes = [(WIDTH, round(row.shape[0] * WIDTH / row.shape[1])) for row in rows]
    resized = zip(pictures, sizes, strict=True)
    return np.vstack([np.asarray(p.resize(size, Image.Resampling.LANCZOS)) for p, size in resized])


def save(rgb: Rgb, name: str) -> None:
    """Writes a JPEG below docs/images."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(IMAGES / name, quality=QUALITY, optimize=True)
    sys.stdout.write(f"{IMAGES / name}\n")


def main() -> None:
    """Draws all of them, each with the model that suits the photo."""
    predictor = load_predictor()
    rows = [np.hstack([beside(name, predictor) for name in row]) for row in ROWS]
    save(stacked(rows), "examples.jpg")
    prediction = predictor(EXAMPLES / "room.jpg")
    save(stacked([beside("room", predictor), levels(prediction)]), "first.jpg")
    models = [load_predictor(name) for name in ("lite-indoor", "lite-free")]
    save(stacked([beside(name, *models) for name in ROOMS]), "models.jpg")


if __name__ == "__main__":
    main()
