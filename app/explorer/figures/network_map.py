"""The map of the network: its blocks in order, with this photo's tensors, each a way to a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor

from app.common.text import t
from app.explorer.figures.features import colours_of
from app.explorer.page_table import PAGES
from app.explorer.session_view import NAMES, STRIDES, SessionView
from core.files.colormap import colorize

Picture = NDArray[np.uint8]
_THUMBNAIL = 120  # pixels; width of an activation on the map


@dataclass(frozen=True)
class Block:
    """One block: its name, the size of what it gives, a picture of that, and the page about it."""

    name: str
    shape: tuple[int, ...]
    picture: Picture
    page: str


def network_map(view: SessionView) -> dict[str, list[Block]]:
    """Rows of blocks from the photo to the depth, as the data flows; keys are of the texts.

    Sizes and pictures are those of this photo in the loaded model.
    """
    trace = view.trace
    levels = view.prediction.levels
    encoder = [
        _folded(f"1/{stride}", feature, "levels")
        for stride, feature in zip((2, 4, 8, 16), reversed(trace.features), strict=True)
    ]
    aspp = [_folded("1x1", trace.reduced, "aspp")]
    rates = view.info.config.aspp_rates
    for index, branch in enumerate(trace.branches):
        name = t("map.rate", view.lang, rate=rates[index]) if index < len(rates) else "+"
        aspp.append(_folded(name, branch, "atrous"))
    aspp.append(_folded("ASPP", trace.context, "aspp"))
    decoder = [
        _folded(f"1/{stride}", fused, "stacking")
        for stride, fused in zip(STRIDES[1:], trace.fused, strict=True)
    ]
    photo = Block(t("map.photo", view.lang), trace.image.shape[1:], view.working, "differences")
    residuals = [
        Block(name, (1, *level.residual.shape), _painted(level.residual, view), "coarse_to_fine")
        for name, level in zip(NAMES, levels, strict=True)
    ]
    final = levels[-1].depth
    depth = Block(t("map.depth", view.lang), (1, *final.shape), _painted(final, view), "measure")
    return {
        "input": [photo],
        "encoder": encoder,
        "aspp": aspp,
        "decoder": decoder,
        "residuals": residuals,
        "output": [depth],
    }


def draw_map(view: SessionView) -> None:
    """Draws the map; the name below each block is the link to its page."""
    lang = view.lang
    paths = {page.key: page.path for page in PAGES}
    for row, blocks in network_map(view).items():
        st.markdown(f"**{t(f'map.{row}', lang)}** {t(f'map.{row}_does', lang)}")
        with st.container(horizontal=True, key=f"map-{row}"):
            for block in blocks:
                with st.container(width=_THUMBNAIL + 30, gap="small"):
                    st.image(block.picture, width=_THUMBNAIL)
                    st.page_link(paths[block.page], label=f"**{block.name}**")
                    st.caption(" x ".join(map(str, block.shape)))


def _folded(name: str, feature: Tensor, page: str) -> Block:
    picture, _ = colours_of(feature[0])
    return Block(name, tuple(feature.shape[1:]), picture, page)


def _painted(values: NDArray[np.float32], view: SessionView) -> Picture:
    return colorize(values, view.colours)
