"""Uploaded photos and what was measured in them, laid out as a model is adapted to them."""

from __future__ import annotations

import contextlib
import json
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.common.saving import safe_stem
from core.batch.archive import unpack
from core.data.depth_file import DEPTH_MODES
from core.data.folder import CONFIG_NAMES, PICTURE_TYPES
from core.errors import DataError
from core.images.limits import no_warnings
from core.train.held_out import MOST

MOST_BYTES = 1_000_000_000  # unpacked
MOST_FILES = 2 * MOST + 10  # photos, their depth, and some more
_ALWAYS_DEPTH = (".csv", ".npy", ".exr", ".pfm")
_EITHER = (".png", ".tif", ".tiff")
_DEPTH_FOLDERS, _PHOTO_FOLDERS = ("depth", "depths"), ("rgb", "image", "images", "color", "photos")
_ENDINGS = ("_depth", "-depth", "_rgb", "-rgb", "_color")
_MILLIMETRES, _METRES = 1000.0, 1.0
_MOST_SETTINGS = 100_000  # bytes of a dataset.toml


@dataclass(frozen=True)
class Settings:
    """What a folder's frames need besides their files.

    Attributes:
        scale: stored units per metre of depth; None: millimetres in 16-bit pictures and .npy of
            whole numbers, else metres.
        fov: horizontal field of view in degrees; None: the camera, else every photo's EXIF.
        camera: fx, fy, cx, cy in pixels, or None.
    """

    scale: float | None = None
    fov: float | None = None
    camera: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Arranged:
    """A data set made of uploads."""

    data: Path
    frames: int
    notes: tuple[str, ...]


def arranged(files: Sequence[Path], folder: Path, settings: Settings) -> Arranged:
    """A data set in the layout of `core.data.folder`, from whatever somebody sent.

    A photo and its depth have the same name but for the ending (or `_depth`), or lie in folders
    called rgb and depth. Of a `dataset.toml` only scale, camera and fov are read: nothing in it
    names a file.

    Args:
        files: uploaded; a zip stands for what is in it.
        settings: what the sender said beside the files, which counts more.

    Raises:
        DataError: no photo has depth, or two files of one kind have one name.
        ImageError: a zip that cannot be unpacked.
    """
    if len(files) > MOST_FILES:
        raise DataError(
            f"Got {len(files)} files, expected at most {MOST_FILES}: pack them into a zip, or give "
            f"{MOST} photos with their depth."
        )
    photos: dict[str, Path] = {}
    depths: dict[str, Path] = {}
    told = Settings()
    pictured = False
    for name, path in _listed(files, folder / "unpacked"):
        kind = _kind(name, path)
        if kind == "settings":
            told = _read(path)
        elif kind is not None:
            found, key = (photos if kind == "photo" else depths), _key(name)
            if key in found:
                raise DataError(
                    f"Two files would be the {kind} {key!r}, expected one of each name: rename "
                    "one, or put photos and depth into folders called rgb and depth."
                )
            found[key] = path
            pictured |= kind == "depth" and _is_counted(path)
    both = sorted(photos.keys() & depths.keys())
    if not both:
        raise DataError(
            f"Got {_counted(len(photos), 'photo')} and {_counted(len(depths), 'file')} with depth, "
            "of which no two belong together, expected names that are alike (hall1.jpg and "
            "hall1.csv, or hall1_depth.png): rename them, or put them into folders called rgb "
            "and depth."
        )
    data = folder / "data"
    stems = [safe_stem(Path(key).name) for key in both]
    plain = stems == sorted(set(stems))  # else the number keeps apart, and in order
    for kind, found in (("rgb", photos), ("depth", depths)):
        (data / kind).mkdir(parents=True)
        for index, key in enumerate(both):
            source = found[key]
            stem = safe_stem(Path(key).name)
            if not plain:
                stem = f"{index:04d}_{stem}"
            target = f"{stem}{source.suffix.lower()}"
            shutil.copyfile(source, data / kind / target)
    shutil.rmtree(folder / "unpacked", ignore_errors=True)
    scale = settings.scale or told.scale or (_MILLIMETRES if pictured else _METRES)
    text = f"scale = {scale!r}\n" + _camera_line(settings, told)
    (data / CONFIG_NAMES[0]).write_text(text)
    alone = sorted(photos.keys() ^ depths.keys())
    notes = []
    if alone:
        some = _counted(len(alone), "file")
        notes.append(f"Left out: {some} without a photo or depth of that name ({alone[0]}).")
    return Arranged(data, len(both), tuple(notes))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _camera_line(settings: Settings, told: Settings) -> str:
    for each in (settings, told):
        if each.fov is not None:
            return f"fov = {each.fov!r}\n"
        if each.camera is not None:
            return f"camera = {list(each.camera)!r}\n"
    return 'camera = "exif"\n'


def _listed(files: Sequence[Path], folder: Path) -> list[tuple[str, Path]]:
    """Every file with its name as it was sent, folders in it where it came in a zip."""
    found = []
    for number, path in enumerate(files):
        if path.suffix.lower() != ".zip":
            found.append((path.name, path))
            continue
        inner = folder / str(number)
        unpack(path, inner, MOST_FILES, MOST_BYTES)
        found += [
            (each.relative_to(inner).as_posix(), each)
            for each in sorted(inner.rglob("*"))
            if each.is_file() and not each.is_symlink()
        ]
    return found


def _kind(name: str, path: Path) -> str | None:
    """Of a file: "photo", "depth", "settings", or None for what is none of these."""
    suffix = path.suffix.lower()
    if path.name in CONFIG_NAMES:
        return "settings"
    if suffix in (".bin", ".pcd"):
        raise DataError(
            f"{path.name} is a LiDAR's sweep, expected depth pictures or .csv files of u,v,metres: "
            "use the command line's adapt, which takes its calibration."
        )
    if suffix in _ALWAYS_DEPTH:
        return "depth"
    if suffix not in PICTURE_TYPES:
        return None
    folders = [part.lower() for part in Path(name).parts[:-1]]
    for part in reversed(folders):
        if part in _DEPTH_FOLDERS:
            return "depth"
        if part in _PHOTO_FOLDERS:
            return "photo"
    if suffix in _EITHER and (path.stem.lower().endswith("depth") or _is_deep(path)):
        return "depth"
    return "photo"


def _is_deep(path: Path) -> bool:
    """Whether a picture is grey with more than 8 bits; only its header is read."""
    try:
        with no_warnings(), Image.open(path, formats=("PNG", "TIFF")) as image:
            return image.mode in DEPTH_MODES
    except Exception:  # Pillow raises almost anything: then the frame is left out later
        return False


def _is_counted(path: Path) -> bool:
    """Whether depth is stored in whole steps, of which nothing else says the unit."""
    if path.suffix.lower() != ".npy":
        return path.suffix.lower() in _EITHER
    with contextlib.suppress(Exception):  # NumPy raises almost anything: the frame is left out
        return np.load(path, mmap_mode="r", allow_pickle=False).dtype.kind in "iu"
    return False


def _key(name: str) -> str:
    """What a photo and its depth have in common: folders but for rgb and depth, and the stem."""
    path = Path(name)
    stem = path.stem
    for ending in _ENDINGS:
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    plain = (*_DEPTH_FOLDERS, *_PHOTO_FOLDERS)
    return "/".join([*(part for part in path.parts[:-1] if part.lower() not in plain), stem])


def _read(path: Path) -> Settings:
    """Scale and camera of a dataset.toml or .json."""
    wrong = DataError(
        f"{path.name} cannot be read, expected scale and camera (four numbers) or fov as "
        "docs/data.md shows: correct it, or leave it out and fill in the page's fields."
    )
    try:
        text = path.read_bytes()[:_MOST_SETTINGS].decode()
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(content, Mapping):
        raise wrong
    camera: Any = content.get("camera")
    try:
        scale, fov = (
            None if content.get(name) is None else float(content[name]) for name in ("scale", "fov")
        )
        numbers = None if camera in (None, "exif") else tuple(float(each) for each in camera)
    except (TypeError, ValueError) as error:
        raise wrong from error
    return Settings(scale, fov, numbers)
