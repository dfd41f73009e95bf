"""Idea 6: pre-activation and weight standardisation, switched on and off."""

from __future__ import annotations

import numpy as np
import streamlit as st
from torch import Tensor

from app.explorer import controls
from app.explorer.exhibits.units import (
    block_label,
    dead_share,
    filter_histograms,
    orders_of,
    relu_curves,
    units_of,
    variant_maps,
)
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading, numbers
from app.text import t
from core.inside.activations import blocks, filters

FIRST_BLOCK = "decoder.levels.0.refine"  # where feature, residual and band are mixed


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang, trained = look.lang, look.info.config.weight_standardisation
    heading(lang, "weights")
    left, right = st.columns(2)
    with left:
        on = controls.toggle("ws", t("weights.ws", lang), trained)
    with right:
        measured = controls.toggle(
            "remeasure", t("weights.remeasure", lang), hint=t("weights.remeasure_hint", lang)
        )
    _whole_network(look, on, measured)
    names = {name: block_label(look, name) for name in _blocks(look)}
    block = controls.choice("block", t("weights.block", lang), names, default=FIRST_BLOCK)
    _filters(look, block)
    _orders(look, block, on)


def _blocks(look: Look) -> list[str]:
    return list(blocks(look.inspector.model))


def _whole_network(look: Look, on: bool, measured: bool) -> None:
    """Every ReLU and the depth, in the chosen variant beside the network as it was trained."""
    lang = look.lang
    with st.spinner(t("explorer.computing", lang)):
        maps = variant_maps(look, on=on, measured=measured)
        units, reference = units_of(look, on=on, measured=measured)
    figures(lang, "variant", maps, columns=2)
    if on == look.info.config.weight_standardisation and not measured:
        st.caption(t("weights.same", lang))
    zero = float(np.mean([100 * unit.zero for unit in units]))
    spread = float(np.mean([unit.spread for unit in units]))
    numbers(
        [
            (t("weights.dead", lang), f"{dead_share(units):.1f} %", t("weights.dead_hint", lang)),
            (
                t("weights.dead_trained", lang),
                f"{dead_share(reference):.1f} %",
                t("weights.dead_trained_hint", lang),
            ),
            (t("weights.zero", lang), f"{zero:.1f} %", t("weights.zero_hint", lang)),
            (t("weights.spread", lang), f"{spread:.2f}", t("weights.spread_hint", lang)),
        ]
    )
    figures(lang, "relu", [relu_curves(look, units)])


def _filters(look: Look, name: str) -> None:
    lang = look.lang
    st.subheader(t("weights.filters", lang))
    figures(lang, "filters", filter_histograms(look, name), columns=2)
    flat = [weight.flatten(1) for weight in filters(blocks(look.inspector.model)[name])]
    st.table(
        {
            "": ["W", "W'"],
            t("weights.filter_mean", lang): [_span(v.mean(1)) for v in flat],
            t("weights.filter_spread", lang): [_span(v.std(1)) for v in flat],
        }
    )


def _span(values: Tensor) -> str:
    low, high = (round(float(end), 4) + 0.0 for end in (values.min(), values.max()))
    return f"{low:.4f} … {high:.4f}"


def _orders(look: Look, name: str, on: bool) -> None:
    lang = look.lang
    st.subheader(t("weights.order", lang))
    st.markdown(t("weights.order_note", lang))
    shown, orders = orders_of(look, name, on=on)
    figures(lang, "orders", shown, columns=2)
    st.table(
        {
            "": [t(f"weights.{key}", lang) for key in orders],
            t("weights.dead", lang): [f"{100 * o.units.dead:.1f} %" for o in orders.values()],
            t("weights.zero", lang): [f"{100 * o.units.zero:.1f} %" for o in orders.values()],
            t("weights.negative", lang): [
                f"{100 * o.output_negative:.1f} %" for o in orders.values()
            ],
        }
    )
    st.caption(t("weights.negative_hint", lang))


draw(current())
