"""Which cells of its input an atrous branch can read, and which it does read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.explorer.computed.atrous_view import AsppView
from app.explorer.look import Look
from app.explorer.plots.bars import ERROR, Bar
from app.explorer.plots.over_photo import over_photo, points_over_photo
from app.explorer.show import Shown
from app.text import t
from core.inside.receptive_field import cell_of


@dataclass(frozen=True)
class Sampling:
    """One branch at one place.

    Attributes:
        shown: the sampling grid and the gradient, over the photo.
        outside: cells of the grid that lie outside the photo.
        read: cells whose gradient is not exactly 0.
    """

    shown: list[Shown]
    outside: int
    read: int


def sampling(
    look: Look,
    view: AsppView,
    branch: int,
    offsets: list[tuple[int, int]],
    place: tuple[float, float],
) -> Sampling:
    """A branch's sampling grid beside the gradient of its output.

    Args:
        look: the photo.
        view: the pyramid with its input.
        branch: which of its branches.
        offsets: (row, column) of every cell that the branch can read, from the place.
        place: share of height and width.
    """
    lang = look.lang
    height, width = view.feature.shape[-2:]
    y, x = cell_of(place[0], height), cell_of(place[1], width)
    cells = np.array([(y + i, x + j) for i, j in offsets])
    inside = ((cells >= 0) & (cells < (height, width))).all(1)
    step_x, step_y = look.size[0] / width, look.size[1] / height
    u, v = (cells[inside, 1] + 0.5) * step_x - 0.5, (cells[inside, 0] + 0.5) * step_y - 0.5
    seen = view.seen(branch, y, x)
    strength = np.where(seen > 0, np.log10(np.maximum(seen, 1e-30) / seen.max()), np.nan)
    grid = points_over_photo(
        look.screen,
        u,
        v,
        size=look.size,
        title=t("atrous.grid", lang, count=len(offsets)),
        marker_size=7 if len(offsets) < 40 else 4,
    )
    bar = Bar(-4.0, 0.0, t("atrous.log_unit", lang), ERROR, 1)
    title = t("atrous.cells", lang)
    gradient = over_photo(look.screen, strength, bar, size=look.size, title=title)
    offset_table = {"offsets_rows_columns": np.array(offsets)}
    shown = [
        Shown("sampling-grid", grid, t("atrous.grid_alt", lang), offset_table),
        Shown("cells-read", gradient, t("atrous.cells_alt", lang), {"gradient": seen}),
    ]
    return Sampling(shown, int((~inside).sum()), int((seen > 0).sum()))
