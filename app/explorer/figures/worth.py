"""What each level of the decoder is worth: error and border score of the depth after it.

Over test frames the figures are measured beforehand (`scripts/ship_model.py`) and lie beside the
model; over the photo on screen they are measured here, where its true depth was given.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots
from scipy import ndimage

from app.common.translations import t
from app.explorer.figures.pyramids import FloatMap, enlarged, level_errors
from app.explorer.plots.charts import COLOURS, GRID, TEMPLATE
from app.explorer.session_view import NAMES, STRIDES
from core.evaluate.geometry import DENSE_SHARE, EDGE_THRESHOLDS, edge_scores, sobel_length
from core.evaluate.metrics import align_median
from core.weights.model_info import ModelInfo

BORDER = EDGE_THRESHOLDS[0]  # metres
_LEAST_ERROR = 0.01  # share of the error before it by which a level has to lower it to count
_LEAST_BORDERS = 0.01  # of the border score
_FADED = 0.35


@dataclass(frozen=True)
class Worth:
    """Figures after each level, coarse -> fine.

    Attributes:
        abs_rel: mean relative error, as a share.
        edge_f1: of borders that step by `BORDER`, after median scaling; empty where the truth is
            too sparse to show borders.
        data: which test frames; empty for the photo on screen.
        frames: how many.
    """

    abs_rel: tuple[float, ...]
    edge_f1: tuple[float, ...] = ()
    data: str = ""
    frames: int = 1


def place_of(info: ModelInfo) -> Path | None:
    """Where a model's figures lie; None for a model that is no file."""
    return None if info.path is None else info.path.with_suffix(".levels.json")


def measured(info: ModelInfo) -> Worth | None:
    """A model's figures over test frames; None where these weights were never measured."""
    path = place_of(info)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path else {}
        if content.get("model_sha256") != info.sha256:
            return None
        abs_rel, edge_f1 = (tuple(map(float, content[key])) for key in ("abs_rel", "edge_f1"))
        worth = Worth(abs_rel, edge_f1, str(content["data"]), int(content["frames"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    fits = len(abs_rel) == len(STRIDES) and len(edge_f1) in (0, len(STRIDES))
    return worth if fits and all(map(math.isfinite, abs_rel + edge_f1)) else None


def in_photo(depths: Sequence[FloatMap], truth: FloatMap) -> Worth:
    """The figures over one photo.

    Args:
        depths: metres after each level, coarse -> fine, each at its own size.
        truth: (h, w) metres, 0 = not measured.
    """
    errors = tuple(each.abs_rel for each in level_errors(depths, truth))
    if (truth > 0).mean() < DENSE_SHARE:
        return Worth(errors)
    scores = tuple(_border_score(enlarged(depth, *truth.shape), truth) for depth in depths)
    return Worth(errors, scores if all(map(math.isfinite, scores)) else ())


def _border_score(depth: FloatMap, truth: FloatMap) -> float:
    valid: NDArray[np.bool_] = truth > 0
    # A pixel next to a missing one has no slope.
    inside = ndimage.binary_erosion(valid, np.ones((3, 3)), border_value=1)
    scaled = align_median(depth, truth, valid)
    found, true = (sobel_length(np.asarray(each, np.float64)) > BORDER for each in (scaled, truth))
    precision, recall = edge_scores(found, true, inside)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def verdict(worth: Worth, level: int, lang: str) -> str:
    """What a level did to the figures, in a sentence: also that it did nothing.

    Args:
        level: place in the lists, 0 being the coarsest.
    """
    if level == 0:
        words = {"name": NAMES[0], **_figures(worth, 0)}
        return t(f"worth.first{_kind(worth)}", lang, **words)
    before, after = worth.abs_rel[level - 1], worth.abs_rel[level]
    gains = [(before - after) / max(before, 1e-9) / _LEAST_ERROR]  # 1 is the least that counts
    if worth.edge_f1:
        gains.append((worth.edge_f1[level] - worth.edge_f1[level - 1]) / _LEAST_BORDERS)
    helps, harms = max(gains) >= 1, min(gains) <= -1
    outcome = ("trades" if harms else "helps") if helps else "harms" if harms else "nothing"
    words_first = t(f"worth.{outcome}", lang, name=NAMES[level])
    return f"{words_first} {change(worth, level - 1, level, lang)}"


def change(worth: Worth, before: int, after: int, lang: str) -> str:
    """Error and border score after one level, and after a finer one."""
    words = {f"{name}_before": value for name, value in _figures(worth, before).items()}
    return t(f"worth.change{_kind(worth)}", lang, **words, **_figures(worth, after))


def _figures(worth: Worth, level: int) -> dict[str, str]:
    found = {"error": f"{100 * worth.abs_rel[level]:.1f}"}
    return found | ({"borders": f"{worth.edge_f1[level]:.2f}"} if worth.edge_f1 else {})


def _kind(worth: Worth) -> str:
    return "" if worth.edge_f1 else "_sparse"


@functools.lru_cache(maxsize=32)  # Plotly takes longer to build it than a move of the slider may
def worth_figure(found: tuple[Worth, ...], level: int, lang: str) -> go.Figure:
    """Bars of error and border score after each level, those of the chosen level in full colour."""
    panels = ["error", *(["borders"] if any(each.edge_f1 for each in found) else [])]
    titles = [t(f"worth.{panel}", lang) for panel in panels]
    figure = make_subplots(rows=1, cols=len(panels), subplot_titles=titles, horizontal_spacing=0.12)
    for index, worth in enumerate(found):
        rows = ([100 * value for value in worth.abs_rel], list(worth.edge_f1))
        for column, values in enumerate(rows[: len(panels)], start=1):
            bars = go.Bar(
                x=list(NAMES),
                y=values,
                name=source(worth, lang),
                showlegend=column == 1 and len(found) > 1,
                marker={
                    "color": COLOURS[0 if worth.data else 1],
                    "opacity": [1 if at == level else _FADED for at in range(len(NAMES))],
                    "pattern": {"shape": "" if index == 0 else "/"},
                },
                text=[f"{value:.1f}" if column == 1 else f"{value:.2f}" for value in values],
                textposition="outside",
                cliponaxis=False,
            )
            figure.add_trace(bars, row=1, col=column)
    figure.update_annotations(font={"size": 13})
    figure.update_yaxes(gridcolor=GRID, rangemode="tozero", showticklabels=False)
    legend = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}
    margin = {"l": 12, "r": 12, "t": 44, "b": 60 if len(found) > 1 else 30}
    figure.update_layout(
        template=TEMPLATE,
        height=260,
        margin=margin,
        legend=legend,
        barmode="group",
        dragmode=False,  # as on a phone: nothing changes what all sessions share
    )
    return figure


def source(worth: Worth, lang: str) -> str:
    """On what the figures were measured."""
    if worth.data:
        return t("worth.from_frames", lang, frames=worth.frames, data=worth.data)
    return t("worth.from_photo", lang)
