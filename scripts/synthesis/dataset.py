"""The files of a rendered set: pictures, depth, sky masks, the index and the credits."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 5
"""Of the generator; every frame's entry carries the one that made it."""

DEPTH_SCALE = {"rooms": 1000.0, "closeups": 1000.0, "streets": 256.0, "landscape": 256.0}
"""Stored units per metre."""


def encode_depth(depth: NDArray[np.float32], scale: float) -> NDArray[np.uint16]:
    """16-bit units; 0 where there is no surface, or one beyond what 16 bits hold."""
    units = np.where(np.isfinite(depth), np.rint(depth * scale), 0)
    return np.where((units > 0) & (units < 65536), units, 0).astype(np.uint16)


class RenderedSet:
    """A folder that `core.data.folder` reads: rgb/, depth/, sky/, index.json, dataset.toml.

    Each finished seed has a file of its own in seeds/; the index is put together from them, so
    several processes may work on one folder.
    """

    def __init__(self, root: Path, world: str) -> None:
        self.root, self.world, self.scale = root, world, DEPTH_SCALE[world]
        for name in ("rgb", "depth", "sky", "seeds"):
            (root / name).mkdir(parents=True, exist_ok=True)
        write_whole(
            root / "dataset.toml",
            f'index = "index.json"\nscale = {self.scale}\n'.encode(),
        )
        self._entries: dict[str, dict[str, Any]] = {}

    def finished(self, seed: int) -> bool:
        """True if the seed's frames are there."""
        return self._seed_file(seed).is_file()

    def write_frame(self, stem: str, picture: bytes, depth: NDArray[np.float32]) -> None:
        """Writes a frame's files.

        Args:
            stem: the frame's name.
            picture: a JPEG file.
            depth: (H, W) metres along the optical axis, infinite where there is sky.
        """
        write_whole(self.root / "depth" / f"{stem}.png", png(encode_depth(depth, self.scale)))
        sky = ~np.isfinite(depth)
        if sky.any():
            write_whole(self.root / "sky" / f"{stem}.png", png(sky.astype(np.uint8) * 255))
        write_whole(self.root / "rgb" / f"{stem}.jpg", picture)

    def finish(
        self,
        seed: int,
        frames: Sequence[Mapping[str, Any]],
        credits_: Sequence[Mapping[str, str]],
    ) -> None:
        """Records a seed, with the frames it gave (perhaps none), and writes the index anew."""
        entry = {"version": VERSION, "frames": list(frames), "credits": list(credits_)}
        write_whole(self._seed_file(seed), json.dumps(entry).encode())
        self.write_index()

    def write_index(self) -> None:
        """Writes index.json and CREDITS.md from the finished seeds."""
        for path in sorted((self.root / "seeds").glob("*.json")):
            if path.name not in self._entries:
                self._entries[path.name] = json.loads(path.read_text(encoding="utf-8"))
        entries = [self._entries[name] for name in sorted(self._entries)]
        scene = {
            "kind": "rendered",
            "world": self.world,
            "depth_scale": self.scale,
            "frames": [frame for entry in entries for frame in entry["frames"]],
        }
        write_whole(self.root / "index.json", json.dumps({".": scene}).encode())
        rows = {row["model"]: row for entry in entries for row in entry["credits"]}
        lines = [
            "# Models in these pictures\n",
            "From Debian's `sweethome3d-furniture`. Changed: colours, size to the catalogue's.\n",
            "| model | name | author | library | licence |",
            "|---|---|---|---|---|",
            *(
                "| "
                + " | ".join(
                    rows[key][k] for k in ("model", "name", "author", "library", "licence")
                )
                + " |"
                for key in sorted(rows)
            ),
        ]
        write_whole(self.root / "CREDITS.md", ("\n".join(lines) + "\n").encode())

    def _seed_file(self, seed: int) -> Path:
        return self.root / "seeds" / f"{seed:06d}.json"


def png(values: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """The array as a grey PNG of 8 or 16 bits."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
