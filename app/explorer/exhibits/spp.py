"""Spatial pyramid pooling: the pooled vectors, and what plain resizing loses instead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from app.explorer.computed.feature_view import deepest_feature
from app.explorer.look import Look
from app.explorer.plots.bars import ERROR, Bar
from app.explorer.plots.curves import line_figure
from app.explorer.plots.maps import MEDIUM, map_figure, picture_figure
from app.explorer.show import Shown
from app.text import t
from core.imaging.resize import resize_rgb, working_size

HEIGHTS = (96, 160, 240, 320)
SIDE = 128  # pixels of the square that photos are squeezed to where nobody chooses
PARTS = 200  # of the vectors drawn


def features_at_heights(look: Look) -> tuple[list[tuple[int, int]], list[Tensor]]:
    """The photo at several sizes (width, height), and its deepest feature (c, h, w) at each."""
    sizes = [working_size(look.size, height) for height in HEIGHTS]
    return sizes, [deepest_feature(look, *size) for size in sizes]


def profile(lang: str, sizes: list[tuple[int, int]], vectors: list[Tensor]) -> Shown:
    """The first and the last vector drawn over each other, neighbouring entries averaged."""
    curves, data = {}, {}
    for (w, h), vector in ((sizes[0], vectors[0]), (sizes[-1], vectors[-1])):
        parts = functional.adaptive_avg_pool1d(vector[None, None], PARTS)[0, 0].numpy()
        curves[f"{w} x {h}"] = (np.arange(len(parts)), parts)
        data[f"vector_{w}x{h}"] = vector.numpy()
    title = t("spp.profile", lang)
    figure = line_figure(curves, x=t("spp.entry", lang), y=t("spp.value", lang), title=title)
    return Shown("spp-vectors", figure, title, data)


def resized(look: Look, side: int = SIDE) -> tuple[NDArray[np.floating], list[Shown]]:
    """What squeezing to a square loses: % of full brightness by pixel, and as pictures."""
    lang, seen = look.lang, look.prediction.working.rgb
    height, width = seen.shape[:2]
    small = resize_rgb(seen, (side, side))
    back = resize_rgb(small, (width, height))
    lost: NDArray[np.floating] = (back.float() - seen.float()).abs().mean(2).numpy() / 2.55
    bar = Bar(0.0, float(np.quantile(lost, 0.99)) or 1.0, "%", ERROR, 1)
    squashed, title = t("spp.squashed", lang), t("spp.lost_map", lang)
    return lost, [
        Shown(
            "squashed",
            picture_figure(small.numpy(), size=(side, side), title=squashed, longest=MEDIUM),
            squashed,
            {"rgb": small.numpy()},
        ),
        Shown(
            "lost",
            map_figure(lost, bar, size=look.size, title=title, longest=MEDIUM),
            t("spp.lost_alt", lang),
            {"lost_percent": lost},
        ),
    ]
