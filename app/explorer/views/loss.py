"""Idea 7: the scale-invariant loss, in three forms, and which pixels it punishes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.computed.loss_forms import LossForms, distorted, forms, log_differences, sample
from app.explorer.exhibits.loss import Knobs, pulls, sweep, truth_of
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading, numbers
from app.text import t
from core.losses import SILOG_GAIN


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "loss")
    truth, _ = truth_of(look)
    known = look.truth
    if known is None:
        st.info(t("loss.no_truth", lang))
    else:
        st.info(t("loss.with_truth", lang, name=known.name))
    knobs = _knobs(lang)
    depth = look.prediction.levels[-1].depth
    d = log_differences(distorted(depth, scale=knobs.scale, noise=knobs.noise), truth)
    whole = d[np.isfinite(d)]
    expanded = float(np.mean(whole**2) - knobs.weight * np.mean(whole) ** 2)
    silog = SILOG_GAIN * max(expanded, 0.0) ** 0.5
    numbers(
        [
            (t("loss.silog", lang), f"{silog:.3f}", t("loss.silog_hint", lang)),
            (t("loss.factor", lang), f"{np.exp(whole.mean()):.3f}", t("loss.factor_hint", lang)),
            (t("loss.rms", lang), f"{np.sqrt(np.mean(whole**2)):.3f}", t("loss.rms_hint", lang)),
            (t("loss.pixels", lang), f"{len(whole):,}", None),
        ]
    )
    chosen = sample(d)
    _forms(lang, forms(chosen, knobs.weight), len(chosen), knobs.weight)
    st.subheader(t("loss.punished", lang))
    figures(lang, "loss", pulls(look, knobs), columns=2)
    st.caption(t("loss.pull_note", lang))
    figures(lang, "sweep", [sweep(look, knobs)])


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


draw(current())
