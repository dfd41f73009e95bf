"""Idea 7: the scale-invariant loss, in three forms, and which pixels it punishes.

d = log(prediction) - log(truth) in all of them. Eigen, Puhrsch, Fergus, "Depth Map Prediction from
a Single Image using a Multi-Scale Deep Network", NIPS 2014, equations (1) to (4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, mapped
from app.explorer.page_head import heading
from app.explorer.plots.charts import bar_of, line_figure, signed_bar
from app.explorer.session_view import SessionView, run_page
from core.train.losses import MIN_DEPTH, SILOG_GAIN, SILOG_LAMBDA

FloatArray = NDArray[np.floating]
PAIRS_OF = 1500  # pixels whose pairs are all formed: 2.25 million


@dataclass(frozen=True)
class LossForms:
    """The forms on the same pixels.

    Attributes:
        expanded: mean(d^2) - weight * mean(d)^2.
        silog: 10 * sqrt(expanded), what the network is trained with (weight 0.85).
        pairwise: 1 / (2 n^2) * sum over all pairs of (d_i - d_j)^2; equals `expanded` at weight 1.
        alpha: 1 / (2 n) * sum (d + a)^2 with a = -mean(d); half of `pairwise`.
        shift: mean(d); exp(shift) is the overall factor between prediction and truth.
    """

    expanded: float
    silog: float
    pairwise: float
    alpha: float
    shift: float


def log_differences(predicted: FloatArray, truth: FloatArray) -> NDArray[np.float64]:
    """The log error d where truth is measured (above 0), NaN elsewhere; all (H, W), metres."""
    p = np.log(np.maximum(predicted.astype(np.float64), MIN_DEPTH))
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.log(np.maximum(truth.astype(np.float64), MIN_DEPTH))
    return np.where(truth > 0, p - g, np.nan)


def sample(d: FloatArray, count: int = PAIRS_OF) -> NDArray[np.float64]:
    """At most `count` measured values, spread evenly over the picture, (n,)."""
    measured = d[np.isfinite(d)].astype(np.float64)
    if len(measured) <= count:
        return measured
    places = np.linspace(0, len(measured) - 1, count).astype(np.intp)
    return measured[places]


def forms(d: NDArray[np.float64], weight: float) -> LossForms:
    """All forms of the loss on the same values, each computed as it is written.

    Args:
        d: (n,) log differences, n at least 1; n^2 pairs are formed.
        weight: lambda, from 0 to 1.
    """
    expanded = float(np.mean(d**2) - weight * np.mean(d) ** 2)
    a = -np.mean(d)
    return LossForms(
        expanded=expanded,
        silog=SILOG_GAIN * float(np.sqrt(max(expanded, 0.0))),
        pairwise=float(((d[:, None] - d[None, :]) ** 2).sum() / (2 * len(d) ** 2)),
        alpha=float(((d + a) ** 2).sum() / (2 * len(d))),
        shift=float(np.mean(d)),
    )


def punishment(d: FloatArray, weight: float) -> NDArray[np.float64]:
    """How strongly each pixel is pulled: n times the slope of the expanded form.

    n * d(expanded) / d(d_i) = 2 * (d_i - weight * mean(d)). Positive: the pixel is predicted too
    far, compared with what the loss forgives. NaN where nothing was measured.
    """
    pull: NDArray[np.float64] = 2.0 * (d.astype(np.float64) - weight * np.nanmean(d))
    return pull


def distorted(depth: FloatArray, *, scale: float, noise: float) -> NDArray[np.float64]:
    """A prediction made worse on purpose: depth * scale * exp(noise * N(0, 1)), above 0.

    Args:
        depth: (H, W) metres.
        scale: factor on all depths.
        noise: standard deviation of the natural logarithm, pixel by pixel.
    """
    normal = np.random.default_rng(0).standard_normal(depth.shape)
    worse = depth.astype(np.float64) * scale * np.exp(noise * normal)
    return np.maximum(worse, MIN_DEPTH)


@dataclass(frozen=True)
class Knobs:
    """How the prediction is made worse, and how much scale error the loss forgives."""

    scale: float = 1.2
    noise: float = 0.05
    weight: float = SILOG_LAMBDA


def truth_of(view: SessionView) -> tuple[FloatArray, bool]:
    """The ground truth at the network's size, or the network's own depth standing in for it."""
    depth = view.prediction.levels[-1].depth
    measured = view.truth_at(*depth.shape)
    return (depth, False) if measured is None else (measured, True)


def pulls(view: SessionView, knobs: Knobs) -> list[Figure]:
    """The prediction made worse, and the slope of the loss at every pixel."""
    lang = view.lang
    truth, _ = truth_of(view)
    depth = view.prediction.levels[-1].depth
    predicted = distorted(depth, scale=knobs.scale, noise=knobs.noise)
    d = log_differences(predicted, truth)
    pull = punishment(d, knobs.weight)
    worse, title = t("loss.distorted", lang), t("loss.pull", lang)
    bar = bar_of(predicted, view.unit, colours=view.colours)
    slope = signed_bar(pull, t("loss.pull_unit", lang))
    alt = t("loss.pull_alt", lang)
    return [
        mapped(view, "distorted", worse, predicted, bar, depth_m=predicted),
        mapped(view, "pull", title, pull, slope, alt=alt, pull=pull, d=d),
    ]


def sweep(view: SessionView, knobs: Knobs) -> Figure:
    """The loss as the prediction is scaled, for three lambdas; noise as chosen."""
    truth, _ = truth_of(view)
    depth = view.prediction.levels[-1].depth
    d = log_differences(distorted(depth, scale=1.0, noise=knobs.noise), truth)
    flat = d[np.isfinite(d)]
    factors = np.geomspace(0.5, 2.0, 61)
    shift, mean, square = np.log(factors), flat.mean(), np.mean(flat**2)
    curves = {}
    for weight in dict.fromkeys((0.0, knobs.weight, 1.0)):
        # mean((d + s)^2) - weight * mean(d + s)^2 for a shift s of all log depths
        values = square + 2 * mean * shift + shift**2 - weight * (mean + shift) ** 2
        curves[f"λ = {weight:g}"] = (factors, SILOG_GAIN * np.sqrt(np.maximum(values, 0)))
    title = t("loss.sweep", view.lang)
    figure = line_figure(curves, x=t("loss.scale", view.lang), y="SILog", title=title)
    figure.add_shape(
        type="line",
        x0=knobs.scale,
        x1=knobs.scale,
        y0=0,
        y1=1,
        yref="paper",
        line={"dash": "dot", "color": "grey"},
    )
    data = {name.replace("λ = ", "lambda_"): values for name, (_, values) in curves.items()}
    return Figure("sweep", figure, title, {"factor": factors, **data})


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "loss")
    truth, _ = truth_of(view)
    known = view.truth
    if known is None:
        st.info(t("loss.no_truth", lang))
    else:
        unchanged = log_differences(view.prediction.levels[-1].depth, truth)
        factor = float(np.exp(np.nanmean(unchanged)))
        st.info(t("loss.with_truth", lang, name=known.name, factor=factor))
    knobs = _knobs(lang)
    depth = view.prediction.levels[-1].depth
    d = log_differences(distorted(depth, scale=knobs.scale, noise=knobs.noise), truth)
    whole = d[np.isfinite(d)]
    expanded = float(np.mean(whole**2) - knobs.weight * np.mean(whole) ** 2)
    silog = SILOG_GAIN * max(expanded, 0.0) ** 0.5
    values = {
        "silog": f"{silog:.3f}",
        "factor": f"{np.exp(whole.mean()):.3f}",
        "rms": f"{np.sqrt(np.mean(whole**2)):.3f}",
        "pixels": f"{len(whole):,}",
    }
    numbers(named(lang, "loss", **values))
    chosen = sample(d)
    _forms(lang, forms(chosen, knobs.weight), len(chosen), knobs.weight)
    st.subheader(t("loss.punished", lang))
    figures(lang, "loss", pulls(view, knobs), columns=2)
    st.caption(t("loss.pull_note", lang))
    figures(lang, "sweep", [sweep(view, knobs)])


def _knobs(lang: str) -> Knobs:
    usual = Knobs()
    left, middle, right = st.columns(3)
    with left:
        scale = controls.slider("scale", t("loss.scale", lang), 0.5, 2.0, usual.scale, step=0.05)
    with middle:
        noise = controls.slider("noise", t("loss.noise", lang), 0.0, 0.5, usual.noise, step=0.01)
    with right:
        weight = controls.slider("lambda", "λ", 0.0, 1.0, usual.weight, step=0.05)
    return Knobs(scale, noise, weight)


def _forms(lang: str, found: LossForms, count: int, weight: float) -> None:
    st.subheader(t("loss.forms", lang))
    rows = [
        ("alpha", found.alpha, "1/2"),
        ("pairs", found.pairwise, "1"),
        ("expanded_one", found.expanded - (1 - weight) * found.shift**2, "1"),
        ("expanded", found.expanded, f"1, + {1 - weight:.2f} mean(d)²"),
    ]
    st.table(
        {
            t("loss.form", lang): [t(f"loss.{name}", lang, weight=weight) for name, _, _ in rows],
            t("loss.value", lang): [f"{value:.6f}" for _, value, _ in rows],
            t("loss.constant", lang): [constant for _, _, constant in rows],
        }
    )
    st.caption(t("loss.forms_note", lang, count=count, pairs=count**2))


if __name__ == "__main__":
    run_page(__file__)
