"""Residuals and errors near the borders of objects, and away from them."""

from __future__ import annotations

import numpy as np

from app.explorer.computed.reconstruction import borders, enlarged, rms
from app.explorer.look import Look
from app.explorer.plots.bars import Bar
from app.explorer.plots.curves import bars_figure
from app.explorer.plots.maps import MEDIUM
from app.explorer.plots.over_photo import over_photo
from app.explorer.show import Shown
from app.text import t

STEEPEST = 0.05  # share of the pixels that count as steps where nobody chooses


def border_figures(look: Look, steepest: float = STEEPEST) -> list[Shown]:
    """Where borders are, residuals there and elsewhere, and the errors where truth is known.

    Args:
        look: the photo.
        steepest: share of the pixels, those with the largest relative step of depth.
    """
    depth = look.prediction.levels[-1].depth
    near = borders(depth, steepest)
    shown = [_border_map(look, near), _border_energy(look, near)]
    truth = look.truth_at(*depth.shape)
    if truth is not None:
        shown.append(_border_error(look, near, truth))
    return shown


def _border_map(look: Look, near: np.ndarray) -> Shown:
    title = t("differences.border_map", look.lang, percent=100 * float(near.mean()))
    bar = Bar(0.0, 1.0, "", "inferno", 0)
    mask = np.where(near, 0.25, np.nan)
    figure = over_photo(look.screen, mask, bar, size=look.size, title=title, longest=MEDIUM)
    figure.data[1].showscale = False
    return Shown("borders", figure, t("differences.border_alt", look.lang), {"near": near})


def _border_energy(look: Look, near: np.ndarray) -> Shown:
    lang = look.lang
    labels, at_border, inside = [], [], []
    for level in look.prediction.levels[1:]:
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
    return Shown("border-energy", figure, title, data)


def _border_error(look: Look, near: np.ndarray, truth: np.ndarray) -> Shown:
    lang, valid = look.lang, truth > 0
    depth = look.prediction.levels[-1].depth
    relative = np.abs(depth - truth) / np.where(valid, truth, 1)
    pairs = []
    for where in (near & valid, ~near & valid):
        pairs.append(100 * float(relative[where].mean()) if where.any() else np.nan)
    title = t("differences.border_error", lang)
    labels = [t("differences.near", lang), t("differences.inside", lang)]
    figure = bars_figure({title: pairs}, labels, x="", y="AbsRel (%)", title=title)
    return Shown("border-error", figure, title, {"abs_rel_percent": np.array(pairs)})
