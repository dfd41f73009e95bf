"""Photos to measure with: an example of ours, enlarged, with the grain that real photos have."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLE = Path(__file__).resolve().parents[1] / "assets" / "examples" / "room.jpg"
STRIP = 256  # rows; the grain of a 100-megapixel photo at once would take gigabytes


def jpeg(width: int, height: int) -> bytes:
    """A JPEG of quality 90."""
    with Image.open(EXAMPLE) as example:
        image = example.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    rng = np.random.default_rng(0)
    for top in range(0, height, STRIP):
        strip = np.asarray(image.crop((0, top, width, min(top + STRIP, height)))).astype(np.int16)
        strip += rng.normal(0, 4, strip.shape[:2])[..., None].round().astype(np.int16)
        image.paste(Image.fromarray(strip.clip(0, 255).astype(np.uint8)), (0, top))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
