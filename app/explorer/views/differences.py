"""Idea 2: the photo's Laplacian bands beside the residuals of the depth."""

from __future__ import annotations

import streamlit as st

from app.explorer import controls
from app.explorer.exhibits.borders import border_figures
from app.explorer.exhibits.pyramids import bands_row, energy, residuals_row
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading, numbers, truth_note
from app.text import t
from core.model import laplacian_pyramid, reconstruct


def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "differences")
    _pyramids(look)
    _exactness(look)
    st.subheader(t("differences.energy", lang))
    figures(lang, "energy", energy(look), columns=2)
    st.caption(t("differences.energy_note", lang))
    _borders(look)


@fragment
def _pyramids(look: Look) -> None:
    lang = look.lang
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        kinds = {name: t(f"differences.{name}", lang) for name in ("signed", "colour")}
        kind = controls.choice("bands", t("differences.bands_as", lang), kinds, buttons=True)
    with right:
        same = controls.toggle(
            "same", t("differences.same", lang), True, hint=t("differences.same_hint", lang)
        )
    st.markdown(f"**{t('differences.bands_row', lang)}**")
    figures(lang, "bands", bands_row(look, colour=kind == "colour", same=same), columns=5)
    if kind == "signed":
        st.caption(t("differences.bands_note", lang))
    st.markdown(f"**{t('differences.residuals_row', lang)}**")
    figures(lang, "residuals", residuals_row(look, same=same), columns=5)
    st.caption(t("differences.residuals_note", lang))


def _exactness(look: Look) -> None:
    """The sum of all bands is the photo, up to the rounding of float32."""
    lang, image = look.lang, look.image
    st.subheader(t("differences.exact", lang))
    error = float((reconstruct(laplacian_pyramid(image)) - image).abs().max())
    span = float(image.max() - image.min())
    numbers([(t("differences.largest_error", lang), f"{error:.1e}", None)])
    st.caption(t("differences.exact_note", lang, error=error, span=span))


@fragment
def _borders(look: Look) -> None:
    """Where the residuals, and the errors, are large: near borders of objects."""
    lang = look.lang
    st.subheader(t("differences.borders", lang))
    st.markdown(t("differences.borders_note", lang))
    steepest = controls.slider(
        "steep", t("differences.steepest", lang), 1, 20, 5, step=1, pattern="%.0f %%"
    )
    shown = border_figures(look, steepest / 100)
    figures(lang, "borders", shown, columns=2)
    truth_note(look)


draw(current())
