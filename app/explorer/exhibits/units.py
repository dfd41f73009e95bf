"""What the decoder's ReLUs see, with and without weight standardisation."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.explorer.cache import order_view, relu_view
from app.explorer.look import NAMES, Look
from app.explorer.plots.bars import bar_of, signed_bar
from app.explorer.plots.curves import line_figure
from app.explorer.plots.maps import MEDIUM, map_figure
from app.explorer.show import Shown
from app.text import t
from core.inside.activations import Histogram, Order, Units, blocks, filters, histogram


def block_label(look: Look, name: str) -> str:
    """A block's place in the network, from its module name."""
    lang, parts = look.lang, name.split(".")
    if parts[:2] == ["aspp", "branches"]:
        rate = t("atrous.rate", lang, rate=look.info.config.aspp_rates[int(parts[2])])
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


def variant_maps(look: Look, *, on: bool, measured: bool) -> list[Shown]:
    """Depth of a variant in the trained network's colours, and the difference between them."""
    lang, scale = look.lang, look.factor
    _, depth = relu_view(look.key, on, measured, look.info, look.image)
    _, usual = relu_view(look.key, _trained(look), False, look.info, look.image)
    change = (depth - usual) * scale
    title = t("weights.depth_on" if on else "weights.depth_off", lang)
    bar = bar_of(usual * scale, look.unit, colours=look.colours)
    difference = t("weights.change", lang)
    return [
        Shown(
            "depth-variant",
            map_figure(depth * scale, bar, size=look.size, title=title, longest=MEDIUM),
            t("weights.depth_alt", lang),
            {"depth_m": depth * scale},
        ),
        Shown(
            "depth-change",
            map_figure(
                change,
                signed_bar(change, look.unit),
                size=look.size,
                title=difference,
                longest=MEDIUM,
            ),
            difference,
            {"change_m": change},
        ),
    ]


def units_of(look: Look, *, on: bool, measured: bool) -> tuple[list[Units], list[Units]]:
    """What every ReLU sees in a variant, and in the network as trained."""
    units, _ = relu_view(look.key, on, measured, look.info, look.image)
    reference, _ = relu_view(look.key, _trained(look), False, look.info, look.image)
    return units, reference


def relu_curves(look: Look, units: list[Units]) -> Shown:
    """Dead channels and values cut off, block by block."""
    lang = look.lang
    places = np.arange(len(units))
    dead = np.array([100 * unit.dead for unit in units])
    zero = np.array([100 * unit.zero for unit in units])
    curves = {
        t("weights.dead_curve", lang): (places, dead),
        t("weights.zero_curve", lang): (places, zero),
    }
    title = t("weights.all_blocks", lang)
    figure = line_figure(curves, x=t("weights.block_number", lang), y="%", title=title)
    names = [block_label(look, unit.name) for unit in units]
    figure.update_traces(
        mode="lines+markers", text=names, hovertemplate="%{text}<br>%{y:.1f} %<extra></extra>"
    )
    return Shown("relu", figure, title, {"dead_percent": dead, "zero_percent": zero})


def filter_histograms(look: Look, name: str) -> list[Shown]:
    """A block's filters before and after standardisation."""
    weight, standard = filters(blocks(look.inspector.model)[name])
    shown = []
    for key, values in (("before", weight), ("after", standard)):
        title = t(f"weights.filters_{key}", look.lang)
        figure = _histograms({title: histogram(values)}, look.lang, "weight", title)
        shown.append(Shown(f"weights-{key}", figure, title, {"weight": values.numpy()}))
    return shown


def orders_of(look: Look, name: str, *, on: bool) -> tuple[list[Shown], dict[str, Order]]:
    """One block in both orders of norm, ReLU and convolution."""
    lang = look.lang
    orders = order_view(look.key, name, on, look.info, look.image)
    shown = []
    for key, order in orders.items():
        words = t(f"weights.{key}", lang)
        for part, found in (("before_relu", order.units.before), ("output", order.output)):
            title = t(f"weights.{part}", lang, order=words)
            figure = _histograms({title: found}, lang, "activation", title)
            data = {"edges": found.edges.numpy(), "density": found.density.numpy()}
            shown.append(Shown(f"order-{key}-{part.replace('_', '-')}", figure, title, data))
    return shown, orders


def _trained(look: Look) -> bool:
    return look.info.config.weight_standardisation


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
