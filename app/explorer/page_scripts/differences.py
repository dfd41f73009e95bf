"""Idea 2: the photo's Laplacian bands beside the residuals of the depth."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, named, numbers, truth_note
from app.explorer.figure_view import Figure, figures, mapped
from app.explorer.figures.pyramids import bands_row, borders, energy, enlarged, residuals_row, rms
from app.explorer.page_head import heading
from app.explorer.plots.charts import MASK, bars_figure
from app.explorer.session_view import SessionView, run_page
from core.model import laplacian_pyramid, reconstruct

STEEPEST = 0.05  # share of the pixels that count as steps where nobody chooses


def border_figures(view: SessionView, steepest: float = STEEPEST) -> list[Figure]:
    """Where borders are, residuals there and elsewhere, and the errors where truth is known.

    Args:
        steepest: share of the pixels, those with the largest relative step of depth.
    """
    depth = view.prediction.levels[-1].depth
    near = borders(depth, steepest)
    shown = [_border_map(view, near), _border_energy(view, near)]
    truth = view.truth_at(*depth.shape)
    if truth is not None:
        shown.append(_border_error(view, near, truth))
    return shown


def _border_map(view: SessionView, near: np.ndarray) -> Figure:
    title = t("differences.border_map", view.lang, percent=100 * float(near.mean()))
    mask = np.where(near, 0.25, np.nan)
    alt = t("differences.border_alt", view.lang)
    return mapped(view, "borders", title, mask, MASK, alt=alt, over=True, near=near)


def _border_energy(view: SessionView, near: np.ndarray) -> Figure:
    lang = view.lang
    labels, at_border, inside = [], [], []
    for level in view.prediction.levels[1:]:
        there = enlarged(near.astype(np.float32), *level.residual.shape) > 0.5
        labels.append(f"1/{level.stride}")
        at_border.append(rms(level.residual, there))
        inside.append(rms(level.residual, ~there))
    title = t("differences.border_energy", lang)
    figure = bars_figure(
        {t("differences.near", lang): at_border, t("differences.inside", lang): inside},
        labels,
        x=t("differences.scale", lang),
        y="RMS (m)",
        title=title,
    )
    data = {"near_border": np.array(at_border), "interior": np.array(inside)}
    return Figure("border-energy", figure, title, data)


def _border_error(view: SessionView, near: np.ndarray, truth: np.ndarray) -> Figure:
    lang, valid = view.lang, truth > 0
    depth = view.prediction.levels[-1].depth
    relative = np.abs(depth - truth) / np.where(valid, truth, 1)
    pairs = []
    for where in (near & valid, ~near & valid):
        pairs.append(100 * float(relative[where].mean()) if where.any() else np.nan)
    title = t("differences.border_error", lang)
    labels = [t("differences.near", lang), t("differences.inside", lang)]
    figure = bars_figure({title: pairs}, labels, x="", y="AbsRel (%)", title=title)
    return Figure("border-error", figure, title, {"abs_rel_percent": np.array(pairs)})


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "differences")
    _pyramids(view)
    _exactness(view)
    st.subheader(t("differences.energy", lang))
    figures(lang, "energy", energy(view), columns=2)
    st.caption(t("differences.energy_note", lang))
    _borders(view)


@fragment
def _pyramids(view: SessionView) -> None:
    lang = view.lang
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        kinds = {name: t(f"differences.{name}", lang) for name in ("signed", "colour")}
        kind = controls.choice("bands", t("differences.bands_as", lang), kinds, buttons=True)
    with right:
        same = controls.toggle(
            "same", t("differences.same", lang), True, hint=t("differences.same_hint", lang)
        )
    st.markdown(f"**{t('differences.bands_row', lang)}**")
    figures(lang, "bands", bands_row(view, colour=kind == "colour", same=same), columns=5)
    if kind == "signed":
        st.caption(t("differences.bands_note", lang))
    st.markdown(f"**{t('differences.residuals_row', lang)}**")
    figures(lang, "residuals", residuals_row(view, same=same), columns=5)
    st.caption(t("differences.residuals_note", lang))


def _exactness(view: SessionView) -> None:
    """The sum of all bands is the photo, up to the rounding of float32."""
    lang, image = view.lang, view.image
    st.subheader(t("differences.exact", lang))
    error = float((reconstruct(laplacian_pyramid(image)) - image).abs().max())
    span = float(image.max() - image.min())
    numbers(named(lang, "differences", largest_error=f"{error:.1e}"))
    st.caption(t("differences.exact_note", lang, error=error, span=span))


@fragment
def _borders(view: SessionView) -> None:
    """Where the residuals, and the errors, are large: near borders of objects."""
    lang = view.lang
    st.subheader(t("differences.borders", lang))
    st.markdown(t("differences.borders_note", lang))
    steepest = controls.percent("steep", t("differences.steepest", lang), 5, low=1, high=20)
    shown = border_figures(view, steepest / 100)
    figures(lang, "borders", shown, columns=2)
    for figure in shown:
        if figure.name == "border-error":
            near, inside = map(float, figure.data["abs_rel_percent"])
            st.markdown(t("differences.measured_borders", lang, near=near, inside=inside))
    truth_note(view)


if __name__ == "__main__":
    run_page(__file__)
