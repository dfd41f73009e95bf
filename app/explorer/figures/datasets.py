"""Frames with measured depth in the data folder: NYU, and KITTI by kind of scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.explorer import cache
from app.explorer.memory import HOUR, kept
from app.explorer.session_view import Look, digest_of
from core.camera import Intrinsics
from core.data import data_root, open_dataset
from core.data.kitti import KINDS, KittiDataset, drive_of, kind_of
from core.data.sample import Sample
from core.errors import DataError
from core.evaluate.protocol import KITTI, NYU, Protocol
from core.images.decode import Photo
from core.prediction import Prediction
from core.weights.choice import AUTO

SPLITS = ("val", "train")
_KITTI_FOLDERS = ("kitti", "driving")


@dataclass(frozen=True, eq=False)
class Entry:
    """One frame, read when it is looked at.

    Attributes:
        dataset, index: where it is.
        split: "val" or "train".
        measured: how its depth was measured, "" where the data set does not say.
    """

    dataset: Sequence[Sample]
    index: int
    split: str
    measured: str = ""


@dataclass(frozen=True, eq=False)
class MeasuredSet:
    """Frames that are scored alike, of the test split wherever that has some."""

    protocol: Protocol
    entries: tuple[Entry, ...]

    def spread(self, page: int, count: int) -> list[Entry]:
        """`count` frames from all over the set; all pages together show every frame once."""
        return list(self.entries[page :: self.pages(count)])

    def pages(self, count: int) -> int:
        """How many pages of `count` frames there are."""
        return -(-len(self.entries) // count)


@st.cache_resource(max_entries=2, ttl=HOUR, show_spinner=False)
def installed(root: str) -> dict[str, MeasuredSet]:  # noqa: ARG001  (a key of the cache)
    """The sets that the data folder holds: "nyu", "city", "residential", "road", "other"."""
    nyu = [
        Entry(frames, index, split)
        for split in SPLITS
        for frames in _opened("nyu", "nyu", split)
        for index in range(len(frames))
    ]
    sets = {"nyu": (NYU, nyu)}
    driving: dict[str, list[Entry]] = {kind: [] for kind in (*KINDS, "other")}
    for folder in _KITTI_FOLDERS:
        for split in SPLITS:
            for frames in _opened("kitti", folder, split):
                for entry, name in _kitti(frames, split):
                    driving[kind_of(name) or "other"].append(entry)
    sets |= {kind: (KITTI, entries) for kind, entries in driving.items()}
    return {
        key: MeasuredSet(protocol, _unseen(entries))
        for key, (protocol, entries) in sets.items()
        if entries
    }


def look_at(look: Look, entry: Entry, protocol: Protocol) -> tuple[Look, Sample]:
    """A frame as the pages look at a photo, by the side bar's model and with its own camera.

    Raises:
        DataError: its files cannot be read, or it does not fit the protocol.
        CheckpointError: the model is gone.
    """
    sample = protocol.prepare(entry.dataset[entry.index])
    rgb = np.ascontiguousarray(sample.rgb)
    height, width = rgb.shape[:2]
    photo = Photo(rgb, None, None, "array", digest_of(rgb.data), sample.name, (width, height))
    asked = AUTO if look.choice is not None else look.info.name
    info, choice = cache.model_for(asked, photo)
    resolution, flip, _ = look.settings
    camera = (sample.fx, sample.fy, sample.cx, sample.cy)
    key = f"{photo.sha256}-{info.sha256}-{camera}-{resolution}-{flip}"
    prediction = _predicted(key, info.name, resolution, flip, camera, photo)
    settings = (resolution, flip, None)
    return Look(look.lang, photo, prediction, info, settings, look.colours, choice), sample


@kept
def _predicted(
    key: str,  # noqa: ARG001  (a key of the cache)
    _model: str,
    _resolution: int | None,
    _flip: bool,
    _camera: tuple[float, float, float, float],
    _photo: Photo,
) -> Prediction:
    """A frame's depth; its camera is known, so the field of view is not asked for."""
    return cache.studio().predictor(_model)(
        _photo, resolution=_resolution, flip=_flip, intrinsics=Intrinsics(*_camera, "given")
    )


def _unseen(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The frames that no model was trained on, all of them where there is no other."""
    return tuple([entry for entry in entries if entry.split == SPLITS[0]] or entries)


def _opened(name: str, folder: str, split: str) -> list[Sequence[Sample]]:
    """The data set in a list, or an empty list where there is none."""
    if not (data_root() / folder).is_dir():
        return []
    try:
        return [open_dataset(name, folder, split)]
    except DataError:
        return []


def _kitti(frames: Sequence[Sample], split: str) -> list[tuple[Entry, str]]:
    """KITTI's frames with their names; an index may list other cars' recordings as well."""
    if not isinstance(frames, KittiDataset):
        return []
    return [
        (Entry(frames, index, split, frame.kind), frame.name)
        for index, frame in enumerate(frames.frames)
        if "kitti" in frame.name or drive_of(frame.name) is not None
    ]
