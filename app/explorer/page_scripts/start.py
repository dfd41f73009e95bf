"""The first page: the photo, its depth, what the other pages explain, the map of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor

from app.common.summary import depth_range
from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, maps_message, on_phone
from app.explorer.figures.features import colours_of, place_of, receptive_fields
from app.explorer.figures.measuring import with_error
from app.explorer.figures.photo import photo_and_depth
from app.explorer.memory import cached
from app.explorer.page_head import formulas, progress, title
from app.explorer.page_scripts.coarse_to_fine import SUMS
from app.explorer.page_table import PAGES, TOUR
from app.explorer.plots.maps import Map
from app.explorer.session_view import NAMES, STRIDES, SessionView, current, run_page
from core.files.colormap import colorize

Picture = NDArray[np.uint8]
_THUMBNAIL = 120  # pixels; width of an activation on the map


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    title(lang, "start")
    if controls.is_on(TOUR):
        progress(lang)
    else:
        if view.example:
            st.markdown(t("start.begin", lang))
        begin, icon = t("tour.begin", lang), ":material/tour:"
        st.button(begin, on_click=controls.put, args=(TOUR, True), icon=icon)
    shown = photo_and_depth(view)
    ready = _message(f"{view.space_key}-{view.colours}", lang, shown)
    figures(lang, "start", shown, columns=len(shown), ready=ready)
    if view.prediction.confidence is not None:
        st.caption(t("explorer.expected_note", lang))
    extent = depth_range(view.result)
    places = (("nearest", extent.min), ("middle", extent.median), ("farthest", extent.max))
    values = {name: with_error(value, None, view.unit) for name, value in places}
    time = f"{view.prediction.milliseconds:.0f} ms"
    numbers(named(lang, "start", **values, time=time))
    low, high = (view.scale / (1 + np.exp(-edge)) for edge in SUMS)
    st.caption(t("start.range", lang, low=low, high=high))
    formulas(lang, "start")
    _model_card(view)
    st.subheader(t("map.title", lang))
    if controls.toggle("net", t("map.show", lang), hint=t("map.hint", lang)):
        with st.spinner(t("explorer.computing", lang)):
            draw_map(view)
    _all_pages(lang)


@cached
def _message(key: str, lang: str, _shown: Sequence[Figure]) -> bytes:  # noqa: ARG001  (names it)
    """What the canvas draws, made once for all who look at the same photo."""
    photo = current().photo.sha256
    return maps_message(lang, _shown, columns=len(_shown), name="start", photo=photo)


def _all_pages(lang: str) -> None:
    """What is on each page; drawn where the box is open, since so many links take a browser long.

    On a phone, where the menu is hidden, it is open at first.
    """
    words, icon = t("start.tour", lang), ":material/menu_book:"
    box = st.expander(words, on_phone(), key="all pages", icon=icon, on_change="rerun")
    if not box.open:
        return
    with box:
        for start in range(1, len(PAGES), 3):
            for place, page in zip(st.columns(3), PAGES[start : start + 3], strict=False):
                place.page_link(page.path, label=f"**{page.title(lang)}**", icon=page.icon)
                place.caption(t(f"{page.key}.short", lang))


def _model_card(view: SessionView) -> None:
    info, lang = view.info, view.lang
    with st.expander(t("start.model", lang, name=info.name), icon=":material/info:"):
        rows = [
            (t("start.encoder", lang), info.config.encoder),
            (t("start.trained_on", lang), info.training_data),
            (t("start.licence", lang), info.licence),
            (t("start.max_depth", lang), f"{info.config.max_depth:g} m"),
        ]
        for table, word in ((info.measured, "measured"), (info.published, "published")):
            for name, value in table.items():
                rows.append((f"{t(f'start.{word}', lang)}: {name}", _plain(value)))
        pairs = (t("explorer.pair", lang, name=f"**{name}**", value=v) for name, v in rows)
        st.markdown("\n\n".join(pairs))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        figures_only = {key: item for key, item in value.items() if key != "command"}
        return ", ".join(f"{key} {_plain(item)}" for key, item in figures_only.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


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


if __name__ == "__main__":
    run_page(__file__)
