"""Idea 7: the scale-invariant loss, in three forms, and which pixels it punishes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.bars import bar_of, signed_bar
from app.explorer.figures_curves import line_figure
from app.explorer.figures_maps import MEDIUM, map_figure
from app.explorer.look import Look, current
from app.explorer.loss_forms import (
    FloatArray,
    LossForms,
    distorted,
    forms,
    log_differences,
    punishment,
    sample,
)
from app.explorer.show import Shown, figures, fragment, heading, numbers
from app.text import t
from core.losses import SILOG_GAIN, SILOG_LAMBDA


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "loss")
    depth = look.prediction.levels[-1].depth
    measured = look.truth_at(*depth.shape)
    truth: FloatArray = depth if measured is None else measured
    st.info(t("loss.no_truth" if measured is None else "loss.with_truth", lang))
    scale, noise, weight = _knobs(lang)
    predicted = distorted(depth, scale=scale, noise=noise)
    d = log_differences(predicted, truth)
    chosen = sample(d)
    found = forms(chosen, weight)
    whole = d[np.isfinite(d)]
    expanded = float(np.mean(whole**2) - weight * np.mean(whole) ** 2)
    silog = SILOG_GAIN * max(expanded, 0.0) ** 0.5
    numbers(
        [
            (t("loss.silog", lang), f"{silog:.3f}", t("loss.silog_hint", lang)),
            (t("loss.factor", lang), f"{np.exp(whole.mean()):.3f}", t("loss.factor_hint", lang)),
            (t("loss.rms", lang), f"{np.sqrt(np.mean(whole**2)):.3f}", None),
            (t("loss.pixels", lang), f"{len(whole):,}", None),
        ]
    )
    _forms(lang, found, len(chosen), weight)
    _maps(look, predicted, d, weight)
    _sweeps(look, depth, truth, noise, weight, scale)


def _knobs(lang: str) -> tuple[float, float, float]:
    left, middle, right = st.columns(3)
    with left:
        scale = controls.slider("scale", t("loss.scale", lang), 0.5, 2.0, 1.2, step=0.05)
    with middle:
        noise = controls.slider("noise", t("loss.noise", lang), 0.0, 0.5, 0.05, step=0.01)
    with right:
        weight = controls.slider("lambda", "λ", 0.0, 1.0, SILOG_LAMBDA, step=0.05)
    return scale, noise, weight


def _forms(lang: str, found: LossForms, count: int, weight: float) -> None:
    st.subheader(t("loss.forms", lang))
    expanded_one = found.expanded - (1 - weight) * found.shift**2
    rows = [
        ("alpha", found.alpha, "1/2"),
        ("pairs", found.pairwise, "1"),
        ("expanded_one", expanded_one, "1"),
        ("expanded", found.expanded, "—"),
    ]
    st.table(
        {
            t("loss.form", lang): [t(f"loss.{name}", lang, weight=weight) for name, _, _ in rows],
            t("loss.value", lang): [f"{value:.6f}" for _, value, _ in rows],
            t("loss.constant", lang): [constant for _, _, constant in rows],
        }
    )
    st.caption(t("loss.forms_note", lang, count=count, pairs=count**2))


def _maps(look: Look, predicted: FloatArray, d: FloatArray, weight: float) -> None:
    lang = look.lang
    st.subheader(t("loss.punished", lang))
    pull = punishment(d, weight)
    bar = signed_bar(pull, t("loss.pull_unit", lang))
    shown = [
        Shown(
            "distorted",
            map_figure(
                predicted,
                bar_of(predicted, "m").coloured(look.colours),
                size=look.size,
                title=t("loss.distorted", lang),
                longest=MEDIUM,
            ),
            t("loss.distorted", lang),
            {"depth_m": predicted},
        ),
        Shown(
            "pull",
            map_figure(pull, bar, size=look.size, title=t("loss.pull", lang), longest=MEDIUM),
            t("loss.pull_alt", lang),
            {"pull": pull, "d": d},
        ),
    ]
    figures(lang, "loss", shown, columns=2)
    st.caption(t("loss.pull_note", lang))


def _sweeps(
    look: Look, depth: FloatArray, truth: FloatArray, noise: float, weight: float, scale: float
) -> None:
    """The loss as the prediction is scaled, for three lambdas; noise as chosen above."""
    lang = look.lang
    base = log_differences(distorted(depth, scale=1.0, noise=noise), truth)
    flat = base[np.isfinite(base)]
    factors = np.geomspace(0.5, 2.0, 61)
    shifted = np.log(factors)
    mean, square = flat.mean(), np.mean(flat**2)
    curves = {}
    for weight_ in dict.fromkeys((0.0, weight, 1.0)):
        values = square + 2 * mean * shifted + shifted**2 - weight_ * (mean + shifted) ** 2
        curves[f"λ = {weight_:g}"] = (factors, 10 * np.sqrt(np.maximum(values, 0)))
    title = t("loss.sweep", lang)
    figure = line_figure(curves, x=t("loss.scale", lang), y="SILog", title=title)
    figure.add_vline(x=scale, line_dash="dot", line_color="grey")
    data = {name.replace("λ = ", "lambda_"): values for name, (_, values) in curves.items()}
    figures(lang, "sweep", [Shown("sweep", figure, title, {"factor": factors, **data})])


draw(current())
