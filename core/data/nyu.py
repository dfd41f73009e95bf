"""NYU Depth V2 in the three layouts people have on disk.

1. Folders: `ROOT/{train,val}/{rgb,depth}/STEM.{jpg,png}` with 16-bit depth in millimetres.
2. The official labelled set: `nyu_depth_v2_labeled.mat` (HDF5) beside `splits.mat`.
3. The synchronised raw set with a split file of `rgb depth [focal]` lines
   (`nyudepthv2_train_files_with_gt.txt`: `/kitchen_0028b/rgb_00045.jpg
   /kitchen_0028b/sync_depth_00045.png 518.8579`).

Source: N. Silberman et al., "Indoor Segmentation and Support Inference from RGBD Images",
ECCV 2012; the camera is the one of the data set's own toolbox (`camera_params.m`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from core.data.sample import Frame, FrameDataset, Sample, read_split_lines, read_text
from core.errors import DataError

CAMERA = (518.858, 519.470, 325.582, 253.736)
"""fx, fy, cx, cy of the Kinect's colour camera, in pixels of the 640x480 picture."""

DEPTH_SCALE = 1000.0
"""Stored units per metre in the PNG layouts: millimetres."""

MAT_NAME = "nyu_depth_v2_labeled.mat"
_SPLIT_KEYS = {"train": "trainNdxs", "val": "testNdxs", "test": "testNdxs"}
_LIST_FOLDERS = (".", "sync", "nyu2_train", "official_splits/test", "nyu2_test")
_EMPTY_COLUMN = "None"  # BTS-style lists write None where a frame has no ground truth


class NyuDataset(Sequence[Sample]):
    """NYU Depth V2 frames, read lazily; `dataset[i]` is a 640x480 `Sample`."""

    def __init__(
        self, root: str | Path, split: str = "train", split_file: str | Path | None = None
    ) -> None:
        """Finds out the layout of `root` and lists its frames.

        Args:
            root: folder of one of the three layouts, or the `.mat` file itself.
            split: "train", "val" or "test"; "val" and "test" are the same official test set where
                a layout has only one of them.
            split_file: text file of `rgb depth [focal]` lines relative to `root` (the synchronised
                layout), of one stem per line (the folder layout), or of one 0-based index per line
                (the `.mat` layout). Needed for the synchronised layout.

        Raises:
            DataError: the layout is not recognised, or a needed file or package is missing.
        """
        if split not in _SPLIT_KEYS:
            raise DataError(f"Got split {split!r} of NYU, expected one of {sorted(_SPLIT_KEYS)}.")
        lines = None if split_file is None else read_split_lines(Path(split_file))
        self._samples = _open_layout(Path(root), split, lines)

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        return self._samples[index]


def _open_layout(root: Path, split: str, lines: list[list[str]] | None) -> Sequence[Sample]:
    if root.suffix == ".mat":
        return _MatDataset(root, _mat_indices(root, split, lines))
    if lines is not None and len(lines[0]) >= 2:
        return _listed_frames(root, lines)
    folder = _split_folder(root, split)
    if folder is not None:
        return _folder_frames(folder, lines)
    if (root / MAT_NAME).is_file():
        return _MatDataset(root / MAT_NAME, _mat_indices(root / MAT_NAME, split, lines))
    raise DataError(
        f"{root} holds neither {split}/rgb and {split}/depth nor {MAT_NAME}; give the folder that "
        "holds one of them, or the root of the synchronised set together with its split file."
    )


def _split_folder(root: Path, split: str) -> Path | None:
    names = (split,) if split == "train" else (split, *({"val", "test"} - {split}))
    return next((root / name for name in names if (root / name / "rgb").is_dir()), None)


def _folder_frames(folder: Path, lines: list[list[str]] | None) -> FrameDataset:
    pictures = {path.stem: path for path in sorted((folder / "rgb").iterdir())}
    wanted = sorted(pictures) if lines is None else [columns[0] for columns in lines]
    unknown = [stem for stem in wanted if stem not in pictures]
    if unknown or not wanted:
        raise DataError(
            f"{folder / 'rgb'} holds no picture {', '.join(unknown[:3]) or 'at all'}; expected one "
            "per frame of the split; check the split file and the folder."
        )
    return FrameDataset(
        [Frame(pictures[s], folder / "depth" / f"{s}.png", s, DEPTH_SCALE, CAMERA) for s in wanted]
    )


def _listed_frames(root: Path, lines: list[list[str]]) -> FrameDataset:
    first = lines[0][0].lstrip("/")
    base = next((root / name for name in _LIST_FOLDERS if (root / name / first).is_file()), None)
    if base is None:
        raise DataError(
            f"The first picture {first} of the split file is not in {root}; give the folder that "
            "its paths start from."
        )
    frames = []
    for columns in lines:
        if len(columns) < 2:
            raise DataError(
                f"Got the split line {' '.join(columns)!r}, expected 'rgb depth [focal]'; "
                "use one of the usual NYU lists."
            )
        if columns[1] == _EMPTY_COLUMN:
            continue
        # These lists begin their paths with a slash although they are relative to the root.
        rgb, depth = (column.lstrip("/") for column in columns[:2])
        frames.append(Frame(base / rgb, base / depth, rgb, DEPTH_SCALE, CAMERA))
    return FrameDataset(frames)


class _MatDataset(Sequence[Sample]):
    """Frames of the labelled set's HDF5 file.

    MATLAB stores column-major, so the file holds images as (n, 3, W, H) and depths as (n, W, H).
    The file is opened for each frame: an open handle survives neither fork nor pickling.
    """

    def __init__(self, path: Path, indices: Sequence[int]) -> None:
        if not path.is_file():
            raise DataError(f"{path} does not exist; give the folder that holds {MAT_NAME}.")
        with _open_hdf5(path) as file:
            missing = [key for key in ("images", "depths") if key not in file]
            if missing:
                raise DataError(
                    f"{path} has no array {' or '.join(missing)}; expected the official {MAT_NAME}."
                )
            count = int(file["images"].shape[0])
        outside = [index for index in indices if not 0 <= index < count]
        if outside:
            raise DataError(
                f"The split names frame {outside[0]}, but {path} holds frames 0 to {count - 1}; "
                "use the split that belongs to this file."
            )
        self._path = path
        self._indices = tuple(indices)

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> _MatDataset: ...
    def __getitem__(self, index: int | slice) -> Sample | _MatDataset:
        if isinstance(index, slice):
            return _MatDataset(self._path, self._indices[index])
        frame = self._indices[index]
        with _open_hdf5(self._path) as file:
            rgb = np.ascontiguousarray(np.asarray(file["images"][frame]).transpose(2, 1, 0))
            depth = np.ascontiguousarray(np.asarray(file["depths"][frame], np.float32).T)
        return Sample(rgb, depth, *CAMERA, name=f"{frame:05d}")


def _mat_indices(path: Path, split: str, lines: list[list[str]] | None) -> list[int]:
    """The 0-based frame numbers of a split, from the split file, `splits.mat` or `split.json`."""
    if lines is not None:
        try:
            return [int(columns[0]) for columns in lines]
        except ValueError as error:
            raise DataError(
                f"The split file of {path.name} must list 0-based frame numbers ({error})."
            ) from error
    folder = path.parent
    if (folder / "splits.mat").is_file():
        return _matlab_split(folder / "splits.mat", _SPLIT_KEYS[split])
    if (folder / "split.json").is_file():
        listed = json.loads(read_text(folder / "split.json"))
        key = split if split in listed else {"val": "test", "test": "val"}.get(split, split)
        if key in listed:
            return [int(index) for index in listed[key]]
    raise DataError(
        f"{folder} holds neither splits.mat nor a split.json with the split {split!r}; put the "
        "official splits.mat beside the labelled set, or give a split file."
    )


def _matlab_split(path: Path, key: str) -> list[int]:
    """Reads the 1-based frame numbers of `splits.mat` (MATLAB 5 or HDF5) as 0-based ones."""
    from scipy.io import loadmat

    try:
        numbers = loadmat(str(path))[key]
    except NotImplementedError:  # what SciPy raises for a MATLAB 7.3 (HDF5) file
        with _open_hdf5(path) as file:
            numbers = np.asarray(file[key])
    except (KeyError, ValueError, OSError) as error:
        raise DataError(
            f"{path} has no readable {key} ({error}); expected the official splits.mat."
        ) from error
    return [int(number) - 1 for number in np.asarray(numbers).ravel()]


def _open_hdf5(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(
            f"{path} cannot be read as HDF5 ({error}); expected the official {MAT_NAME}."
        ) from error
