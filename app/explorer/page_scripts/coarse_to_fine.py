"""Idea 5: the depth is a sum that is refined from 1/16 to the full size."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import named, numbers, truth_note
from app.explorer.figure_view import Figure, figures, mapped, maps_message, pictured
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
from app.explorer.plots.charts import ERROR, Bar, bar_of, signed_bar
from app.explorer.plots.maps import LevelSum
from app.explorer.session_view import NAMES, STRIDES, SessionView, run_page

_STEP = "play step"
_SECONDS = 0.8
_ERROR_PERCENT = 50.0  # where the bar of the error ends
SUMS = (-4.0, 5.0)  # between which the sum lies: R5 from 0 to 1, R4 to R1 from -1 to 1
_GAINS = tuple(f"g{stride}" for stride in STRIDES)
Sheet = Callable[[bool], tuple[list[list[Figure]], bytes]]
"""What the levels show, one row of figures for each, and the canvas's message of them all; given
whether they share a scale."""


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
    # Made once for all moves of the level slider: the canvas has every level.
    sheet = functools.cache(lambda same: _sheet(view, steps, gains, same=same))
    with viewer:
        if st.button(t("coarse_to_fine.play", lang), icon=":material/play_arrow:", key="play"):
            st.session_state[_STEP] = 0
        playing = _STEP in st.session_state
        st.fragment(_viewer, run_every=_SECONDS if playing else None)(
            view, steps, sheet, found, spent
        )
    _strips(view, steps)


def _gains(lang: str) -> tuple[float, ...]:
    """One slider per level; 1 is the network's own sum."""
    with st.expander(t("coarse_to_fine.gains", lang), icon=":material/tune:", expanded=True):
        st.caption(t("coarse_to_fine.gains_hint", lang))
        if st.button(t("coarse_to_fine.reset", lang), key="reset_gains"):
            for key in _GAINS:
                controls.put(key, 1.0)
        places = st.columns(len(NAMES))
        gains = []
        for index, (place, key) in enumerate(zip(places, _GAINS, strict=True)):
            with place:
                label = level_label(lang, index)
                gains.append(controls.slider(key, label, 0.0, 2.0, 1.0, step=0.1))
        return tuple(gains)


def _viewer(
    view: SessionView, steps: Steps, sheet: Sheet, found: list[Worth], spent: float
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
    values = {
        "resolution": f"{width} x {height}",
        "range": f"{depth.min():.2f} - {depth.max():.2f} {view.unit}".rstrip(),
        "changed": f"{np.abs(change).mean():.3f} {view.unit}".rstrip(),
        "time": f"{spent:.1f} ms",
    }
    numbers(named(lang, "coarse_to_fine", **values))
    rows, ready = sheet(same)
    figures(lang, "level", rows[level], columns=len(rows[level]), ready=ready)
    _worth(view, found, level)
    if finished:
        st.rerun()


def _sheet(
    view: SessionView, steps: Steps, gains: tuple[float, ...], *, same: bool
) -> tuple[list[list[Figure]], bytes]:
    rows = [_row(view, steps, level, same=same) for level in range(len(STRIDES))]
    shapes = [depth.shape for depth in steps.depths]
    truth = [depth for shape in shapes if (depth := view.truth_at(*shape)) is not None]
    residuals = [each[0, 0] for each in view.prediction.working.residuals]
    level = STRIDES.index(st.session_state["k"])
    sliders = ("k", _GAINS)
    total = LevelSum(residuals, truth, NAMES, gains, view.scale, view.unit, level, sliders)
    sheet = {"columns": len(rows[0]), "name": "level", "photo": view.photo.sha256}
    return rows, maps_message(view.lang, *rows, total=total, **sheet)


def _row(view: SessionView, steps: Steps, level: int, *, same: bool) -> list[Figure]:
    """The photo, the depth after a level, what the level changed, and the error after it."""
    lang, depth, change = view.lang, steps.depths[level], steps.changes[level]
    final = bar_of(steps.depths if same else depth, view.unit, colours=view.colours)
    name, label = NAMES[level], level_label(lang, level)
    after, by = (t(f"coarse_to_fine.{k}", lang, name=label) for k in ("depth_after", "change_of"))
    alts = [t(f"coarse_to_fine.{word}_alt", lang, name=label) for word in ("depth", "change")]
    bar = signed_bar(change, view.unit)
    shown = [
        pictured(view, "photo", t("start.photo", lang), view.screen),
        mapped(
            view, f"depth-after-{name}", after, depth, final,
            alt=alts[0], part="depth", depth_m=depth,
        ),
        mapped(
            view, f"changed-by-{name}", by, change, bar,
            alt=alts[1], part="change", change_m=change,
        ),
    ]  # fmt: skip
    truth = view.truth_at(*depth.shape)
    if truth is not None:
        off = np.where(truth > 0, 100 * np.abs(depth - truth) / np.maximum(truth, 1e-6), np.nan)
        bar = Bar(0.0, _ERROR_PERCENT, "%", ERROR, 1)  # the same at every level
        name, title = f"error-after-{name}", t("compare.relative", lang)
        shown.append(mapped(view, name, title, off, bar, part="error", error_percent=off))
    return shown


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
        shown = Figure(
            "worth", worth_figure(tuple(found), level, lang), t("worth.alt", lang), values
        )
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


if __name__ == "__main__":
    run_page(__file__)
