"""Bands of the photo, residuals of the depth, and the sum level by level."""

from __future__ import annotations

import numpy as np

from app.explorer.computed.reconstruction import Steps, rms
from app.explorer.look import NAMES, STRIDES, Look
from app.explorer.plots.bars import Bar, bar_of, signed_bar
from app.explorer.plots.curves import bars_figure
from app.explorer.plots.maps import SMALL, map_figure, picture_figure
from app.explorer.show import Shown
from app.text import t


def level_label(lang: str, index: int) -> str:
    """What a level is called, 0 being the coarsest."""
    return t("explorer.level_name", lang, name=NAMES[index], stride=STRIDES[index])


def bands_row(look: Look, *, colour: bool = False, same: bool = True) -> list[Shown]:
    """The low-pass and the bands, coarse -> fine.

    Args:
        look: the photo.
        colour: as colours around grey; else the mean over R, G, B with a signed scale.
        same: one scale for all bands.
    """
    lang, unit = look.lang, t("differences.band_unit", look.lang)
    levels = look.prediction.levels
    greys = [level.band.mean(2) for level in levels]
    shared = signed_bar(greys[1:], unit)
    shown = []
    for index, (level, grey) in enumerate(zip(levels, greys, strict=True)):
        title = t("differences.band", lang, number=5 - index, stride=level.stride)
        if colour:
            # A band's colours are differences: grey is none. The low-pass is a small photo.
            spread = 2 * max(shared.high, 1e-6) if index else 4.0
            picture = np.clip((level.band / spread + 0.5) * 255, 0, 255).astype(np.uint8)
            figure = picture_figure(picture, size=look.size, title=title, longest=SMALL)
        else:
            bar = bar_of(grey, unit, colours="rising grey")
            if index:
                bar = shared if same else signed_bar(grey, unit)
            figure = map_figure(grey, bar, size=look.size, title=title, longest=SMALL)
        alt = t("differences.band_alt", lang, name=title)
        shown.append(Shown(f"band-{5 - index}", figure, alt, {"band": level.band}))
    return shown


def residuals_row(look: Look, *, same: bool = True) -> list[Shown]:
    """max_depth * R5 as a depth map, then the signed residuals R4..R1 (metres before sigmoid)."""
    levels = look.prediction.levels
    coarse = Bar(0.0, look.info.config.max_depth, "m", look.colours)
    shared = signed_bar([level.residual for level in levels[1:]], "m")
    shown = []
    for index, level in enumerate(levels):
        bar = coarse
        if index:
            bar = shared if same else signed_bar(level.residual, "m")
        label = level_label(look.lang, index)
        figure = map_figure(level.residual, bar, size=look.size, title=label, longest=SMALL)
        alt = t("differences.residual_alt", look.lang, name=label)
        data = {"residual_m": level.residual}
        shown.append(Shown(f"residual-{NAMES[index]}", figure, alt, data))
    return shown


def depths_row(look: Look, steps: Steps) -> list[Shown]:
    """Depth after each level, one scale."""
    bar = bar_of(steps.depths, look.unit, colours=look.colours)
    return _row(look, steps.depths, bar, "depth")


def changes_row(look: Look, steps: Steps) -> list[Shown]:
    """What each level changed in metres, one signed scale."""
    return _row(look, steps.changes, signed_bar(steps.changes[1:], look.unit), "change")


def energy(look: Look) -> list[Shown]:
    """Root mean square of every band and of every residual."""
    lang = look.lang
    levels = look.prediction.levels[1:]
    labels = [f"1/{level.stride}" for level in levels]
    shown = []
    for name, values, unit in (
        ("bands", [rms(level.band) for level in levels], t("differences.band_unit", lang)),
        ("residuals", [rms(level.residual) for level in levels], "m"),
    ):
        title = t(f"differences.energy_{name}", lang)
        figure = bars_figure(
            {title: values}, labels, x=t("differences.scale", lang), y=f"RMS ({unit})", title=title
        )
        shown.append(Shown(f"energy-{name}", figure, title, {"rms": np.array(values)}))
    return shown


def _row(look: Look, maps: list[np.ndarray], bar: Bar, word: str) -> list[Shown]:
    shown = []
    for index, values in enumerate(maps):
        label = level_label(look.lang, index)
        figure = map_figure(values, bar, size=look.size, title=label, longest=SMALL)
        alt = t(f"coarse_to_fine.{word}_alt", look.lang, name=label)
        shown.append(Shown(f"{word}-{NAMES[index]}", figure, alt, {f"{word}_m": values}))
    return shown
