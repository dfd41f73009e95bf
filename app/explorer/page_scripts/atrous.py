"""Idea 3b: atrous convolution, a wide view from few weights."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, mapped
from app.explorer.figures.features import place_of, receptive_fields
from app.explorer.memory import cached
from app.explorer.page_head import heading
from app.explorer.plots.charts import ERROR, MASK, Bar
from app.explorer.session_view import SessionView, run_page
from core.inspect.features import CLASSIC_RATES, DENSE_RATES, cascade_taps, reach, taps
from core.inspect.receptive_field import cell_of, cells_seen
from core.model import ModelConfig
from core.model.aspp import ASPP

SEED = 0


@dataclass(frozen=True, eq=False)
class AsppView:
    """An ASPP and its input.

    Attributes:
        aspp: the model's own, or one with random weights.
        feature: (1, c, h, w), the encoder's 1/16 feature of the photo.
        trained: whether the weights are the model's.
        lock: held while the ASPP runs with hooks.
    """

    aspp: ASPP
    feature: Tensor
    trained: bool
    lock: threading.Lock

    def seen(self, branch: int, y: int, x: int) -> NDArray[np.float32]:
        """(h, w): how strongly one place of a branch hangs on each cell, 0 where not at all."""
        with self.lock:
            seen: NDArray[np.float32] = cells_seen(self.aspp, self.feature, branch, y, x).numpy()
        return seen


def asppview(view: SessionView, kind: str, rates: tuple[int, ...]) -> AsppView:
    """The model's own ASPP where it is of this kind with these rates, else a random one."""
    own = view.info.config
    opened = view.inspector
    feature = view.trace.features[0]
    if (kind, rates) == (own.aspp, own.aspp_rates):
        return AsppView(opened.model.aspp, feature, trained=True, lock=opened.lock)
    aspp = _random_aspp(view.info.sha256, kind, rates, feature.shape[1], own)
    return AsppView(aspp, feature, trained=False, lock=opened.lock)


@cached
def _random_aspp(
    model_sha: str,  # noqa: ARG001  (a key of the cache)
    kind: str,
    rates: tuple[int, ...],
    channels: int,
    _config: ModelConfig,
) -> ASPP:
    config = replace(_config, aspp=kind, aspp_rates=rates)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return ASPP(channels, config.decoder_width or channels, config).eval().requires_grad_(False)


def sampling(
    view: SessionView,
    pyramid: AsppView,
    branch: int,
    offsets: list[tuple[int, int]],
    place: tuple[float, float],
) -> tuple[list[Figure], int, int]:
    """A branch's sampling grid beside the gradient of its output.

    Args:
        offsets: (row, column) of every cell that the branch can read, from the place.
        place: share of height and width.

    Returns:
        Both over the photo; how many cells of the grid lie outside it; and how many cells have a
        gradient that is not exactly 0.
    """
    lang = view.lang
    height, width = pyramid.feature.shape[-2:]
    y, x = cell_of(place[0], height), cell_of(place[1], width)
    cells = np.array([(y + i, x + j) for i, j in offsets])
    inside = ((cells >= 0) & (cells < (height, width))).all(1)
    sampled = np.full((height, width), np.nan, np.float32)
    sampled[tuple(cells[inside].T)] = 0.25
    seen = pyramid.seen(branch, y, x)
    strength = np.where(seen > 0, np.log10(np.maximum(seen, 1e-30) / seen.max()), np.nan)
    bar = Bar(-4.0, 0.0, t("atrous.log_unit", lang), ERROR, 1)
    grid, cells_read = t("atrous.grid", lang, count=len(offsets)), t("atrous.cells", lang)
    over: dict[str, Any] = {"over": True, "alt": t("atrous.grid_alt", lang)}
    over["offsets_rows_columns"] = np.array(offsets)
    read: dict[str, Any] = {"over": True, "alt": t("atrous.cells_alt", lang), "gradient": seen}
    shown = [
        mapped(view, "sampling-grid", grid, sampled, MASK, **over),
        mapped(view, "cells-read", cells_read, strength, bar, **read),
    ]
    return shown, int((~inside).sum()), int((seen > 0).sum())


STRIDE = 16


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "atrous")
    own = view.info.config
    left, right = st.columns(2)
    with left:
        kinds = {kind: t(f"atrous.{kind}", lang) for kind in ("dense", "classic")}
        name, hint = t("atrous.kind", lang), t("atrous.kind_hint", lang)
        kind = controls.choice("aspp", name, kinds, default=own.aspp, buttons=True, hint=hint)
    usual = DENSE_RATES if kind == "dense" else CLASSIC_RATES
    rates = own.aspp_rates if kind == own.aspp else usual
    with right:
        labels = {str(i): t("atrous.rate", lang, rate=rate) for i, rate in enumerate(rates)}
        branch = int(
            controls.choice("rate", t("atrous.branch", lang), labels, default="1", buttons=True)
        )
    row, column = place_of(lang)
    with st.spinner(t("explorer.computing", lang)):
        pyramid = asppview(view, kind, rates)
    if not pyramid.trained:
        st.warning(t("atrous.untrained", lang), icon=":material/info:")
    offsets = cascade_taps(rates, branch) if kind == "dense" else taps(rates[branch])
    _sampling(view, pyramid, branch, offsets, (row, column))
    if pyramid.trained:
        _effective(view, branch, len(rates), (row, column))
    else:
        st.caption(t("atrous.effective_unknown", lang))
    st.subheader(t("atrous.table", lang))
    st.table(_table(lang, view))


def _sampling(
    view: SessionView,
    pyramid: AsppView,
    branch: int,
    offsets: list[tuple[int, int]],
    place: tuple[float, float],
) -> None:
    """The cells that the branch can read, and those that it does read, over the photo."""
    lang = view.lang
    shown, outside, read = sampling(view, pyramid, branch, offsets, place)
    figures(lang, "sampling", shown, columns=2)
    cells_across = reach(offsets)
    values = {"samples": len(offsets), "outside": outside, "read": read}
    reached = f"{cells_across} x {STRIDE} = {cells_across * STRIDE} px"
    numbers(named(lang, "atrous", **{n: str(v) for n, v in values.items()}, reach=reached))


def _effective(view: SessionView, branch: int, count: int, place: tuple[float, float]) -> None:
    """Gradients with respect to the photo: what one output truly hangs on."""
    lang = view.lang
    st.subheader(t("atrous.effective", lang))
    st.markdown(t("atrous.effective_note", lang))
    stages = {
        "feature16": t("atrous.stage_encoder", lang),
        **{f"branch{i}": t("atrous.stage_branch", lang, number=i + 1) for i in range(count)},
        "aspp": t("atrous.stage_aspp", lang),
        "depth": t("atrous.stage_depth", lang),
    }
    stage = controls.choice(
        "stage", t("atrous.stage", lang), stages, default=f"branch{branch}", buttons=False
    )
    chosen = {name: stages[name] for name in dict.fromkeys(("feature16", stage, "aspp"))}
    with st.spinner(t("explorer.computing", lang)):
        shown, extents = receptive_fields(view, chosen, place)
    figures(lang, "receptive-fields", shown, columns=len(shown))
    numbers([(name, size, t("atrous.extent_hint", lang)) for name, size in extents])


def _table(lang: str, view: SessionView) -> dict[str, list[str]]:
    """Classic and dense rates compared: samples and reach, from the geometry alone."""
    rows, width = [], view.image.shape[-1]
    for kind, rates in (("classic", CLASSIC_RATES), ("dense", DENSE_RATES)):
        for index, rate in enumerate(rates):
            offsets = cascade_taps(rates, index) if kind == "dense" else taps(rate)
            pixels = reach(offsets) * STRIDE
            words = t("atrous.reach_of", lang, pixels=pixels, times=pixels / width)
            name, branch = t(f"atrous.{kind}", lang), t("atrous.rate", lang, rate=rate)
            rows.append((name, branch, str(len(offsets)), words))
    names = (t(f"atrous.{name}", lang) for name in ("kind", "branch", "samples", "reach"))
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


if __name__ == "__main__":
    run_page(__file__)
