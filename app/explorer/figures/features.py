"""Features of any encoder, and of the photo at any size, for the pages that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.common.translations import t
from app.explorer import cache, controls
from app.explorer.figure_view import Figure, mapped
from app.explorer.memory import cached
from app.explorer.plots.charts import ERROR, Bar
from app.explorer.session_view import SessionView
from core.errors import CheckpointError
from core.images.resize import resize_rgb
from core.inspect.features import principal_colours, strongest_channels
from core.inspect.receptive_field import extent
from core.model.encoders import Encoder, build_encoder
from core.weights.imagenet import load_imagenet_weights
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

SEED = 0
FLOOR = 1e-4  # of the strongest gradient: below, nothing is drawn


@dataclass(frozen=True, eq=False)
class Found:
    """An encoder's features of the photo.

    Attributes:
        features: (c, h, w) at 1/16, 1/8, 1/4, 1/2.
        weights: "trained" (with this model), "imagenet" or "random".
    """

    features: list[Tensor]
    weights: str


def encoder_features(view: SessionView, name: str | None) -> Found:
    """The features of the loaded model's encoder (None), or of one of the registry."""
    if name is None:
        return Found([feature[0] for feature in view.trace.features], "trained")
    return _registry_features(view.key, name, view.image)


@cached
def _registry_features(key: str, name: str, _image: Tensor) -> Found:  # noqa: ARG001  (a key)
    encoder, weights = _registry_encoder(name)
    with torch.inference_mode():
        return Found([feature[0] for feature in encoder(_image)], weights)


@cached
def _registry_encoder(name: str) -> tuple[Encoder, str]:
    """An encoder with ImageNet weights where they are installed, else with random ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        encoder = build_encoder(name).eval().requires_grad_(False)
    try:
        load_imagenet_weights(encoder)
    except CheckpointError:
        return encoder, "random"
    return encoder, "imagenet"


def deepest_feature(view: SessionView, width: int, height: int) -> Tensor:
    """The 1/16 feature (c, h, w) of the photo resampled to a size, aspect ratio and all."""
    return _deepest(view.key, width, height, view.info, view.photo.rgb)


@cached
def _deepest(
    key: str,  # noqa: ARG001  (a key of the cache)
    width: int,
    height: int,
    _info: ModelInfo,
    _rgb: NDArray[np.uint8],
) -> Tensor:
    opened = cache.network(_info)
    seen = resize_rgb(_rgb, (width, height))[0]
    with opened.lock, torch.inference_mode():
        feature: Tensor = opened.model.encoder(torch.from_numpy(normalised(seen)))[0][0]
    return feature


def grey_tiles(feature: Tensor, count: int) -> list[NDArray[np.uint8]]:
    """The channels that vary most, each stretched from black (least) to white (most)."""
    chosen = feature[strongest_channels(feature, count)]
    low = chosen.amin((1, 2), keepdim=True)
    spread = (chosen.amax((1, 2), keepdim=True) - low).clamp_min(1e-12)
    return list(((chosen - low) / spread * 255).round().to(torch.uint8).numpy())


def montage(tiles: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Equal grey tiles (h, w) as one (H, W, 3) picture with thin white lines between them."""
    height, width = tiles[0].shape
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (
            n * (s + 1) for n, s in zip(divmod(index, columns), (height, width), strict=True)
        )
        sheet[top : top + height, left : left + width] = tile
    return np.repeat(sheet[..., None], 3, axis=2)


def colours_of(feature: Tensor) -> tuple[NDArray[np.uint8], float]:
    """A feature (c, h, w) as an RGB picture (h, w, 3), and the share of its variance in it."""
    colours, shares = principal_colours(feature)
    picture: NDArray[np.uint8] = (colours.numpy() * 255).round().astype(np.uint8)
    return picture, float(shares.sum())


def receptive_fields(
    view: SessionView, names: dict[str, str], place: tuple[float, float]
) -> tuple[list[Figure], list[tuple[str, str]]]:
    """Effective receptive fields over the photo, and the width x height that hold 95 % of each.

    Args:
        names: stage -> what it is called.
        place: share of height and width.
    """
    fields = cache.fields_of(view.key, tuple(names), *place, view.info, view.image)
    shown, extents = [], []
    for stage, title in names.items():
        field = fields[stage]
        peak = float(field.max()) or 1.0
        strength = np.where(field > peak * FLOOR, np.log10(np.maximum(field, 1e-30) / peak), np.nan)
        high, wide = extent(torch.tensor(field))
        extents.append((title, f"{wide} x {high} px"))
        bar = Bar(-3.0, 0.0, t("atrous.log_unit", view.lang), ERROR, 1)
        name, alt = f"receptive-field-{stage}", t("atrous.field_alt", view.lang, stage=title)
        shown.append(mapped(view, name, title, strength, bar, alt=alt, over=True, gradient=field))
    return shown, extents


def place_of(lang: str) -> tuple[float, float]:
    """The place that receptive fields are of, as shares of height and width, by two sliders."""
    left, right = st.columns(2)
    with left:
        column = controls.percent("px", t("explorer.across", lang), 50)
    with right:
        row = controls.percent("py", t("explorer.down", lang), 50)
    return row / 100, column / 100
