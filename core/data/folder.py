"""RGB-D folders of any origin (DIODE, SUN RGB-D, one's own recordings) by a small config file.

The config is TOML or JSON and lies in the dataset's root (or names it with `root`):

    rgb = "rgb"                        # folder of the pictures inside each scene
    depth = "depth"                    # folder of the depth maps inside each scene
    depth_suffix = ""                  # appended to the picture's stem ("_depth" in DIODE)
    mask_suffix = ""                   # a .npy of 0/1 beside the depth, if not empty
    encoding = "scaled"                # or "sunrgbd": SUN RGB-D's rotated 16-bit millimetres
    scale = 1000.0                     # stored units per metre
    max_depth = 10.0                   # beyond it a measurement counts as missing
    camera = [518.9, 519.5, 325.6, 253.7]   # fx, fy, cx, cy in pixels of the pictures
    [scenes.kitchen]                   # optional; without scenes the root is the only scene
    camera = [585.0, 585.0, 320.0, 240.0]
    frames = ["00001", "00002"]        # optional; without it every picture

`index = "index.json"` takes scenes and cameras from an index file instead (see `read_index`); a
root with an `index.json` and no config is read so, in millimetres.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from core.data.sample import DEPTH_ENCODINGS, Camera, Frame, FrameDataset
from core.errors import DataError
from core.imaging.no_picture import why_no_picture
from core.imaging.picture_formats import HEAD_BYTES

CONFIG_NAMES = ("dataset.toml", "dataset.json")
INDEX_NAME = "index.json"
_DEPTH_TYPES = (".png", ".npy", ".tif", ".tiff", ".exr", ".pfm")


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
    camera: Sequence[float] | None = None
    scenes: Mapping[str, Mapping[str, Any]] | None = None
    index: str | None = None

    def __post_init__(self) -> None:
        if self.encoding not in DEPTH_ENCODINGS:
            raise DataError(
                f"Dataset config: got encoding {self.encoding!r}, "
                f"expected one of {', '.join(DEPTH_ENCODINGS)}."
            )
        if not self.scale > 0:
            raise DataError(
                f"Dataset config: got scale {self.scale}, expected stored units per metre above 0."
            )


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
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(
            f"Cannot read the dataset config {file} ({error}); expected TOML or JSON."
        ) from error
    known = {item.name for item in fields(FolderConfig)}
    unknown = sorted(set(content) - known) if isinstance(content, dict) else ["(not a table)"]
    if unknown:
        raise DataError(f"{file}: unknown key {unknown[0]}; known are {', '.join(sorted(known))}.")
    content["root"] = str(file.parent / content.get("root", "."))
    return FolderConfig(**content)


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

    Args:
        path: the JSON file.
        scale: stored depth units per metre.

    Raises:
        DataError: the file is missing, is no JSON, or a frame has no camera or picture.
    """
    try:
        scenes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read the index {path} ({error}); expected JSON.") from error
    frames = []
    try:
        for scene, entry in scenes.items():
            folder = path.parent / scene
            pictures = _pictures(folder / "rgb")
            for item in entry["frames"]:
                stem = item if isinstance(item, str) else item["stem"]
                numbers = entry["K"] if isinstance(item, str) else [item[k] for k in _CAMERA_KEYS]
                frames.append(
                    Frame(
                        rgb_path=pictures[stem],
                        depth_path=_depth_file(folder / "depth" / stem),
                        name=f"{scene}/{stem}",
                        depth_scale=scale,
                        camera=_camera(numbers, scene),
                        kind=entry.get("kind", ""),
                    )
                )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: an entry lacks {error}; expected per scene its frames with fx, fy, cx, cy "
            "(or K for the whole scene) and a picture for each in SCENE/rgb."
        ) from error
    return frames


_CAMERA_KEYS = ("fx", "fy", "cx", "cy")


def _config_file(path: Path) -> Path | None:
    """The config of a folder, or the file itself; None for a folder without one."""
    if not path.is_dir():
        return path
    return next((path / name for name in CONFIG_NAMES if (path / name).is_file()), None)


def _scene(root: Path, config: FolderConfig, name: str, scene: Mapping[str, Any]) -> list[Frame]:
    folder = root / name
    camera = scene.get("camera", config.camera)
    if camera is None:
        raise DataError(
            f"Scene {name} of {root} has no camera; write camera = [fx, fy, cx, cy] in the config."
        )
    pictures = _pictures(folder / config.rgb)
    stems = scene.get("frames") or sorted(pictures)
    missing = [stem for stem in stems if stem not in pictures]
    if missing or not stems:
        raise DataError(
            f"{folder / config.rgb} holds no picture {missing[0] if missing else 'at all'}; "
            "check the keys rgb and frames of the dataset config."
        )
    frames = []
    for stem in stems:
        depth = folder / config.depth / f"{stem}{config.depth_suffix}"
        mask = folder / config.depth / f"{stem}{config.mask_suffix}.npy"
        frames.append(
            Frame(
                rgb_path=pictures[stem],
                depth_path=_depth_file(depth),
                name=stem if name == "." else f"{name}/{stem}",
                depth_scale=config.scale,
                camera=_camera(camera, name),
                encoding=config.encoding,
                mask_path=mask if config.mask_suffix else None,
                max_depth=config.max_depth,
            )
        )
    if not any(frame.depth_path.is_file() for frame in frames):
        raise DataError(
            f"{folder / config.depth} has no depth map ({', '.join(_DEPTH_TYPES)}) of any frame; "
            "check the keys depth and depth_suffix of the dataset config."
        )
    return frames


def _pictures(folder: Path) -> dict[str, Path]:
    """Pictures by stem; an empty dictionary where the folder is missing."""
    if not folder.is_dir():
        return {}
    kinds = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".webp", ".tif", ".tiff")
    found = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds)
    return {path.stem: path for path in found if not _is_of_the_system(path)}


def _is_of_the_system(path: Path) -> bool:
    """Whether a file only has a picture's name, as macOS leaves ._1.png beside 1.png."""
    with path.open("rb") as file:
        return why_no_picture(path.name, partial(file.read, HEAD_BYTES)) is not None


def _depth_file(stem: Path) -> Path:
    """The depth file of a stem: the first of the known types that exists, else a missing PNG."""
    files = [stem.with_name(stem.name + suffix) for suffix in _DEPTH_TYPES]
    return next((file for file in files if file.is_file()), files[0])


def _camera(numbers: Sequence[float], scene: str) -> Camera:
    values = [float(number) for number in numbers]
    if len(values) != 4 or not (values[0] > 0 and values[1] > 0):
        raise DataError(
            f"Scene {scene}: got the camera {list(numbers)}, expected [fx, fy, cx, cy] in pixels "
            "with focal lengths above 0."
        )
    return values[0], values[1], values[2], values[3]
