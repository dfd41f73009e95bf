"""A folder for `adapt` whose photos have a few measured points each, made from an RGB-D set.

    python -m benchmarks.few_points DATA FOLDER --frames 0:60:2 --later 66:125 [--points 20]

DATA, all of one camera, is as `core.data.folder` reads it. FOLDER/points gets the frames of the
first slice, with as many random pixels of each depth map as a CSV (what a laser or a tape measure
would have given); FOLDER/later those of the second one with all of their depth, to score what was
adapted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.data.folder import FolderDataset
from core.data.sample import Frame


def chosen(frames: Sequence[Frame], piece: str) -> Sequence[Frame]:
    """The frames of a slice as Python writes it."""
    return frames[slice(*(int(part) if part else None for part in piece.split(":")))]


def written(frames: Sequence[Frame], folder: Path, points: int | None) -> None:
    """A folder of these frames, with so many points of each depth map, or all of it for None."""
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    for index, frame in enumerate(frames):
        picture = folder / "rgb" / f"{frame.rgb_path.stem}{frame.rgb_path.suffix}"
        picture.symlink_to(frame.rgb_path.absolute())
        stem = folder / "depth" / frame.rgb_path.stem
        depth = frame.load().depth
        if points is None:
            np.save(stem.with_suffix(".npy"), depth)
            continue
        rows, columns = np.nonzero(depth)
        some = np.random.default_rng(index).choice(rows.size, points, replace=False)
        lines = [f"{columns[i]},{rows[i]},{depth[rows[i], columns[i]]:.2f}\n" for i in some]
        stem.with_suffix(".csv").write_text("".join(lines))
    sample = frames[0].load()
    camera = [sample.fx, sample.fy, sample.cx, sample.cy]
    (folder / "dataset.toml").write_text(f"scale = 1.0\ncamera = {camera}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes both folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", required=True)
    parser.add_argument("--later", required=True)
    parser.add_argument("--points", type=int, default=20)
    options = parser.parse_args(arguments)
    frames = FolderDataset(options.data).frames
    written(chosen(frames, options.frames), options.folder / "points", options.points)
    written(chosen(frames, options.later), options.folder / "later", None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
