"""Idea 3a: spatial pyramid pooling, a vector of fixed length from a picture of any size."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from torch.nn import functional

from app.explorer import controls
from app.explorer.computed.feature_view import deepest_feature
from app.explorer.exhibits.spp import features_at_heights, profile, resized
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading, numbers
from app.text import t
from core.inside.features import SPP_GRIDS, spatial_pyramid_pool

GRIDS = {"1": (1,), "12": (1, 2), "124": SPP_GRIDS, "1248": (1, 2, 4, 8)}


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
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
        sizes, kept = features_at_heights(look)
        squashed = deepest_feature(look, side, side)
    vectors = [spatial_pyramid_pool(feature, grids) for feature in kept]
    square = spatial_pyramid_pool(squashed, grids)
    _lengths(lang, sizes, kept, vectors)
    figures(lang, "spp", [profile(lang, sizes, vectors)])
    _loss_of_resizing(look, side, alike(vectors[-1], square), alike(vectors[-1], vectors[0]))


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


def _loss_of_resizing(look: Look, side: int, squashed: float, scaled: float) -> None:
    lang = look.lang
    st.subheader(t("spp.plain", lang))
    st.markdown(t("spp.plain_note", lang, side=side))
    lost, shown = resized(look, side)
    height, width = lost.shape
    numbers(
        [
            (t("spp.stretch", lang), f"{width / height:.2f} : 1", t("spp.stretch_hint", lang)),
            (t("spp.lost", lang), f"{np.sqrt((lost**2).mean()):.1f} %", t("spp.lost_hint", lang)),
            (t("spp.alike_square", lang), f"{squashed:.3f}", None),
            (t("spp.alike_scaled", lang), f"{scaled:.3f}", t("spp.alike_hint", lang)),
        ]
    )
    figures(lang, "resizing", shown, columns=2)


draw(current())
