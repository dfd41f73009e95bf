"""Datasets: sequences of `Sample` (picture, measured depth, camera) read lazily from disk."""

from core.data.catalog import data_root, open_dataset
from core.data.folder import FolderConfig, FolderDataset, load_folder_config
from core.data.kitti import KittiDataset
from core.data.nyu import NyuDataset
from core.data.sample import Frame, FrameDataset, Sample

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
