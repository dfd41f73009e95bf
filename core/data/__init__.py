"""Datasets: sequences of `Sample` (picture, measured depth, camera) read lazily from disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.data.folder import FolderConfig, FolderDataset, load_folder_config
from core.data.kitti import KittiDataset
from core.data.nyu import NyuDataset
from core.data.sample import Frame, FrameDataset, Sample
from core.errors import ConfigError

__all__ = [
    "FolderConfig",
    "FolderDataset",
    "Frame",
    "FrameDataset",
    "KittiDataset",
    "NyuDataset",
    "Sample",
    "data_root",
    "load_folder_config",
    "open_dataset",
]

DATA_VARIABLE = "LAPDEPTH_DATA"
DEFAULT_DATA = Path("../shared/data")


def data_root() -> Path:
    """The folder that relative dataset roots start from."""
    return Path(os.environ.get(DATA_VARIABLE) or DEFAULT_DATA)


def open_dataset(name: str, root: str | Path, split: str) -> Sequence[Sample]:
    """Opens a dataset.

    Args:
        name: "nyu", "kitti" or "folder" (an RGB-D folder with a config file, see
            `core.data.folder`, which has no splits).
        root: its folder, absolute or below `data_root()`.
        split: "train" or "val".

    Raises:
        ConfigError: an unknown name.
        DataError: a folder without the dataset's layout.
    """
    folder = data_root() / root
    if name == "nyu":
        return NyuDataset(folder, split)
    if name == "kitti":
        return KittiDataset(folder, split)
    if name == "folder":
        return FolderDataset(folder)
    raise ConfigError(f"There is no dataset {name!r}; expected nyu, kitti or folder.")
