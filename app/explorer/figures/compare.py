"""Prediction against ground truth: maps, metrics, curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.common.translations import t
from app.explorer.figure_view import Figure, mapped, pictured
from app.explorer.figures.photo import expected_against_true, expected_map
from app.explorer.figures.pyramids import enlarged, level_errors
from app.explorer.plots.charts import (
    ERROR,
    Bar,
    bar_of,
    bars_figure,
    histogram_of,
    line_figure,
    scatter_figure,
    signed_bar,
)
from app.explorer.session_view import NAMES, SessionView
from core.data.sample import Sample
from core.evaluate.analysis import BinnedErrors, range_bins, range_labels
from core.evaluate.metrics import DepthMetrics, align_median, compute_metrics
from core.evaluate.protocol import NYU, Protocol

METRIC_UNITS = {"sq_rel": " m", "rmse": " m"}
SPARSE = 0.3  # below this share of measured pixels, the map lies over the photo
DOTS = 320  # cells of its longer side; each shows one of the pixels measured in it


@dataclass(frozen=True, eq=False)
class Comparison:
    """A prediction beside the ground truth, both at the ground truth's size.

    Attributes:
        truth: (h, w) metres, 0 = not measured.
        predicted: (h, w) metres, clamped to the protocol's range.
        valid: (h, w) bool, the pixels that count.
        levels: the same for the depth after each level, coarse -> fine.
    """

    truth: NDArray[np.float32]
    predicted: NDArray[np.float64]
    valid: NDArray[np.bool_]
    metrics: DepthMetrics
    levels: list[DepthMetrics]
    protocol: Protocol

    @cached_property
    def relative_percent(self) -> NDArray[np.float64]:
        """(h, w): error in % of the true depth, NaN where no pixel counts."""
        error = np.abs(self.predicted - self.truth) / np.where(self.valid, self.truth, 1)
        return np.where(self.valid, 100 * error, np.nan)

    @property
    def sparse(self) -> bool:
        """Whether points show more than a map."""
        return float((self.truth > 0).mean()) < SPARSE


def compare(
    view: SessionView, truth: NDArray[np.float32], protocol: Protocol, *, align: bool
) -> Comparison:
    """Scores the photo's depth.

    Args:
        truth: (h, w) metres, 0 = not measured.
        align: bring the prediction's median to the ground truth's first.

    Raises:
        DataError: no pixel counts.
    """
    predicted = protocol.clamp(enlarged(view.prediction.depth, *truth.shape))
    valid = counting(truth, protocol) & np.isfinite(predicted)  # no depth where it is transparent
    metrics = compute_metrics(predicted, truth, valid)
    if align:
        predicted = protocol.clamp(align_median(predicted, truth, valid))
        metrics = compute_metrics(predicted, truth, valid)
    measured = np.where(valid, truth, np.float32(0))
    levels = level_errors([level.depth for level in view.prediction.levels], measured)
    return Comparison(truth, predicted, valid, metrics, levels, protocol)


def counting(truth: NDArray[np.float32], protocol: Protocol) -> NDArray[np.bool_]:
    """(h, w) bool: the pixels of the whole frame that a protocol counts.

    Raises:
        DataError: the frame has another size than the protocol is made for.
    """
    height, width = truth.shape
    blank = np.zeros((height, width, 3), np.uint8)
    frame = protocol.prepare(Sample(blank, truth, 1.0, 1.0, 0.0, 0.0, "ground truth"))
    rows, columns = frame.depth.shape
    left = (width - columns) // 2  # what a protocol cuts out lies at the bottom centre
    valid = np.zeros(truth.shape, bool)
    valid[height - rows :, left : left + columns] = protocol.counts(frame.depth)
    return valid


def metric_numbers(
    lang: str, found: DepthMetrics, *names: str
) -> list[tuple[str, str, str | None]]:
    """The figures of these names, or all of them, for `app.explorer.display.numbers`."""
    values = found.as_dict()
    return [
        (
            t(f"compare.metric_{name}", lang),
            f"{values[name]:.3f}{METRIC_UNITS.get(name, '')}",
            t(f"compare.hint_{name}", lang),
        )
        for name in names or values
    ]


def row_of(view: SessionView, found: Comparison) -> list[Figure]:
    """Input, ground truth and output side by side, the same colours for both depths."""
    lang = view.lang
    measured = np.where(found.truth > 0, found.truth, np.nan)
    bar = bar_of(measured, "m", colours=view.colours)
    photo, truth, output = (t(f"compare.{name}", lang) for name in ("photo", "truth", "output"))
    return [
        pictured(view, "input", photo, view.screen),
        _layer(view, found, "truth", measured, bar, truth, truth_m=found.truth),
        mapped(view, "output", output, found.predicted, bar, depth_m=found.predicted),
    ]


def error_maps(view: SessionView, found: Comparison) -> list[Figure]:
    """Signed error in metres and relative error in per cent, where the truth is known.

    The error that the model expects of itself, if it does, comes last, in the same colours.
    """
    lang = view.lang
    error = np.where(found.valid, found.predicted - found.truth, np.nan)
    relative = found.relative_percent
    bar = signed_bar(error, "m")
    high = float(np.nanquantile(relative, 0.99)) or 1.0
    percent = Bar(0.0, high, "%", ERROR, 1)
    signed, share = t("compare.error", lang), t("compare.relative", lang)
    return [
        _layer(view, found, "error", error, bar, signed, error_m=error),
        _layer(
            view, found, "relative-error", relative, percent, share, relative_error_percent=relative
        ),
        *expected_map(view, percent),
    ]


def curves(view: SessionView, found: Comparison) -> list[Figure]:
    """Error per level, histogram, scatter, error by distance."""
    lang = view.lang
    truth, predicted = found.truth[found.valid], found.predicted[found.valid]
    error = predicted - truth
    places = np.arange(len(found.levels))
    series = {
        "AbsRel": (places, [level.abs_rel for level in found.levels]),
        "RMSE (m)": (places, [level.rmse for level in found.levels]),
    }
    title = t("compare.per_level", lang)
    levels = line_figure(
        series, x=t("compare.level", lang), y=t("compare.level_error", lang), title=title
    )
    levels.update_xaxes(tickvals=places, ticktext=list(NAMES))
    centres, percent = histogram_of(error)
    spread = t("compare.histogram", lang)
    histogram = line_figure(
        {spread: (centres, percent)},
        x=t("compare.error_axis", lang),
        y="%",
        title=spread,
        fill=True,
    )
    both = t("compare.scatter", lang)
    points = scatter_figure(
        truth,
        predicted,
        x=t("compare.truth_axis", lang),
        y=t("compare.output_axis", lang),
        title=both,
        height=320,
    )
    edges = (NYU if float(truth.max()) <= NYU.max_depth else found.protocol).range_edges
    bins = BinnedErrors(range_labels(edges))
    bins.add(found.predicted, found.truth, found.valid, range_bins(found.truth, edges))
    filled = [record for record in bins.result() if record.pixels]
    by_range = [100 * (record.abs_rel or 0.0) for record in filled]
    name = t("compare.by_range", lang)
    ranges = bars_figure(
        {name: by_range}, [record.label for record in filled], x="", y="AbsRel (%)", title=name
    )
    return [
        Figure(
            "error-per-level",
            levels,
            title,
            {"abs_rel": np.array(series["AbsRel"][1]), "rmse_m": np.array(series["RMSE (m)"][1])},
        ),
        Figure("histogram", histogram, spread, {"error_m": centres, "percent": percent}),
        Figure("scatter", points, both, {"truth_m": truth, "depth_m": predicted}),
        Figure("error-by-distance", ranges, name, {"abs_rel_percent": np.array(by_range)}),
        *expected_against_true(view, found.relative_percent, found.valid),
    ]


def _layer(
    view: SessionView,
    found: Comparison,
    name: str,
    values: NDArray[np.floating],
    bar: Bar,
    title: str,
    **data: NDArray[np.floating],
) -> Figure:
    """A map, over the photo and in coarser cells where only few pixels were measured."""
    if not found.sparse:
        return replace(mapped(view, name, title, values, bar), data=data)
    rows, columns = np.nonzero(np.isfinite(values))
    height, width = values.shape
    scale = DOTS / max(height, width)
    cells = np.full((round(height * scale), round(width * scale)), np.nan)
    row, column = ((at * scale).astype(np.intp) for at in (rows, columns))
    inside = (np.minimum(row, len(cells) - 1), np.minimum(column, cells.shape[1] - 1))
    cells[inside] = values[rows, columns]
    return replace(mapped(view, name, title, cells, bar, over=True), data=data)
