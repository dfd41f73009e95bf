"""Which picture and which depth map of a folder belong together: those of one stem, one of each.

Two files of one kind and stem (`7.jpg` and `7.png`, `7.png` and `7.npy`) are refused: to take one
of them would score or train on a file that nobody meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from core.errors import DataError
from core.images.formats import HEAD_BYTES, why_no_picture

PICTURE_TYPES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".ppm", ".bmp", ".webp", ".tif", ".tiff"),
    *(".heic", ".heif", ".hif", ".avif", ".jp2"),
)
DEPTH_TYPES = (".png", ".npy", ".tif", ".tiff", ".exr", ".pfm")

ByStem = Mapping[str, Sequence[Path]]


def pictures_in(folder: Path, shared: bool = False, depth_suffix: str = "") -> ByStem:
    """A folder's pictures by the stem of their names; none where the folder is missing.

    Args:
        folder: of pictures.
        shared: whether the depth maps lie in the same folder; they are no pictures.
        depth_suffix: of these, what is appended to a picture's stem.
    """
    found = _by_stem(folder, PICTURE_TYPES)
    kept = {stem: [p for p in paths if not _is_of_the_system(p)] for stem, paths in found.items()}
    if shared:
        for stem in list(kept):
            kept[stem] = _without_depth(stem, kept, depth_suffix)
    return {stem: paths for stem, paths in kept.items() if paths}


def _without_depth(stem: str, pictures: ByStem, suffix: str) -> list[Path]:
    """A stem's pictures but for depth maps: `7_depth.png` beside `7.png`, `7.png` by `7.jpg`."""
    if suffix:
        own = stem.removesuffix(suffix)
        return [] if own != stem and own in pictures else list(pictures[stem])
    only = [path for path in pictures[stem] if path.suffix.lower() not in DEPTH_TYPES]
    return only or list(pictures[stem])


def depth_maps_in(folder: Path) -> ByStem:
    """A folder's depth maps by the stem of their names; none where the folder is missing."""
    return _by_stem(folder, DEPTH_TYPES)


def pair(
    stem: str, pictures: ByStem, depths: ByStem, folder: Path, depth_suffix: str = ""
) -> tuple[Path, Path]:
    """The picture and the depth map of a frame; the latter a missing PNG where there is none.

    Args:
        stem: of the picture.
        pictures, depths: of the two folders.
        folder: of the depth maps.
        depth_suffix: what is appended to the picture's stem.

    Raises:
        KeyError: no picture has this stem.
        DataError: two files of one kind, or one file that would be both.
    """
    picture = _only(pictures[stem], "picture")
    name = f"{stem}{depth_suffix}"
    found = [path for path in depths.get(name, ()) if path != picture]
    if not found and picture in depths.get(name, ()):
        raise DataError(
            f"{picture} would be both the picture and the depth map of its frame, expected two "
            "files: name their folders with the keys rgb and depth of the dataset config."
        )
    depth = _only(found, "depth map") if found else folder / f"{name}.png"
    return picture, depth


def _only(paths: Sequence[Path], what: str) -> Path:
    if len(paths) > 1:
        names = " and ".join(path.name for path in paths)
        raise DataError(
            f"{paths[0].parent} holds {names}, expected one {what} of each name: move the other "
            "one away, or name another folder or suffix in the dataset config."
        )
    return paths[0]


def _by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in suffixes:
            found.setdefault(path.stem, []).append(path)
    return found


def _is_of_the_system(path: Path) -> bool:
    """Whether a file only has a picture's name, as macOS leaves ._1.png beside 1.png."""
    with path.open("rb") as file:
        return why_no_picture(path.name, partial(file.read, HEAD_BYTES)) is not None
