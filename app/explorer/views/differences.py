"""Idea 2: the photo's Laplacian bands beside the residuals of the depth."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.bars import Bar, bar_of, signed_bar
from app.explorer.figures_curves import bars_figure
from app.explorer.figures_maps import MEDIUM, SMALL, map_figure, over_photo, picture_figure
from app.explorer.look import NAMES, STRIDES, Look, current
from app.explorer.reconstruction import borders, enlarged, rms
from app.explorer.show import Shown, figures, fragment, heading, numbers
from app.text import t
from core.model import laplacian_pyramid, reconstruct


def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "differences")
    _pyramids(look)
    _exactness(look)
    _energy(look)
    _borders(look)


@fragment
def _pyramids(look: Look) -> None:
    lang = look.lang
    left, right = st.columns(2)
    with left:
        kinds = {name: t(f"differences.{name}", lang) for name in ("signed", "colour")}
        kind = controls.choice("bands", t("differences.bands_as", lang), kinds, buttons=True)
    with right:
        same = controls.toggle(
            "same", t("differences.same", lang), True, hint=t("differences.same_hint", lang)
        )
    levels = look.prediction.levels
    greys = [level.band.mean(2) for level in levels]
    band_bar = signed_bar(greys[1:], t("differences.band_unit", lang))
    residual_bar = signed_bar([level.residual for level in levels[1:]], "m")
    bands, residuals = [], []
    for index, (name, stride, level) in enumerate(zip(NAMES, STRIDES, levels, strict=True)):
        grey = greys[index]
        title = t("differences.band", lang, number=5 - index, stride=stride)
        if not index:
            bar = bar_of(grey, t("differences.band_unit", lang), colours="grey").coloured(
                "rising grey"
            )
            residual = Bar(0.0, look.info.config.max_depth, "m", look.colours)
        else:
            bar = band_bar if same else signed_bar(grey, t("differences.band_unit", lang))
            residual = residual_bar if same else signed_bar(level.residual, "m")
        if kind == "colour":
            # A band's colours are differences: grey is none. The low-pass is a small photo.
            spread = 4.0 if not index else 2 * max(band_bar.high, 1e-6)
            picture = np.clip((level.band / spread + 0.5) * 255, 0, 255).astype(np.uint8)
            figure = picture_figure(picture, size=look.size, title=title, longest=SMALL)
        else:
            figure = map_figure(grey, bar, size=look.size, title=title, longest=SMALL)
        alt = t("differences.band_alt", lang, name=title)
        bands.append(Shown(f"band-{5 - index}", figure, alt, {"band": level.band}))
        label = t("explorer.level_name", lang, name=name, stride=stride)
        figure = map_figure(level.residual, residual, size=look.size, title=label, longest=SMALL)
        alt = t("differences.residual_alt", lang, name=label)
        residuals.append(Shown(f"residual-{name}", figure, alt, {"residual_m": level.residual}))
    st.markdown(f"**{t('differences.bands_row', lang)}**")
    figures(lang, "bands", bands, columns=5)
    st.markdown(f"**{t('differences.residuals_row', lang)}**")
    figures(lang, "residuals", residuals, columns=5)


def _exactness(look: Look) -> None:
    """The sum of all bands is the photo, up to the rounding of float32."""
    lang = look.lang
    st.subheader(t("differences.exact", lang))
    image = look.image
    error = float((reconstruct(laplacian_pyramid(image)) - image).abs().max())
    span = float(image.max() - image.min())
    numbers([(t("differences.largest_error", lang), f"{error:.1e}", None)])
    st.caption(t("differences.exact_note", lang, error=error, span=span))


def _energy(look: Look) -> None:
    lang = look.lang
    st.subheader(t("differences.energy", lang))
    levels = look.prediction.levels[1:]
    labels = [f"1/{level.stride}" for level in levels]
    bands = [rms(level.band) for level in levels]
    residuals = [rms(level.residual) for level in levels]
    shown = []
    for name, values, unit in (
        ("bands", bands, t("differences.band_unit", lang)),
        ("residuals", residuals, "m"),
    ):
        title = t(f"differences.energy_{name}", lang)
        figure = bars_figure(
            {title: values}, labels, x=t("differences.scale", lang), y=f"RMS ({unit})", title=title
        )
        shown.append(Shown(f"energy-{name}", figure, title, {"rms": np.array(values)}))
    figures(lang, "energy", shown, columns=2)


@fragment
def _borders(look: Look) -> None:
    """Where the residuals, and the errors, are large: near borders of objects."""
    lang = look.lang
    st.subheader(t("differences.borders", lang))
    st.markdown(t("differences.borders_note", lang))
    steepest = controls.slider(
        "steep", t("differences.steepest", lang), 1, 20, 5, step=1, pattern="%.0f %%"
    )
    levels = look.prediction.levels
    depth = levels[-1].depth
    truth = look.truth_at(*depth.shape)
    near = borders(depth, steepest / 100)
    share = float(near.mean())
    labels, at_border, inside = [], [], []
    for level in levels[1:]:
        there = enlarged(near.astype(np.float32), *level.residual.shape) > 0.5
        labels.append(f"1/{level.stride}")
        at_border.append(rms(level.residual, there))
        inside.append(rms(level.residual, ~there))
    figure = bars_figure(
        {t("differences.near", lang): at_border, t("differences.inside", lang): inside},
        labels,
        x=t("differences.scale", lang),
        y="RMS (m)",
        title=t("differences.border_energy", lang),
    )
    mask = np.where(near, 1.0, np.nan)
    overlay = over_photo(
        look.screen,
        mask,
        Bar(0.0, 1.0, "", "rising inferno", 0),
        size=look.size,
        title=t("differences.border_map", lang, percent=100 * share),
        longest=MEDIUM,
    )
    overlay.data[1].showscale = False
    alt = t("differences.border_energy", lang)
    shown = [
        Shown("borders", overlay, t("differences.border_alt", lang), {"near_border": near}),
        Shown(
            "border-energy",
            figure,
            alt,
            {"near_border": np.array(at_border), "interior": np.array(inside)},
        ),
    ]
    if truth is not None:
        valid = truth > 0
        relative = np.where(valid, np.abs(depth - truth) / np.where(valid, truth, 1), 0)
        pairs = [100 * float(relative[valid & where].mean()) for where in (near, ~near)]
        title = t("differences.border_error", lang)
        error = bars_figure(
            {title: pairs},
            [t("differences.near", lang), t("differences.inside", lang)],
            x="",
            y="AbsRel (%)",
            title=title,
        )
        shown.append(Shown("border-error", error, title, {"abs_rel_percent": np.array(pairs)}))
    figures(lang, "borders", shown, columns=2)
    if truth is None:
        st.caption(t("explorer.truth_missing", lang))


draw(current())
