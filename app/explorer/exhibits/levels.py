"""The encoder's features as pictures."""

from __future__ import annotations

import math

import numpy as np

from app.explorer.computed.feature_view import Found, colours_of, grey_tiles, montage
from app.explorer.look import Look
from app.explorer.plots.maps import MEDIUM, picture_figure
from app.explorer.show import Shown
from app.text import t

STRIDES = (2, 4, 8, 16)


def feature_pictures(look: Look, found: Found, *, count: int | None = None) -> list[Shown]:
    """One picture per level, fine -> coarse.

    Args:
        look: the photo.
        found: the features.
        count: None folds all channels into three colours, a number shows so many one by one.
    """
    lang = look.lang
    shown = []
    for stride, feature in zip(STRIDES, reversed(found.features), strict=True):
        channels, height, width = feature.shape
        title = t("levels.feature", lang, stride=stride, channels=channels, w=width, h=height)
        if count is None:
            picture, share = colours_of(feature)
            note = t("levels.pca_alt", lang, stride=stride, percent=100 * share)
            size = look.size
        else:
            tiles = grey_tiles(feature, count)
            picture = montage(tiles, math.ceil(math.sqrt(len(tiles))))
            note = t("levels.montage_alt", lang, stride=stride, count=len(tiles))
            size = (picture.shape[1], picture.shape[0])
        figure = picture_figure(picture, size=size, title=title, longest=MEDIUM)
        data = {"feature": np.asarray(feature)}
        shown.append(Shown(f"feature-{stride}", figure, note, data))
    return shown
