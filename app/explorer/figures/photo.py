"""The photo, its depth, and how far that may be off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.common.translations import t
from app.explorer.figure_view import Figure, mapped, pictured
from app.explorer.figures.pyramids import enlarged
from app.explorer.plots.charts import ERROR, Bar, bar_of, line_figure
from app.explorer.session_view import SessionView

BINS = 10


def expected_percent(view: SessionView) -> NDArray[np.float32] | None:
    """(H, W): the error that the model expects of itself, % of the depth; None without one.

    NaN where there is no depth.
    """
    sure = view.prediction.confidence
    if sure is None:
        return None
    return np.where(np.isfinite(view.prediction.depth), 100 * (1 - sure), np.float32(np.nan))


def expected_map(view: SessionView, bar: Bar | None = None) -> list[Figure]:
    """The expected error as a map, in a list that is empty where the model has none.

    Args:
        bar: of another map that it is to be compared with.
    """
    expected = expected_percent(view)
    if expected is None:
        return []
    title = t("explorer.expected", view.lang)
    bar = bar or Bar(0.0, float(np.nanquantile(expected[::4, ::4], 0.99)) or 1.0, "%", ERROR, 1)
    alt = t("explorer.expected_alt", view.lang)
    return [
        mapped(
            view, "expected-error", title, expected, bar, alt=alt, expected_error_percent=expected
        )
    ]


def expected_against_true(
    view: SessionView, relative: NDArray[np.floating], valid: NDArray[np.bool_]
) -> list[Figure]:
    """Mean true error of the pixels by the error expected of them, a tenth of the pixels each.

    Args:
        relative: (h, w), true error in % of the depth, at the ground truth's size.
        valid: (h, w), the pixels that count.
    """
    expected = expected_percent(view)
    if expected is None:
        return []
    guess, error = enlarged(expected, *valid.shape)[valid], relative[valid]
    parts = np.array_split(np.argsort(guess, kind="stable"), min(BINS, len(guess)))
    said = np.array([guess[part].mean() for part in parts])
    is_so = np.array([error[part].mean() for part in parts])
    title = t("compare.honest", view.lang)
    top = float(max(said.max(), is_so.max()))
    figure = line_figure(
        {
            t("compare.true_error", view.lang): (said, is_so),
            t("compare.perfect", view.lang): ([0, top], [0, top]),
        },
        x=t("compare.expected_axis", view.lang),
        y=t("compare.true_axis", view.lang),
        title=title,
    )
    data = {"expected_percent": said, "true_percent": is_so}
    return [Figure("expected-against-true", figure, title, data)]


def photo_and_depth(view: SessionView) -> list[Figure]:
    """The two pictures that everything is about, and the expected error where there is one."""
    lang, depth = view.lang, view.prediction.depth
    step = max(1, max(depth.shape) // 500)
    bar = bar_of(depth[::step, ::step], view.unit, colours=view.colours)
    title, alt = t("start.depth", lang), t("start.depth_alt", lang)
    return [
        pictured(view, "photo", t("start.photo", lang), view.screen),
        mapped(view, "depth", title, depth, bar, alt=alt, depth_m=depth),
        *expected_map(view),
    ]
