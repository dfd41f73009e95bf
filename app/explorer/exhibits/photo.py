"""The photo, its depth, and how far that may be off."""

from __future__ import annotations

from app.explorer.exhibits.confidence import expected_map
from app.explorer.look import Look
from app.explorer.plots.bars import bar_of
from app.explorer.plots.maps import MEDIUM, map_figure, picture_figure
from app.explorer.show import Shown
from app.text import t


def photo_and_depth(look: Look) -> list[Shown]:
    """The two pictures that everything is about, and the expected error where there is one."""
    lang, depth = look.lang, look.prediction.depth
    step = max(1, max(depth.shape) // 500)
    bar = bar_of(depth[::step, ::step], look.unit, colours=look.colours)
    photo, title = t("start.photo", lang), t("start.depth", lang)
    return [
        Shown(
            "photo",
            picture_figure(look.screen, size=look.size, title=photo, longest=MEDIUM),
            photo,
        ),
        Shown(
            "depth",
            map_figure(depth, bar, size=look.size, title=title, longest=MEDIUM),
            t("start.depth_alt", lang),
            {"depth_m": depth},
        ),
        *expected_map(look),
    ]
