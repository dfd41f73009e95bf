"""Idea 3b: atrous convolution, a wide view from few weights."""

from __future__ import annotations

import streamlit as st

from app.explorer import controls
from app.explorer.computed.atrous_view import AsppView, asppview
from app.explorer.exhibits.aspp import receptive_fields
from app.explorer.exhibits.sampling import sampling
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading, numbers
from app.text import t
from core.inside.features import CLASSIC_RATES, DENSE_RATES, cascade_taps, reach, taps

STRIDE = 16


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "atrous")
    left, right = st.columns(2)
    with left:
        kinds = {kind: t(f"atrous.{kind}", lang) for kind in ("dense", "classic")}
        kind = controls.choice(
            "aspp",
            t("atrous.kind", lang),
            kinds,
            default=look.info.config.aspp,
            buttons=True,
            hint=t("atrous.kind_hint", lang),
        )
    own = look.info.config
    usual = DENSE_RATES if kind == "dense" else CLASSIC_RATES
    rates = own.aspp_rates if kind == own.aspp else usual
    with right:
        labels = {str(i): t("atrous.rate", lang, rate=rate) for i, rate in enumerate(rates)}
        branch = int(
            controls.choice("rate", t("atrous.branch", lang), labels, default="1", buttons=True)
        )
    row, column = _place(lang)
    with st.spinner(t("explorer.computing", lang)):
        view = asppview(look, kind, rates)
    if not view.trained:
        st.warning(t("atrous.untrained", lang), icon=":material/info:")
    offsets = cascade_taps(rates, branch) if kind == "dense" else taps(rates[branch])
    _sampling(look, view, branch, offsets, (row, column))
    if view.trained:
        _effective(look, branch, len(rates), (row, column))
    st.subheader(t("atrous.table", lang))
    st.table(_table(lang, look))


def _place(lang: str) -> tuple[float, float]:
    left, right = st.columns(2)
    with left:
        column = controls.slider(
            "px", t("explorer.across", lang), 0, 100, 50, step=1, pattern="%.0f %%"
        )
    with right:
        row = controls.slider("py", t("explorer.down", lang), 0, 100, 50, step=1, pattern="%.0f %%")
    return row / 100, column / 100


def _sampling(
    look: Look,
    view: AsppView,
    branch: int,
    offsets: list[tuple[int, int]],
    place: tuple[float, float],
) -> None:
    """The cells that the branch can read, and those that it does read, over the photo."""
    lang = look.lang
    found = sampling(look, view, branch, offsets, place)
    figures(lang, "sampling", found.shown, columns=2)
    cells_across = reach(offsets)
    numbers(
        [
            (t("atrous.samples", lang), f"{len(offsets)}", t("atrous.samples_hint", lang)),
            (t("atrous.outside", lang), f"{found.outside}", t("atrous.outside_hint", lang)),
            (t("atrous.read", lang), f"{found.read}", t("atrous.read_hint", lang)),
            (
                t("atrous.reach", lang),
                f"{cells_across} x {STRIDE} = {cells_across * STRIDE} px",
                t("atrous.reach_hint", lang),
            ),
        ]
    )


def _effective(look: Look, branch: int, count: int, place: tuple[float, float]) -> None:
    """Gradients with respect to the photo: what one output truly hangs on."""
    lang = look.lang
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
        shown, extents = receptive_fields(look, chosen, place)
    figures(lang, "receptive-fields", shown, columns=len(shown))
    numbers([(name, size, t("atrous.extent_hint", lang)) for name, size in extents])


def _table(lang: str, look: Look) -> dict[str, list[str]]:
    """Classic and dense rates compared: samples and reach, from the geometry alone."""
    rows: dict[str, list[str]] = {
        t("atrous.kind", lang): [],
        t("atrous.branch", lang): [],
        t("atrous.samples", lang): [],
        t("atrous.reach", lang): [],
    }
    names = list(rows)
    width = look.image.shape[-1]
    for kind, rates in (("classic", CLASSIC_RATES), ("dense", DENSE_RATES)):
        for index, rate in enumerate(rates):
            offsets = cascade_taps(rates, index) if kind == "dense" else taps(rate)
            pixels = reach(offsets) * STRIDE
            words = t("atrous.reach_of", lang, pixels=pixels, times=pixels / width)
            rows[names[0]].append(t(f"atrous.{kind}", lang))
            rows[names[1]].append(t("atrous.rate", lang, rate=rate))
            rows[names[2]].append(str(len(offsets)))
            rows[names[3]].append(words)
    return rows


draw(current())
