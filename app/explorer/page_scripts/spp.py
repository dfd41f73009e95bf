"""Idea 3a: spatial pyramid pooling, a vector of fixed length from a picture of any size."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, mapped, pictured
from app.explorer.figures.features import deepest_feature
from app.explorer.page_head import heading
from app.explorer.plots.charts import ERROR, Bar, line_figure
from app.explorer.session_view import SessionView, run_page
from core.images.resize import resize_rgb, working_size
from core.inspect.features import SPP_GRIDS, spatial_pyramid_pool

HEIGHTS = (96, 160, 240, 320)
SIDE = 128  # pixels of the square that photos are squeezed to where nobody chooses
PARTS = 200  # of the vectors drawn


def features_at_heights(view: SessionView) -> tuple[list[tuple[int, int]], list[Tensor]]:
    """The photo at several sizes (width, height), and its deepest feature (c, h, w) at each."""
    sizes = [working_size(view.size, height) for height in HEIGHTS]
    return sizes, [deepest_feature(view, *size) for size in sizes]


def profile(lang: str, sizes: list[tuple[int, int]], vectors: list[Tensor]) -> Figure:
    """The first and the last vector drawn over each other, neighbouring entries averaged."""
    curves, data = {}, {}
    for (w, h), vector in ((sizes[0], vectors[0]), (sizes[-1], vectors[-1])):
        parts = functional.adaptive_avg_pool1d(vector[None, None], PARTS)[0, 0].numpy()
        curves[f"{w} x {h}"] = (np.arange(len(parts)), parts)
        data[f"vector_{w}x{h}"] = vector.numpy()
    title = t("spp.profile", lang)
    figure = line_figure(curves, x=t("spp.entry", lang), y=t("spp.value", lang), title=title)
    return Figure("spp-vectors", figure, title, data)


def resized(view: SessionView, side: int = SIDE) -> tuple[NDArray[np.floating], list[Figure]]:
    """What squeezing to a square loses: % of full brightness by pixel, and as pictures."""
    lang, seen = view.lang, view.prediction.working.rgb
    height, width = seen.shape[:2]
    (small,) = resize_rgb(seen, (side, side))
    (back,) = resize_rgb(small, (width, height))
    lost: NDArray[np.floating] = np.abs(back.astype(np.float32) - seen).mean(2) / 2.55
    bar = Bar(0.0, float(np.quantile(lost, 0.99)) or 1.0, "%", ERROR, 1)
    squashed, title = t("spp.squashed", lang), t("spp.lost_map", lang)
    return lost, [
        pictured(view, "squashed", squashed, small, linked=False, rgb=small),
        mapped(view, "lost", title, lost, bar, alt=t("spp.lost_alt", lang), lost_percent=lost),
    ]


GRIDS = {"1": (1,), "12": (1, 2), "124": SPP_GRIDS, "1248": (1, 2, 4, 8)}


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "spp")
    left, right = st.columns(2)
    with left:
        names = {key: " + ".join(f"{n}x{n}" for n in grids) for key, grids in GRIDS.items()}
        grids = GRIDS[controls.choice("grids", t("spp.grids", lang), names, default="124")]
    with right:
        side = int(
            controls.slider("side", t("spp.square", lang), 64, 256, 128, step=16, pattern="%.0f px")
        )
    with st.spinner(t("explorer.computing", lang)):
        sizes, features = features_at_heights(view)
        squashed = deepest_feature(view, side, side)
        shape = _in_shape(view, side)
        scaled = spatial_pyramid_pool(deepest_feature(view, *shape), grids)
    vectors = [spatial_pyramid_pool(feature, grids) for feature in features]
    square = spatial_pyramid_pool(squashed, grids)
    _lengths(lang, sizes, features, vectors)
    figures(lang, "spp", [profile(lang, sizes, vectors)])
    _loss_of_resizing(view, side, shape, alike(vectors[-1], square), alike(vectors[-1], scaled))


def _in_shape(view: SessionView, side: int) -> tuple[int, int]:
    """Width and height of the photo with as many pixels as the square of that side, about."""
    width, height = view.size
    return working_size(view.size, max(32, round(side * (height / width) ** 0.5)))


def alike(a: torch.Tensor, b: torch.Tensor) -> float:
    """Cosine of the angle between two vectors: 1 is the same direction."""
    return float(functional.cosine_similarity(a, b, dim=0))


def _lengths(
    lang: str,
    sizes: list[tuple[int, int]],
    features: list[torch.Tensor],
    vectors: list[torch.Tensor],
) -> None:
    st.subheader(t("spp.same_length", lang))
    st.table(
        {
            t("spp.photo_at", lang): [f"{w} x {h}" for w, h in sizes],
            t("spp.feature", lang): [" x ".join(map(str, f.shape)) for f in features],
            t("spp.flattened", lang): [f"{f.numel():,}" for f in features],
            t("spp.vector", lang): [f"{len(v):,}" for v in vectors],
            t("spp.alike", lang): [f"{alike(vectors[-1], v):.3f}" for v in vectors],
        }
    )
    st.caption(t("spp.alike_note", lang))


def _loss_of_resizing(
    view: SessionView, side: int, shape: tuple[int, int], squashed: float, scaled: float
) -> None:
    lang = view.lang
    st.subheader(t("spp.plain", lang))
    st.markdown(t("spp.plain_note", lang, side=side))
    lost, shown = resized(view, side)
    height, width = lost.shape
    values = named(
        lang,
        "spp",
        stretch=f"{width / height:.2f} : 1",
        lost=f"{np.sqrt((lost**2).mean()):.1f} %",
        alike_square=f"{squashed:.3f}",
    )
    hint = t("spp.alike_hint", lang, w=shape[0], h=shape[1])
    numbers([*values, (t("spp.alike_scaled", lang), f"{scaled:.3f}", hint)])
    figures(lang, "resizing", shown, columns=2)


if __name__ == "__main__":
    run_page(__file__)
