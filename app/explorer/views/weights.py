"""Idea 6: pre-activation and weight standardisation, switched on and off."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.explorer import controls
from app.explorer.bars import bar_of, signed_bar
from app.explorer.cache import order_view, relu_view
from app.explorer.figures_curves import line_figure
from app.explorer.figures_maps import MEDIUM, map_figure
from app.explorer.look import NAMES, Look, current
from app.explorer.show import Shown, figures, fragment, heading, numbers
from app.text import t
from core.activations import Histogram, Units, blocks, filters, histogram


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "weights")
    left, right = st.columns(2)
    with left:
        on = controls.toggle("ws", t("weights.ws", lang), look.info.config.weight_standardisation)
    with right:
        measured = controls.toggle(
            "remeasure", t("weights.remeasure", lang), hint=t("weights.remeasure_hint", lang)
        )
    _whole_network(look, on, measured)
    names = list(blocks(look.inspector.model))
    block = controls.choice(
        "block",
        t("weights.block", lang),
        {name: block_label(name, look.info.config.aspp_rates) for name in names},
        default="decoder.levels.0.refine",
    )
    _filters(look, block)
    _orders(look, block, on)


def _whole_network(look: Look, on: bool, measured: bool) -> None:
    """Every ReLU and the depth, in the chosen variant beside the network as it was trained."""
    lang = look.lang
    trained = look.info.config.weight_standardisation
    with st.spinner(t("explorer.computing", lang)):
        units, depth = relu_view(look.key, on, measured, look.info, look.image)
        reference, usual = relu_view(look.key, trained, False, look.info, look.image)
    scale = look.prediction.focal_scale
    bar = bar_of(usual * scale, "m").coloured(look.colours)
    change = (depth - usual) * scale
    shown = [
        Shown(
            "depth-variant",
            map_figure(
                depth * scale,
                bar,
                size=look.size,
                title=t("weights.depth_on" if on else "weights.depth_off", lang),
                longest=MEDIUM,
            ),
            t("weights.depth_alt", lang),
            {"depth_m": depth * scale},
        ),
        Shown(
            "depth-change",
            map_figure(
                change,
                signed_bar(change, "m"),
                size=look.size,
                title=t("weights.change", lang),
                longest=MEDIUM,
            ),
            t("weights.change", lang),
            {"change_m": change},
        ),
    ]
    figures(lang, "variant", shown, columns=2)
    if on == trained and not measured:
        st.caption(t("weights.same", lang))
    dead = [100 * unit.dead for unit in units]
    zero = [100 * unit.zero for unit in units]
    numbers(
        [
            (t("weights.dead", lang), f"{_mean_dead(units):.1f} %", t("weights.dead_hint", lang)),
            (t("weights.dead_trained", lang), f"{_mean_dead(reference):.1f} %", None),
            (t("weights.zero", lang), f"{np.mean(zero):.1f} %", t("weights.zero_hint", lang)),
            (t("weights.spread", lang), f"{np.mean([u.spread for u in units]):.2f}", None),
        ]
    )
    curves = {
        t("weights.dead_curve", lang): (list(range(len(units))), dead),
        t("weights.zero_curve", lang): (list(range(len(units))), zero),
    }
    title = t("weights.all_blocks", lang)
    figure = line_figure(curves, x=t("weights.block_number", lang), y="%", title=title)
    data = {"dead_percent": np.array(dead), "zero_percent": np.array(zero)}
    figures(lang, "relu", [Shown("relu", figure, title, data)])


def block_label(name: str, rates: tuple[int, ...]) -> str:
    """A block's place in the network, from its module name."""
    parts = name.split(".")
    if parts[:2] == ["aspp", "branches"]:
        return f"ASPP, rate {rates[int(parts[2])]}: {('1x1', '3x3')[int(parts[3])]}"
    if parts[0] == "aspp":
        return f"ASPP: {parts[1]}"
    if parts[1] == "coarsest":
        return f"{NAMES[0]}: head {int(parts[2]) + 1}"
    place = parts[3] if len(parts) == 4 else f"head {int(parts[4]) + 1}"
    return f"{NAMES[int(parts[2]) + 1]}: {place}"


def _mean_dead(units: list[Units]) -> float:
    """Percentage of all channels that are dead."""
    total = sum(unit.channels for unit in units)
    return 100 * sum(unit.dead * unit.channels for unit in units) / total


def _filters(look: Look, name: str) -> None:
    lang = look.lang
    st.subheader(t("weights.filters", lang))
    weight, standard = filters(blocks(look.inspector.model)[name])
    flat, flat_standard = weight.flatten(1), standard.flatten(1)
    shown = []
    for key, values in (("before", weight), ("after", standard)):
        title = t(f"weights.filters_{key}", lang)
        figure = _histogram_figure({title: histogram(values)}, t("weights.weight", lang), title)
        shown.append(Shown(f"weights-{key}", figure, title, {"weight": values.numpy()}))
    figures(lang, "filters", shown, columns=2)
    rows = [(flat, "W"), (flat_standard, "W'")]
    st.table(
        {
            "": [label for _, label in rows],
            t("weights.filter_mean", lang): [
                f"{float(v.mean(1).min()):.4f} … {float(v.mean(1).max()):.4f}" for v, _ in rows
            ],
            t("weights.filter_spread", lang): [
                f"{float(v.std(1).min()):.4f} … {float(v.std(1).max()):.4f}" for v, _ in rows
            ],
        }
    )


def _orders(look: Look, name: str, on: bool) -> None:
    lang = look.lang
    st.subheader(t("weights.order", lang))
    st.markdown(t("weights.order_note", lang))
    orders = order_view(look.key, name, on, look.info, look.image)
    shown, items = [], []
    for key, order in orders.items():
        title = t(f"weights.{key}", lang)
        figure = _histogram_figure(
            {
                t("weights.before_relu", lang): order.units.before,
                t("weights.output", lang): order.output,
            },
            t("weights.activation", lang),
            title,
        )
        data = {
            "before_relu_edges": order.units.before.edges.numpy(),
            "before_relu_density": order.units.before.density.numpy(),
            "output_edges": order.output.edges.numpy(),
            "output_density": order.output.density.numpy(),
        }
        shown.append(Shown(f"order-{key}", figure, title, data))
        items += [
            (f"{title}: {t('weights.dead', lang)}", f"{100 * order.units.dead:.1f} %", None),
            (f"{title}: {t('weights.zero', lang)}", f"{100 * order.units.zero:.1f} %", None),
            (
                f"{title}: {t('weights.negative', lang)}",
                f"{100 * order.output_negative:.1f} %",
                t("weights.negative_hint", lang),
            ),
        ]
    figures(lang, "orders", shown, columns=2)
    numbers(items)


def _histogram_figure(curves: dict[str, Histogram], x: str, title: str) -> go.Figure:
    drawn = {
        name: (((h.edges[1:] + h.edges[:-1]) / 2).numpy(), h.density.numpy())
        for name, h in curves.items()
    }
    return line_figure(drawn, x=x, y="density", title=title, height=280, fill=len(drawn) == 1)


draw(current())
