"""Idea 6: pre-activation and weight standardisation, switched on and off."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from app.common.translations import t
from app.explorer import controls
from app.explorer.cache import order_view, relu_view
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, mapped
from app.explorer.page_head import heading
from app.explorer.plots.charts import bar_of, line_figure, signed_bar
from app.explorer.session_view import NAMES, SessionView, run_page
from core.inspect.activations import Histogram, Order, Units, blocks, filters, histogram


def block_label(view: SessionView, name: str) -> str:
    """A block's place in the network, from its module name."""
    lang, parts = view.lang, name.split(".")
    if parts[:2] == ["aspp", "branches"]:
        rate = t("atrous.rate", lang, rate=view.info.config.aspp_rates[int(parts[2])])
        return t("explorer.pair", lang, name=f"ASPP, {rate}", value=("1x1", "3x3")[int(parts[3])])
    if parts[0] == "aspp":
        return t("explorer.pair", lang, name="ASPP", value=t(f"weights.place_{parts[1]}", lang))
    level = NAMES[0] if parts[1] == "coarsest" else NAMES[int(parts[2]) + 1]
    if parts[-1].isdigit():
        place = t("weights.place_head", lang, number=int(parts[-1]) + 1)
    else:
        place = t(f"weights.place_{parts[-1]}", lang)
    return t("explorer.pair", lang, name=level, value=place)


def dead_share(units: list[Units]) -> float:
    """Percentage of all channels that are dead."""
    total = sum(unit.channels for unit in units)
    return 100 * sum(unit.dead * unit.channels for unit in units) / total


def variant_maps(view: SessionView, *, on: bool, measured: bool) -> list[Figure]:
    """Depth of a variant in the trained network's colours, and the difference between them."""
    lang, scale = view.lang, view.factor
    _, depth = relu_view(view.key, on, measured, view.info, view.image)
    _, usual = relu_view(view.key, _trained(view), False, view.info, view.image)
    change = (depth - usual) * scale
    title = t("weights.depth_on" if on else "weights.depth_off", lang)
    bar = bar_of([usual * scale, depth * scale], view.unit, colours=view.colours)
    difference, usual_bar = t("weights.change", lang), signed_bar(change, view.unit)
    alt, depth = t("weights.depth_alt", lang), depth * scale
    return [
        mapped(view, "depth-variant", title, depth, bar, alt=alt, depth_m=depth),
        mapped(view, "depth-change", difference, change, usual_bar, change_m=change),
    ]


def units_of(view: SessionView, *, on: bool, measured: bool) -> tuple[list[Units], list[Units]]:
    """What every ReLU sees in a variant, and in the network as trained."""
    units, _ = relu_view(view.key, on, measured, view.info, view.image)
    reference, _ = relu_view(view.key, _trained(view), False, view.info, view.image)
    return units, reference


def relu_curves(view: SessionView, units: list[Units]) -> Figure:
    """Dead channels and values cut off, block by block."""
    lang = view.lang
    places = np.arange(len(units))
    dead = np.array([100 * unit.dead for unit in units])
    zero = np.array([100 * unit.zero for unit in units])
    curves = {
        t("weights.dead_curve", lang): (places, dead),
        t("weights.zero_curve", lang): (places, zero),
    }
    title = t("weights.all_blocks", lang)
    figure = line_figure(curves, x=t("weights.block_number", lang), y="%", title=title)
    names = [block_label(view, unit.name) for unit in units]
    figure.update_traces(
        mode="lines+markers", text=names, hovertemplate="%{text}<br>%{y:.1f} %<extra></extra>"
    )
    return Figure("relu", figure, title, {"dead_percent": dead, "zero_percent": zero})


def filter_histograms(view: SessionView, name: str) -> list[Figure]:
    """A block's filters before and after standardisation."""
    weight, standard = filters(blocks(view.inspector.model)[name])
    shown = []
    for key, values in (("before", weight), ("after", standard)):
        title = t(f"weights.filters_{key}", view.lang)
        figure = _histograms({title: histogram(values)}, view.lang, "weight", title)
        shown.append(Figure(f"weights-{key}", figure, title, {"weight": values.numpy()}))
    return shown


def orders_of(view: SessionView, name: str, *, on: bool) -> tuple[list[Figure], dict[str, Order]]:
    """One block in both orders of norm, ReLU and convolution."""
    lang = view.lang
    orders = order_view(view.key, name, on, view.info, view.image)
    shown = []
    for key, order in orders.items():
        words = t(f"weights.{key}", lang)
        for part, found in (("before_relu", order.units.before), ("output", order.output)):
            title = t(f"weights.{part}", lang, order=words)
            figure = _histograms({title: found}, lang, "activation", title)
            data = {"edges": found.edges.numpy(), "density": found.density.numpy()}
            shown.append(Figure(f"order-{key}-{part.replace('_', '-')}", figure, title, data))
    return shown, orders


def _trained(view: SessionView) -> bool:
    return view.info.config.weight_standardisation


def _histograms(curves: dict[str, Histogram], lang: str, axis: str, title: str) -> go.Figure:
    drawn = {
        name: (((h.edges[1:] + h.edges[:-1]) / 2).numpy(), h.density.numpy())
        for name, h in curves.items()
    }
    return line_figure(
        drawn,
        x=t(f"weights.{axis}", lang),
        y=t("weights.density", lang),
        title=title,
        height=280,
        fill=len(drawn) == 1,
    )


FIRST_BLOCK = "decoder.levels.0.refine"  # where feature, residual and band are mixed


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang, trained = view.lang, view.info.config.weight_standardisation
    heading(lang, "weights")
    left, right = st.columns(2)
    with left:
        on = controls.toggle("ws", t("weights.ws", lang), trained)
    with right:
        measured = controls.toggle(
            "remeasure", t("weights.remeasure", lang), hint=t("weights.remeasure_hint", lang)
        )
    _whole_network(view, on, measured)
    names = {name: block_label(view, name) for name in _blocks(view)}
    block = controls.choice("block", t("weights.block", lang), names, default=FIRST_BLOCK)
    _filters(view, block)
    _orders(view, block, on)


def _blocks(view: SessionView) -> list[str]:
    return list(blocks(view.inspector.model))


def _whole_network(view: SessionView, on: bool, measured: bool) -> None:
    """Every ReLU and the depth, in the chosen variant beside the network as it was trained."""
    lang = view.lang
    with st.spinner(t("explorer.computing", lang)):
        maps = variant_maps(view, on=on, measured=measured)
        units, reference = units_of(view, on=on, measured=measured)
    figures(lang, "variant", maps, columns=2)
    if on == view.info.config.weight_standardisation and not measured:
        st.caption(t("weights.same", lang))
    zero = float(np.mean([100 * unit.zero for unit in units]))
    spread = float(np.mean([unit.spread for unit in units]))
    dead, trained = (f"{dead_share(of):.1f} %" for of in (units, reference))
    values = {"dead": dead, "dead_trained": trained, "zero": f"{zero:.1f} %"}
    numbers(named(lang, "weights", **values, spread=f"{spread:.2f}"))
    figures(lang, "relu", [relu_curves(view, units)])


def _filters(view: SessionView, name: str) -> None:
    lang = view.lang
    st.subheader(t("weights.filters", lang))
    figures(lang, "filters", filter_histograms(view, name), columns=2)
    flat = [weight.flatten(1) for weight in filters(blocks(view.inspector.model)[name])]
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


def _orders(view: SessionView, name: str, on: bool) -> None:
    lang = view.lang
    st.subheader(t("weights.order", lang))
    st.markdown(t("weights.order_note", lang))
    shown, orders = orders_of(view, name, on=on)
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


if __name__ == "__main__":
    run_page(__file__)
