"""Bands of the photo, residuals of the depth, and the sum level by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from app.common.translations import t
from app.explorer.figure_view import Figure, mapped, pictured
from app.explorer.plots.charts import Bar, bar_of, bars_figure, signed_bar
from app.explorer.session_view import NAMES, STRIDES, SessionView
from core.evaluate.metrics import DepthMetrics, compute_metrics
from core.model import accumulate
from core.model.pyramid import double

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class Steps:
    """The coarse-to-fine sum of one photo; lists run coarse -> fine.

    Attributes:
        depths: metres after each level, at the level's own size.
        changes: what each level changed, metres: depth after it minus depth before it, the sum
            before it enlarged as the decoder does. The first is compared with a sum of zero, which
            stands for half of the range.
    """

    depths: list[FloatMap]
    changes: list[FloatMap]


def rebuild(
    residuals: Sequence[NDArray[np.float32]], scale: float, gains: Sequence[float]
) -> Steps:
    """Sums the residuals again, each times its gain.

    Args:
        residuals: coarse -> fine, each (1, 1, h, w): R5 in (0, 1), the others in (-1, 1).
        scale: metres per unit of the final sigmoid.
        gains: coarse -> fine; 0 leaves a level out.
    """
    with torch.inference_mode():
        sums = accumulate([torch.from_numpy(residual) for residual in residuals], gains)
        before = [torch.zeros_like(sums[0]), *(double(total) for total in sums[:-1])]
        depths = [torch.sigmoid(total) * scale for total in sums]
        changes = [d - torch.sigmoid(b) * scale for d, b in zip(depths, before, strict=True)]
        return Steps([_plane(d) for d in depths], [_plane(c) for c in changes])


def enlarged(values: FloatMap, height: int, width: int) -> FloatMap:
    """A map at another size, bilinear, pixel areas aligned (as the decoder enlarges)."""
    if values.shape == (height, width):
        return values
    grid = torch.from_numpy(np.require(values, None, ("C", "W")))[None, None]
    resized: FloatMap = functional.interpolate(
        grid, (height, width), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    return resized


def level_errors(depths: Sequence[FloatMap], truth: FloatMap) -> list[DepthMetrics]:
    """The nine metrics of the depth after each level, enlarged to the ground truth's size.

    Args:
        depths: coarse -> fine, metres.
        truth: (h, w) metres, 0 = not measured.
    """
    valid = truth > 0
    return [compute_metrics(enlarged(depth, *truth.shape), truth, valid) for depth in depths]


def borders(depth: FloatMap, share: float, reach: int = 2) -> NDArray[np.bool_]:
    """The steepest pixels of a depth map, and what lies around them.

    Args:
        depth: (h, w) metres, above 0.
        share: of the pixels, those with the largest relative step to a neighbour; a flat map has
            none.
        reach: pixels around these that count as near a border.
    """
    steps = largest_steps(np.log(np.maximum(depth, 1e-6)))
    steep = (steps > np.quantile(steps, 1 - share)).astype(np.float32)
    grown = functional.max_pool2d(
        torch.from_numpy(steep)[None], 2 * reach + 1, stride=1, padding=reach
    )
    near: NDArray[np.bool_] = grown[0].numpy() > 0
    return near


def largest_steps(values: FloatMap) -> FloatMap:
    """(h, w): the largest absolute difference of every pixel to its four neighbours."""
    steps = np.zeros(values.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        for side in (slice(None, -1), slice(1, None)):
            place = (side, slice(None)) if axis == 0 else (slice(None), side)
            steps[place] = np.maximum(steps[place], step)
    return steps


def rms(values: NDArray[np.floating], where: NDArray[np.bool_] | None = None) -> float:
    """Root mean square, of some pixels only where given; NaN without any."""
    chosen = values if where is None else values[where]
    return float(np.sqrt(np.mean(np.square(chosen, dtype=np.float64)))) if chosen.size else np.nan


def _plane(value: Tensor) -> FloatMap:
    plane: FloatMap = value[0, 0].numpy()
    return plane


def level_label(lang: str, index: int) -> str:
    """What a level is called, 0 being the coarsest."""
    return t("explorer.level_name", lang, name=NAMES[index], stride=STRIDES[index])


def bands_row(view: SessionView, *, colour: bool = False, same: bool = True) -> list[Figure]:
    """The low-pass and the bands, coarse -> fine.

    Args:
        colour: as colours around grey; else the mean over R, G, B with a signed scale.
        same: one scale for all bands.
    """
    lang, unit = view.lang, t("differences.band_unit", view.lang)
    levels = view.prediction.levels
    greys = [level.band.mean(2) for level in levels]
    shared = signed_bar(greys[1:], unit)
    shown = []
    for index, (level, grey) in enumerate(zip(levels, greys, strict=True)):
        title = t("differences.band", lang, number=5 - index, stride=level.stride)
        name, alt = f"band-{5 - index}", t("differences.band_alt", lang, name=title)
        if colour:
            # A band's colours are differences: grey is none. The low-pass is a small photo.
            spread = 2 * max(shared.high, 1e-6) if index else 4.0
            picture = np.clip((level.band / spread + 0.5) * 255, 0, 255).astype(np.uint8)
            shown.append(pictured(view, name, title, picture, alt=alt, band=level.band))
        else:
            bar = bar_of(grey, unit, colours="rising grey")
            if index:
                bar = shared if same else signed_bar(grey, unit)
            shown.append(mapped(view, name, title, grey, bar, alt=alt, band=level.band))
    return shown


def residuals_row(view: SessionView, *, same: bool = True) -> list[Figure]:
    """max_depth * R5 as a depth map, then the signed residuals R4..R1 (metres before sigmoid)."""
    levels = view.prediction.levels
    coarse = Bar(0.0, view.info.config.max_depth, "m", view.colours)
    shared = signed_bar([level.residual for level in levels[1:]], "m")
    shown = []
    for index, level in enumerate(levels):
        bar = coarse
        if index:
            bar = shared if same else signed_bar(level.residual, "m")
        label = level_label(view.lang, index)
        name, alt = f"residual-{NAMES[index]}", t("differences.residual_alt", view.lang, name=label)
        values = level.residual
        shown.append(mapped(view, name, label, values, bar, alt=alt, residual_m=values))
    return shown


def depths_row(view: SessionView, steps: Steps) -> list[Figure]:
    """Depth after each level, one scale."""
    bar = bar_of(steps.depths, view.unit, colours=view.colours)
    return _row(view, steps.depths, bar, "depth")


def changes_row(view: SessionView, steps: Steps) -> list[Figure]:
    """What each level changed in metres, one signed scale."""
    return _row(view, steps.changes, signed_bar(steps.changes[1:], view.unit), "change")


def energy(view: SessionView) -> list[Figure]:
    """Root mean square of every band and of every residual."""
    lang = view.lang
    levels = view.prediction.levels[1:]
    labels = [f"1/{level.stride}" for level in levels]
    shown = []
    for name, values, unit in (
        ("bands", [rms(level.band) for level in levels], t("differences.band_unit", lang)),
        ("residuals", [rms(level.residual) for level in levels], "m"),
    ):
        title = t(f"differences.energy_{name}", lang)
        figure = bars_figure(
            {title: values}, labels, x=t("differences.scale", lang), y=f"RMS ({unit})", title=title
        )
        shown.append(Figure(f"energy-{name}", figure, title, {"rms": np.array(values)}))
    return shown


def _row(view: SessionView, maps: list[np.ndarray], bar: Bar, word: str) -> list[Figure]:
    shown = []
    for index, values in enumerate(maps):
        label = level_label(view.lang, index)
        name, alt = f"{word}-{NAMES[index]}", t(f"coarse_to_fine.{word}_alt", view.lang, name=label)
        drawn = mapped(view, name, label, values, bar, alt=alt, part=word, level=index)
        shown.append(replace(drawn, data={f"{word}_m": values}))
    return shown
