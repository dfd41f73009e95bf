"""The map of the network: its blocks in order, with this photo's tensors, each a way to a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment
from app.explorer.figure_view import Figure, figures
from app.explorer.figures.features import colours_of, place_of, receptive_fields
from app.explorer.memory import cached
from app.explorer.page_table import PAGES
from app.explorer.plots.maps import Map
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


@fragment
def draw_map(view: SessionView) -> None:
    """Draws the map and what one pixel hangs on; the name below each block is a link to its page.

    The pointer marks the same place in all blocks; a click follows that pixel back to the photo.
    """
    lang = view.lang
    paths = {page.key: page.path for page in PAGES}
    place = _path(view)
    pin = ((place[1] * view.size[0], place[0] * view.size[1], ""),)
    for row, blocks in _kept(view.space_key, lang, view.colours, view).items():
        st.markdown(f"**{t(f'map.{row}', lang)}** {t(f'map.{row}_does', lang)}")
        with st.container(horizontal=True, key=f"map-{row}"):
            for index, block in enumerate(blocks):
                with st.container(width=_THUMBNAIL + 30, gap="small"):
                    shown = Map(view.size, rgb=block.picture, line=pin)
                    alt = t("map.block_alt", lang, name=block.name)
                    figure = Figure(block.name, shown, alt, on_point=partial(_picked, view.size))
                    figures(lang, f"{row}-{index}", [figure], bare=True)
                    st.page_link(paths[block.page], label=f"**{block.name}**")
                    st.caption(" x ".join(map(str, block.shape)))


@cached
def _kept(
    key: str,  # noqa: ARG001  (a key of the cache, as are the next two)
    lang: str,  # noqa: ARG001
    colours: str,  # noqa: ARG001
    _view: SessionView,
) -> dict[str, list[Block]]:
    return network_map(_view)


def _path(view: SessionView) -> tuple[float, float]:
    """One pixel followed back: the part of the photo that each stage sees of it, finest first."""
    lang = view.lang
    st.markdown(f"**{t('map.path', lang)}** {t('map.path_does', lang)}")
    place = place_of(lang)
    names = {f"feature{stride}": f"1/{stride}" for stride in (2, 4, 8, 16)}
    names |= {"aspp": "ASPP", "depth": t("map.depth", lang)}
    shown, extents = receptive_fields(view, names, place)
    sized = [
        replace(item, figure=replace(item.figure, title=f"{name}: {size}"))
        for item, (name, size) in zip(shown, extents, strict=True)
    ]
    figures(lang, "path", sized, columns=6)
    return place


def _picked(size: tuple[int, int], x: float, y: float) -> None:
    """Moves the sliders to a pixel that was clicked."""
    for key, share in (("px", x / size[0]), ("py", y / size[1])):
        controls.put(key, float(round(100 * share)))


def _folded(name: str, feature: Tensor, page: str) -> Block:
    picture, _ = colours_of(feature[0])
    return Block(name, tuple(feature.shape[1:]), picture, page)


def _painted(values: NDArray[np.float32], view: SessionView) -> Picture:
    return colorize(values, view.colours)
