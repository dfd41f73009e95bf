"""Input, ground truth and output in one row: NYU, and KITTI by kind of scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import cache, controls
from app.explorer.display import fragment, numbers
from app.explorer.figure_view import figures
from app.explorer.figures.compare import Comparison, compare, metric_numbers, row_of
from app.explorer.memory import HOUR
from app.explorer.page_head import heading
from app.explorer.session_view import SessionView, digest_of, run_page
from core.data import DATA_VARIABLE, data_root, open_dataset
from core.data.kitti import KINDS, KittiDataset, drive_of, kind_of
from core.data.sample import Sample
from core.errors import DataError
from core.evaluate.metrics import mean_metrics
from core.evaluate.protocol import KITTI, NYU, Protocol
from core.images.decode import Photo
from core.weights.choice_table import AUTO

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


def look_at(view: SessionView, entry: Entry, protocol: Protocol) -> tuple[SessionView, Sample]:
    """A frame of a data set as a session view, by the side bar's model and with its own camera."""
    sample = protocol.prepare(entry.dataset[entry.index])
    rgb = np.ascontiguousarray(sample.rgb)
    height, width = rgb.shape[:2]
    photo = Photo(rgb, None, None, "array", digest_of(rgb.data), sample.name, (width, height))
    asked = AUTO if view.choice is not None else view.info.name
    info, choice = cache.model_for(asked, photo)
    camera = (sample.fx, sample.fy, sample.cx, sample.cy)
    request = replace(view.request, model=info.name, fov=None, intrinsics=camera, known=())
    prediction = cache.predicted(photo, info, request)
    return SessionView(view.lang, photo, prediction, info, request, choice), sample


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


ROWS = 3


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "datasets")
    sets = installed(str(data_root().resolve()))
    if not sets:
        st.info(t("datasets.none", lang, variable=DATA_VARIABLE), icon=":material/folder_open:")
        return
    names = {
        key: t(f"datasets.{key}", lang, count=len(found.entries)) for key, found in sets.items()
    }
    chosen = sets[controls.choice("set", t("datasets.set", lang), names)]
    pages = chosen.pages(ROWS)
    page = 1
    if pages > 1:
        label = t("datasets.page", lang, pages=pages)
        page = int(controls.slider("frames", label, 1, pages, 1, step=1, pattern="%.0f"))
    st.caption(t("datasets.protocol", lang, name=chosen.protocol.name))
    rows = []
    for place, entry in enumerate(chosen.spread(min(page, pages) - 1, ROWS)):
        with st.spinner(t("explorer.working", lang)):
            seen, sample = look_at(view, entry, chosen.protocol)
            found = compare(seen, sample.depth, chosen.protocol, align=False)
        _row(seen, found, entry, place)
        rows.append((seen, found, entry))
    _table(lang, rows)


def _row(view: SessionView, found: Comparison, entry: Entry, place: int) -> None:
    lang = view.lang
    st.markdown(f"**{view.photo.name}**")
    figures(lang, f"frame-{place}", row_of(view, found), columns=3, photo=view.photo.sha256)
    words = [t(f"datasets.{entry.split}", lang), view.info.name]
    if entry.measured:
        words.insert(1, t("datasets.measured", lang, how=entry.measured))
    st.caption(" · ".join(words))


def _table(lang: str, rows: list[tuple[SessionView, Comparison, Entry]]) -> None:
    """The frames' figures, and their mean over these frames alone."""
    mean = mean_metrics([found.metrics for _, found, _ in rows])
    numbers(metric_numbers(lang, mean, "abs_rel", "rmse", "delta1"))
    st.table(
        {
            t("datasets.frame", lang): [view.photo.name for view, _, _ in rows],
            t("explorer.model", lang): [view.info.name for view, _, _ in rows],
            "AbsRel": [f"{found.metrics.abs_rel:.3f}" for _, found, _ in rows],
            "RMSE (m)": [f"{found.metrics.rmse:.3f}" for _, found, _ in rows],
            "δ < 1.25": [f"{found.metrics.delta1:.3f}" for _, found, _ in rows],
            t("datasets.counted", lang): [f"{np.sum(found.valid):,}" for _, found, _ in rows],
        }
    )
    st.caption(t("datasets.mean_note", lang, count=len(rows)))


if __name__ == "__main__":
    run_page(__file__)
