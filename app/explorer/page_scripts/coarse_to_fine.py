"""Idea 5: the depth is a sum that is refined from 1/16 to the full size."""

from __future__ import annotations

import importlib
import time

import numpy as np
import streamlit as st

from app.common.text import t
from app.explorer import controls
from app.explorer.display import numbers, truth_note
from app.explorer.figure_view import Figure, figures, mapped, pictured
from app.explorer.figures.pyramids import (
    Steps,
    changes_row,
    depths_row,
    level_label,
    rebuild,
    residuals_row,
)
from app.explorer.figures.worth import (
    Worth,
    change,
    in_photo,
    measured,
    source,
    verdict,
    worth_figure,
)
from app.explorer.page_head import heading
from app.explorer.plots.bars import ERROR, Bar, bar_of, signed_bar
from app.explorer.plots.maps import PixelSum
from app.explorer.session_view import NAMES, STRIDES, SessionView, current

_STEP = "play step"
_SECONDS = 0.8
_ERROR_PERCENT = 50.0  # where the bar of the error ends
SUMS = (-4.0, 5.0)  # between which the sum lies: R5 from 0 to 1, R4 to R1 from -1 to 1


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "coarse_to_fine")
    supervised = "supervised" if view.info.supervised_levels else "unsupervised"
    near, far, low, high = (view.scale / (1 + np.exp(-edge)) for edge in (0.0, 1.0, *SUMS))
    words = t(f"explorer.{supervised}", lang, near=near, far=far, low=low, high=high)
    st.info(words, icon=":material/info:")
    viewer = st.container()  # drawn above the gains that it depends on
    gains = _gains(lang)
    started = time.perf_counter()
    steps = rebuild(view.prediction.working.residuals, view.scale, gains)
    spent = (time.perf_counter() - started) * 1000
    found = _found(view, steps)
    with viewer:
        if st.button(t("coarse_to_fine.play", lang), icon=":material/play_arrow:", key="play"):
            st.session_state[_STEP] = 0
        playing = _STEP in st.session_state
        st.fragment(_viewer, run_every=_SECONDS if playing else None)(
            view, steps, gains, found, spent
        )
    _strips(view, steps)


def _gains(lang: str) -> tuple[float, ...]:
    """One slider per level; 1 is the network's own sum."""
    with st.expander(t("coarse_to_fine.gains", lang), icon=":material/tune:", expanded=True):
        st.caption(t("coarse_to_fine.gains_hint", lang))
        if st.button(t("coarse_to_fine.reset", lang), key="reset_gains"):
            for stride in STRIDES:
                controls.put(f"g{stride}", 1.0)
        places = st.columns(len(NAMES))
        gains = []
        for place, name, stride in zip(places, NAMES, STRIDES, strict=True):
            with place:
                label = t("explorer.level_name", lang, name=name, stride=stride)
                gains.append(controls.slider(f"g{stride}", label, 0.0, 2.0, 1.0, step=0.1))
        return tuple(gains)


def _viewer(
    view: SessionView, steps: Steps, gains: tuple[float, ...], found: list[Worth], spent: float
) -> None:
    """One level at a time; alone runs again when the slider moves or the film plays."""
    lang = view.lang
    finished = _advance()
    names = {stride: level_label(lang, index) for index, stride in enumerate(STRIDES)}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with right:
        same = controls.toggle(
            "same", t("differences.same", lang), True, hint=t("differences.same_hint", lang)
        )
    with left:
        label = t("coarse_to_fine.level", lang)
        level = STRIDES.index(controls.steps("k", label, STRIDES, names, default=1))
    depth, change = steps.depths[level], steps.changes[level]
    height, width = depth.shape
    numbers(
        [
            (t("coarse_to_fine.resolution", lang), f"{width} x {height}", None),
            (
                t("coarse_to_fine.range", lang),
                f"{depth.min():.2f} - {depth.max():.2f} {view.unit}".rstrip(),
                t("coarse_to_fine.range_hint", lang),
            ),
            (
                t("coarse_to_fine.changed", lang),
                f"{np.abs(change).mean():.3f} {view.unit}".rstrip(),
                None,
            ),
            (
                t("coarse_to_fine.time", lang),
                f"{spent:.1f} ms",
                t("coarse_to_fine.time_hint", lang),
            ),
        ]
    )
    final = bar_of(steps.depths if same else depth, view.unit, colours=view.colours)
    name = names[STRIDES[level]]
    photo, after, by = (
        t(f"{key}", lang, name=name)
        for key in ("start.photo", "coarse_to_fine.depth_after", "coarse_to_fine.change_of")
    )
    alts = [t(f"coarse_to_fine.{word}_alt", lang, name=name) for word in ("depth", "change")]
    name, bar = NAMES[level], signed_bar(change, view.unit)
    shown = [
        pictured(view, "photo", photo, view.screen),
        mapped(view, f"depth-after-{name}", after, depth, final, alt=alts[0], depth_m=depth),
        mapped(view, f"changed-by-{name}", by, change, bar, alt=alts[1], change_m=change),
    ]
    truth = view.truth_at(*depth.shape)
    if truth is not None:
        off = np.where(truth > 0, 100 * np.abs(depth - truth) / np.maximum(truth, 1e-6), np.nan)
        bar = Bar(0.0, _ERROR_PERCENT, "%", ERROR, 1)  # the same at every level
        title = t("compare.relative", lang)
        shown.append(mapped(view, f"error-after-{name}", title, off, bar, error_percent=off))
    residuals = [each[0, 0] for each in view.prediction.working.residuals[: level + 1]]
    total = PixelSum(residuals, NAMES, gains, view.scale, view.unit)
    figures(lang, "level", shown, columns=len(shown), total=total)
    _worth(view, found, level)
    if finished:
        st.rerun()


def _advance() -> bool:
    """Moves the film on by one level; True after its last picture."""
    step = st.session_state.get(_STEP)
    if step is None:
        return False
    controls.put("k", STRIDES[step])
    if step + 1 < len(STRIDES):
        st.session_state[_STEP] = step + 1
        return False
    del st.session_state[_STEP]
    return True


def _strips(view: SessionView, steps: Steps) -> None:
    """All levels side by side, the same colours along each row."""
    lang = view.lang
    st.subheader(t("coarse_to_fine.all", lang))
    st.caption(t("coarse_to_fine.all_hint", lang))
    for word, row in (
        ("residual", residuals_row(view)),
        ("depth", depths_row(view, steps)),
        ("change", changes_row(view, steps)),
    ):
        st.markdown(f"**{t(f'coarse_to_fine.{word}_row', lang)}**")
        figures(lang, f"{word}-levels", row, columns=5)


def _found(view: SessionView, steps: Steps) -> list[Worth]:
    """What the levels are worth over test frames and, where its depth is known, in this photo."""
    truth = view.truth_at(*steps.depths[-1].shape)
    live = None if truth is None else in_photo(steps.depths, truth)
    return [worth for worth in (measured(view.info), live) if worth is not None]


def _worth(view: SessionView, found: list[Worth], level: int) -> None:
    lang = view.lang
    st.markdown(f"**{t('worth.title', lang)}**", help=t("worth.hint", lang))
    if found:
        values = {
            f"{name}_{'test_frames' if worth.data else 'photo'}": np.array(each)
            for worth in found
            for name, each in (("abs_rel", worth.abs_rel), ("edge_f1", worth.edge_f1))
            if each
        }
        shown = Figure("worth", worth_figure(found, level, lang), t("worth.alt", lang), values)
        figures(lang, "worth", [shown])
    for worth in found:
        words = verdict(worth, level, lang)
        if level == len(NAMES) - 1:  # what the two finest give together
            words = f"{words} {t('worth.fine', lang)} {change(worth, level - 2, level, lang)}"
        name, value = f"**{source(worth, lang)}**", words
        st.markdown(t("explorer.pair", lang, name=name, value=value))
    if not found:
        st.caption(t("worth.unknown", lang))
    truth_note(view)


if __name__ == "__main__":  # run by Streamlit; the imported module keeps its caches
    importlib.import_module("app.explorer.page_scripts.coarse_to_fine").draw(current())
