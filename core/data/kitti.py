"""KITTI in the layouts people have on disk, and other driving sets listed in the same way.

1. An `index.json` of scenes beside `SPLIT/SCENE/{rgb,depth}` (see `core.data.folder.read_index`).
2. The official layout: `raw` recordings (`2011_09_26/2011_09_26_drive_0002_sync/image_02/data/`)
   and `data_depth_annotated/{train,val}/DRIVE/proj_depth/groundtruth/image_02/`, with the Eigen
   split files in either of their two usual notations:
   `DAY/DRIVE/image_02/data/0000000069.png DRIVE/proj_depth/groundtruth/image_02/0000000069.png
   721.5377` and `DAY/DRIVE 0000000069 l` (DAY is 2011_09_26, DRIVE 2011_09_26_drive_0002_sync).

Depth PNGs are uint16, metres * 256, 0 = no measurement.
Sources: A. Geiger et al., "Vision meets Robotics: The KITTI Dataset", IJRR 2013; J. Uhrig et al.,
"Sparsity Invariant CNNs", 3DV 2017 (annotated depth); D. Eigen et al., NIPS 2014 (split).

Source: the categories of the raw data (www.cvlibs.net/datasets/kitti/raw_data.php; A. Geiger et
al., IJRR 2013) and the development kit's table of the drives that the odometry sequences were cut
from. Campus and person drives, and frames whose drive is not known, are of no kind here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from core.data.folder import read_index
from core.data.sample import Camera, Frame, FrameDataset, read_split_lines, scene_of
from core.errors import DataError

KINDS = ("city", "residential", "road")

_DRIVES: dict[str, dict[str, tuple[int, ...]]] = {
    "city": {
        "2011_09_26": (
            *(1, 2, 5, 9, 11, 13, 14, 17, 18, 48, 51, 56, 57, 59, 60),
            *(84, 91, 93, 95, 96, 104, 106, 113, 117),
        ),
        "2011_09_28": (1, 2),
        "2011_09_29": (26, 71),
    },
    "residential": {
        "2011_09_26": (19, 20, 22, 23, 35, 36, 39, 46, 61, 64, 79, 86, 87),
        "2011_09_30": (18, 20, 27, 28, 33, 34),
        "2011_10_03": (27, 34),
    },
    "road": {
        "2011_09_26": (15, 27, 28, 29, 32, 52, 70, 101),
        "2011_09_29": (4,),
        "2011_09_30": (16,),
        "2011_10_03": (42, 47),
    },
}
_ODOMETRY = {
    0: ("2011_10_03", 27),
    1: ("2011_10_03", 42),
    2: ("2011_10_03", 34),
    4: ("2011_09_30", 16),
    5: ("2011_09_30", 18),
    6: ("2011_09_30", 20),
    7: ("2011_09_30", 27),
    8: ("2011_09_30", 28),
    9: ("2011_09_30", 33),
    10: ("2011_09_30", 34),
}
_DAY = "2011_09_26"  # of the drives that are named by their number alone
_DRIVE = re.compile(r"(\d{4}_\d\d_\d\d)_drive_(\d{4})")
_SHORT = re.compile(r"kitti_(raw|odometry)_(\d+)")

DEPTH_SCALE = 256.0
"""Stored units per metre in KITTI's depth PNGs."""

STEREO = "stereo SGM"
"""The index's name for depth from stereo matching, which no test may take for the truth."""

# Rectified colour cameras by recording day (P_rect_02 of calib_cam_to_cam.txt), for copies of the
# raw data that came without the calibration files.
CAMERAS: dict[str, Camera] = {
    "2011_09_26": (721.5377, 721.5377, 609.5593, 172.854),
    "2011_09_28": (707.0493, 707.0493, 604.0814, 180.5066),
    "2011_09_29": (718.3351, 718.3351, 600.3891, 181.5122),
    "2011_09_30": (707.0912, 707.0912, 601.8873, 183.1104),
    "2011_10_03": (718.856, 718.856, 607.1928, 185.2157),
}
_SIDES = {"l": "image_02", "r": "image_03", "2": "image_02", "3": "image_03"}
_RAW_FOLDERS = (".", "raw", "raw_data", "kitti_raw")
_DEPTH_FOLDERS = tuple(
    f"{base}{part}"
    for base in ("data_depth_annotated", ".", "depth")
    for part in ("", "/train", "/val")
)
_EMPTY_COLUMN = "None"

logger = logging.getLogger(__name__)


def kind_of(name: str) -> str:
    """City, residential or road, "" for any other or unknown drive.

    Args:
        name: of a frame or its folder, with `2011_09_26_drive_0009`, `kitti_raw_0009` (of
            2011_09_26) or `kitti_odometry_04` in it.
    """
    drive = drive_of(name)
    for kind, days in _DRIVES.items():
        if drive is not None and drive[1] in days.get(drive[0], ()):
            return kind
    return ""


def drive_of(name: str) -> tuple[str, int] | None:
    """Day and number of the drive that a name speaks of."""
    full = _DRIVE.search(name)
    if full is not None:
        return full[1], int(full[2])
    short = _SHORT.search(name)
    if short is None:
        return None
    return (_DAY, int(short[2])) if short[1] == "raw" else _ODOMETRY.get(int(short[2]))


class KittiDataset(FrameDataset):
    """Driving frames with LiDAR (or stereo) depth, read lazily.

    `dataset.frames` tells each frame's scene (in `name`) and how its depth was measured (`kind`).
    """

    def __init__(
        self, root: str | Path, split: str = "train", split_file: str | Path | None = None
    ) -> None:
        """Finds out the layout of `root` and lists its frames.

        Args:
            root: folder of one of the two layouts.
            split: "train" or "val"; stereo depth is left out of "val". With an index the scenes
                named `SPLIT/...`, in the official layout the folder of the annotated depth.
            split_file: with an index one `SPLIT/SCENE` or `SPLIT/SCENE/STEM` per line; in the
                official layout an Eigen split file (`split` is then not looked at).

        Raises:
            DataError: the layout is not recognised, or files of the split are missing.
        """
        if split not in ("train", "val"):
            raise DataError(f"Got split {split!r} of KITTI, expected 'train' or 'val'.")
        lines = None if split_file is None else read_split_lines(Path(split_file))
        folder = Path(root)
        if (folder / "index.json").is_file():
            frames = _indexed(folder, split, lines)
        elif lines is not None:
            frames = _listed(folder, lines)
        else:
            frames = _annotated(folder, split)
        if not frames:
            raise DataError(
                f"{root} holds no frame of split {split!r}; expected an index.json with "
                f"{split}/SCENE entries, or raw recordings beside data_depth_annotated/{split}."
            )
        super().__init__(frames)


def _indexed(root: Path, split: str, lines: list[list[str]] | None) -> list[Frame]:
    frames = read_index(root / "index.json", DEPTH_SCALE)
    if lines is None:
        chosen = [frame for frame in frames if frame.name.startswith(f"{split}/")]
        return [frame for frame in chosen if split == "train" or frame.kind != STEREO]
    wanted = [columns[0].rstrip("/") for columns in lines]
    known = {frame.name for frame in frames} | {scene_of(frame.name) for frame in frames}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise DataError(
            f"The split file names {missing[0]}, which {root / 'index.json'} does not list; "
            "expected SPLIT/SCENE or SPLIT/SCENE/STEM per line."
        )
    names = set(wanted)
    return [frame for frame in frames if frame.name in names or scene_of(frame.name) in names]


def _listed(root: Path, lines: list[list[str]]) -> list[Frame]:
    """Frames of an Eigen split file; lines without ground truth are counted and left out."""
    frames, without_truth = [], 0
    for columns in lines:
        if len(columns) >= 3 and columns[2] in _SIDES and columns[1].isdigit():
            day, _, drive = columns[0].partition("/")
            picture = _SIDES[columns[2]]
            stem = f"{int(columns[1]):010d}"
            rgb = f"{day}/{drive}/{picture}/data/{stem}.png"
            depth = f"{drive}/proj_depth/groundtruth/{picture}/{stem}.png"
            frame = _frame(root, rgb, depth)
            if frame is None:  # this notation lists frames whether or not they have ground truth
                without_truth += 1
                continue
            frames.append(frame)
        elif len(columns) >= 2:
            if columns[1] == _EMPTY_COLUMN:
                without_truth += 1
                continue
            frame = _frame(root, columns[0].lstrip("/"), columns[1].lstrip("/"))
            if frame is None:
                raise DataError(
                    f"The ground truth {columns[1]} of the split file is not under {root} or its "
                    "data_depth_annotated folder; unpack the annotated depth maps there."
                )
            frames.append(frame)
        else:
            raise DataError(
                f"Got the split line {' '.join(columns)!r}, expected 'RGB DEPTH [FOCAL]' or "
                "'DAY/DRIVE FRAME l|r'."
            )
    if without_truth:
        logger.info("%d frames have no ground truth and are left out", without_truth)
    return frames


def _annotated(root: Path, split: str) -> list[Frame]:
    """Every annotated frame of the official layout whose picture is there too."""
    frames = []
    annotated = root / "data_depth_annotated" / split
    for depth in sorted(annotated.glob("*/proj_depth/groundtruth/*/*.png")):
        drive, picture = depth.parts[-5], depth.parts[-2]
        rgb = f"{drive[:10]}/{drive}/{picture}/data/{depth.name}"
        path = _first(root, _RAW_FOLDERS, rgb)
        if path is not None:
            frames.append(_build(path, depth, rgb))
    return frames


def _frame(root: Path, rgb: str, depth: str) -> Frame | None:
    """The frame of two relative paths; None where the ground truth is missing."""
    rgb_path = _first(root, _RAW_FOLDERS, rgb)
    if rgb_path is None:
        raise DataError(
            f"The picture {rgb} of the split file is not under {root} or its raw folder; "
            "unpack that raw recording there."
        )
    depth_path = _first(root, _DEPTH_FOLDERS, depth)
    return None if depth_path is None else _build(rgb_path, depth_path, rgb)


def _build(rgb_path: Path, depth_path: Path, rgb: str) -> Frame:
    name = str(Path(rgb).with_suffix(""))
    day = next((part[:10] for part in Path(rgb).parts if part[:10] in CAMERAS), None)
    camera = _calibration(rgb_path) or CAMERAS.get(day or "")
    if camera is None:
        raise DataError(
            f"{rgb} belongs to no known recording day and has no calib_cam_to_cam.txt; put the "
            "calibration file into the folder of its recording day."
        )
    return Frame(rgb_path, depth_path, name, DEPTH_SCALE, camera, kind="annotated")


def _calibration(rgb_path: Path) -> Camera | None:
    """P_rect of the picture's camera from DAY/calib_cam_to_cam.txt; None without that file."""
    # DAY/DRIVE/image_02/data/STEM.png: the recording day is four folders up.
    file = rgb_path.parents[3] / "calib_cam_to_cam.txt"
    if not file.is_file():
        return None
    key = f"P_rect_{rgb_path.parts[-3].removeprefix('image_')}:"
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            p = [float(number) for number in line[len(key) :].split()]
            if len(p) == 12:
                return p[0], p[5], p[2], p[6]
    raise DataError(f"{file} has no line {key} with 12 numbers; fetch the calibration file again.")


def _first(root: Path, folders: Sequence[str], relative: str) -> Path | None:
    """The file under the first folder that has it, as written or as the other picture type."""
    other = {".png": ".jpg", ".jpg": ".png"}.get(Path(relative).suffix, "")
    for folder in folders:
        path = root / folder / relative
        for candidate in (path, path.with_suffix(other) if other else path):
            if candidate.is_file():
                return candidate
    return None
