"""RGB-D folders of any origin (DIODE, SUN RGB-D, one's own recordings) by a small config file.

The config is TOML or JSON and lies in the dataset's root (or names it with `root`):

    rgb = "rgb"                        # folder of the pictures inside each scene
    depth = "depth"                    # folder of the depth maps inside each scene
    depth_suffix = ""                  # appended to the picture's stem ("_depth" in DIODE)
    mask_suffix = ""                   # a .npy of 0/1 beside the depth, if not empty
    encoding = "scaled"                # or "sunrgbd": SUN RGB-D's rotated 16-bit millimetres
    scale = 1000.0                     # stored units per metre
    max_depth = 10.0                   # beyond it a measurement counts as missing
    camera = [518.9, 519.5, 325.6, 253.7]   # fx, fy, cx, cy in pixels of the pictures; or "exif"
    fov = 69.4                         # instead of it: horizontal field of view in degrees
    calibration = ["calib.txt"]        # KITTI's, in the root: of LiDAR points
    [scenes.kitchen]                   # optional; without scenes the root is the only scene
    camera = [585.0, 585.0, 320.0, 240.0]
    frames = ["00001", "00002"]        # optional; without it every picture

`index = "index.json"` takes scenes and cameras from an index file instead (see `read_index`); a
root with an `index.json` and no config is read so, in millimetres.

In place of a depth map a frame may have a few measured points: `STEM.csv` with lines `u,v,metres`,
or a LiDAR's `STEM.bin` or `.pcd` (`core.data.sparse_file`).

Two files of one kind and stem (`7.jpg` and `7.png`, `7.png` and `7.npy`) are refused: to take one
of them would score or train on a file that nobody meant.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from core.camera import MAX_FOV, MIN_FOV
from core.data.sample import DEPTH_ENCODINGS, SPARSE_TYPES, Camera, Frame, FrameDataset, read_text
from core.errors import DataError
from core.images.formats import HEAD_BYTES, why_no_picture

PICTURE_TYPES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".ppm", ".bmp", ".webp", ".tif", ".tiff"),
    *(".heic", ".heif", ".hif", ".avif", ".jp2"),
)
DEPTH_TYPES = (".png", ".npy", ".tif", ".tiff", ".exr", ".pfm", *SPARSE_TYPES)

ByStem = Mapping[str, Sequence[Path]]

CONFIG_NAMES = ("dataset.toml", "dataset.json")
INDEX_NAME = "index.json"
_TEXTS = ("root", "rgb", "depth", "depth_suffix", "mask_suffix")
_SCENE_KEYS = ("camera", "frames")

_CAMERA_KEYS = ("fx", "fy", "cx", "cy")


def pictures_in(folder: Path, shared: bool = False, depth_suffix: str = "") -> ByStem:
    """A folder's pictures by the stem of their names; none where the folder is missing.

    Args:
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


@dataclass(frozen=True)
class FolderConfig:
    """What a config file may say; the module's docstring explains each key."""

    root: str = "."
    rgb: str = "rgb"
    depth: str = "depth"
    depth_suffix: str = ""
    mask_suffix: str = ""
    encoding: str = "scaled"
    scale: float = 1000.0
    max_depth: float | None = None
    camera: Sequence[float] | str | None = None
    fov: float | None = None
    calibration: Sequence[str] = ()
    scenes: Mapping[str, Mapping[str, Any]] | None = None
    index: str | None = None

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _expect(isinstance(getattr(self, name), str), name, getattr(self, name), "a text")
        _expect(
            self.encoding in DEPTH_ENCODINGS,
            "encoding",
            self.encoding,
            f"one of {', '.join(DEPTH_ENCODINGS)}",
        )
        _expect(_positive(self.scale), "scale", self.scale, "stored units per metre above 0")
        if self.fov is not None:
            fits = _positive(self.fov) and MIN_FOV <= self.fov <= MAX_FOV
            _expect(fits, "fov", self.fov, f"{MIN_FOV:g} to {MAX_FOV:g} degrees")
            _expect(self.camera is None, "camera", self.camera, "none beside fov")
        names = isinstance(self.calibration, list | tuple)
        names = names and all(isinstance(name, str) for name in self.calibration)
        _expect(names, "calibration", self.calibration, "a list of file names")
        if self.max_depth is not None:
            _expect(_positive(self.max_depth), "max_depth", self.max_depth, "metres above 0")
        if self.index is not None:
            _expect(isinstance(self.index, str), "index", self.index, "a file name")
        for name, scene in _table(self.scenes, "scenes").items():
            for key, value in _table(scene, f"scenes.{name}").items():
                _expect(
                    key in _SCENE_KEYS,
                    f"scenes.{name}",
                    key,
                    f"no key but {' and '.join(_SCENE_KEYS)}",
                )
                texts = isinstance(value, list) and all(isinstance(stem, str) for stem in value)
                _expect(
                    key != "frames" or texts,
                    f"scenes.{name}.frames",
                    value,
                    'a list of stems in quotes, such as ["00001"]',
                )


def _expect(right: bool, key: str, got: object, expected: str) -> None:
    if not right:
        raise DataError(
            f"Dataset config: got {key} {got!r}, expected {expected}; correct it as docs/data.md "
            "shows."
        )


def _table(value: Any, key: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    _expect(isinstance(value, Mapping), key, value, "a table")
    return dict(value)


def _positive(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and bool(0 < value < math.inf)


def load_folder_config(path: str | Path) -> FolderConfig:
    """Reads a config file.

    Args:
        path: the file, or a folder that holds `dataset.toml`, `dataset.json` or `index.json`.

    Returns:
        The config with `root` made absolute (or relative to where the process runs).

    Raises:
        DataError: no such file, not TOML/JSON, or an unknown key.
    """
    if (Path(path) / INDEX_NAME).is_file() and _config_file(Path(path)) is None:
        return FolderConfig(root=str(path), index=INDEX_NAME)
    file = _config_file(Path(path))
    if file is None:
        raise DataError(
            f"{path} holds neither {' nor '.join((*CONFIG_NAMES, INDEX_NAME))}; write one of them "
            "as docs/data.md shows."
        )
    try:
        text = read_text(file)
        content = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(
            f"Cannot read the dataset config {file} ({error}); expected TOML or JSON."
        ) from error
    known = {item.name for item in fields(FolderConfig)}
    unknown = sorted(set(content) - known) if isinstance(content, dict) else ["(not a table)"]
    if unknown:
        raise DataError(f"{file}: unknown key {unknown[0]}; known are {', '.join(sorted(known))}.")
    config = FolderConfig(**content)
    return replace(config, root=str(file.parent / config.root))


class FolderDataset(FrameDataset):
    """The frames of an RGB-D folder described by a `FolderConfig`."""

    def __init__(self, config: FolderConfig | str | Path) -> None:
        """Lists the frames; pictures are read when asked for.

        Raises:
            DataError: see `load_folder_config`; also a scene without pictures or camera.
        """
        if not isinstance(config, FolderConfig):
            config = load_folder_config(config)
        root = Path(config.root)
        if config.index is not None:
            frames = read_index(root / config.index, scale=config.scale)
        else:
            scenes = config.scenes or {".": {}}
            frames = [
                f for name, scene in scenes.items() for f in _scene(root, config, name, scene)
            ]
        super().__init__(frames)


def read_index(path: Path, scale: float) -> list[Frame]:
    """Reads an index file: per scene its frames and their cameras.

    Two forms are understood, per scene `SCENE` with files `SCENE/rgb/STEM.*` and
    `SCENE/depth/STEM.png` beside the index file:
    `{"K": [fx, fy, cx, cy], "frames": [STEM, ...]}` and
    `{"kind": ..., "frames": [{"stem": STEM, "fx": ..., "fy": ..., "cx": ..., "cy": ...}, ...]}`.
    Bright pixels of `SCENE/sky/STEM.png`, where there is one, are sky.

    Args:
        scale: stored depth units per metre.

    Raises:
        DataError: the file is missing, is no JSON, or a frame has no camera or picture.
    """
    try:
        scenes = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read the index {path} ({error}); expected JSON.") from error
    frames = []
    try:
        for scene, entry in scenes.items():
            folder = path.parent / scene
            pictures, depths = pictures_in(folder / "rgb"), depth_maps_in(folder / "depth")
            for item in entry["frames"]:
                stem = item if isinstance(item, str) else item["stem"]
                numbers = entry["K"] if isinstance(item, str) else [item[k] for k in _CAMERA_KEYS]
                picture, depth = pair(stem, pictures, depths, folder / "depth")
                sky = folder / "sky" / f"{stem}.png"
                frames.append(
                    Frame(
                        rgb_path=picture,
                        depth_path=depth,
                        name=f"{scene}/{stem}",
                        depth_scale=scale,
                        camera=_camera(numbers, scene),
                        kind=entry.get("kind", ""),
                        sky_path=sky if sky.is_file() else None,
                    )
                )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: an entry lacks {error}; expected per scene its frames with fx, fy, cx, cy "
            "(or K for the whole scene) and a picture for each in SCENE/rgb."
        ) from error
    return frames


def _config_file(path: Path) -> Path | None:
    """The config of a folder, or the file itself; None for a folder without one."""
    if not path.is_dir():
        return path
    return next((path / name for name in CONFIG_NAMES if (path / name).is_file()), None)


def _scene(root: Path, config: FolderConfig, name: str, scene: Mapping[str, Any]) -> list[Frame]:
    folder = root / name
    camera = _seen_by(scene.get("camera", config.camera), config.fov, name)
    shared = (folder / config.rgb).resolve() == (folder / config.depth).resolve()
    depths = depth_maps_in(folder / config.depth)
    pictures = pictures_in(folder / config.rgb, shared, config.depth_suffix)
    stems = scene.get("frames") or sorted(pictures)
    missing = [stem for stem in stems if stem not in pictures]
    if missing or not stems:
        raise DataError(
            f"{folder / config.rgb} holds no picture {missing[0] if missing else 'at all'}; "
            "check the keys rgb and frames of the dataset config."
        )
    frames = []
    for stem in stems:
        picture, depth = pair(stem, pictures, depths, folder / config.depth, config.depth_suffix)
        mask = folder / config.depth / f"{stem}{config.mask_suffix}.npy"
        frames.append(
            Frame(
                rgb_path=picture,
                depth_path=depth,
                name=stem if name == "." else f"{name}/{stem}",
                depth_scale=config.scale,
                camera=camera,
                encoding=config.encoding,
                mask_path=mask if config.mask_suffix else None,
                max_depth=config.max_depth,
                calibration=tuple(root / file for file in config.calibration),
            )
        )
    if not any(frame.depth_path.is_file() for frame in frames):
        raise DataError(
            f"{folder / config.depth} has no depth map ({', '.join(DEPTH_TYPES)}) of any frame; "
            "check the keys depth and depth_suffix of the dataset config."
        )
    return frames


def _seen_by(camera: Any, fov: float | None, scene: str) -> Camera | float | None:
    """The camera of a scene's frames, as `Frame` has it."""
    if camera == "exif":
        return None
    if camera is None and fov is not None:
        return fov
    if camera is None:
        raise DataError(
            f"Scene {scene} has no camera; write camera = [fx, fy, cx, cy], fov = DEGREES or "
            'camera = "exif" in the config.'
        )
    return _camera(camera, scene)


def _camera(numbers: Sequence[float], scene: str) -> Camera:
    try:
        fx, fy, cx, cy = (float(number) for number in numbers)
    except (TypeError, ValueError):
        fx = fy = cx = cy = math.nan
    if not (all(map(math.isfinite, (fx, fy, cx, cy))) and fx > 0 and fy > 0):
        raise DataError(
            f"Scene {scene}: got the camera {numbers!r}, expected [fx, fy, cx, cy] in pixels "
            "with focal lengths above 0."
        )
    return fx, fy, cx, cy
