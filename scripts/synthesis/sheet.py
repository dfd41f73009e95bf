"""A contact sheet: python -m scripts.synthesis.sheet DIR --out sheet.png [--count 100]."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image

_DARKEST = 0.08


def contact_sheet(root: Path, count: int, columns: int = 10, width: int = 192) -> Image.Image:
    """Random frames of a rendered set, each photo above its depth (near is bright).

    Raises:
        FileNotFoundError: the folder has no index or no frames.
    """
    scenes = json.loads((root / "index.json").read_text(encoding="utf-8"))
    frames = [frame for scene in scenes.values() for frame in scene["frames"]]
    if not frames:
        raise FileNotFoundError(f"{root / 'index.json'} lists no frames; render some first.")
    random.Random(0).shuffle(frames)
    frames = frames[:count]
    height = round(width * frames[0]["height"] / frames[0]["width"])
    rows = -(-len(frames) // columns)
    sheet = Image.new("RGB", (columns * width, rows * 2 * height))
    for number, frame in enumerate(frames):
        x, y = number % columns * width, number // columns * 2 * height
        with Image.open(root / "rgb" / f"{frame['stem']}.jpg") as photo:
            sheet.paste(photo.resize((width, height)), (x, y))
        with Image.open(root / "depth" / f"{frame['stem']}.png") as stored:
            depth = np.asarray(stored, np.float32)
        sheet.paste(_grey(depth).resize((width, height)), (x, y + height))
    return sheet


def _grey(depth: np.ndarray) -> Image.Image:
    """Inverse depth as grey; black where there is none."""
    known = depth > 0
    inverse = np.where(known, 1 / np.maximum(depth, 1), 0)
    near = np.quantile(inverse[known], 0.98) if known.any() else 1.0
    grey = np.where(known, _DARKEST + (1 - _DARKEST) * np.clip(inverse / near, 0, 1), 0)
    return Image.fromarray((grey * 255).astype(np.uint8))


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(prog="python -m scripts.synthesis.sheet", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    contact_sheet(options.root, options.count).save(options.out)


if __name__ == "__main__":
    main()
