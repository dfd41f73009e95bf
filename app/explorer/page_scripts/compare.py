"""The prediction against measured depth: metrics, error maps, curves."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, numbers
from app.explorer.figure_view import figures
from app.explorer.figures.compare import (
    Comparison,
    compare,
    curves,
    error_maps,
    metric_numbers,
    row_of,
)
from app.explorer.inputs import SCALES, check_shape, decoded_truth, suggested_scale
from app.explorer.page_head import heading
from app.explorer.session_view import SessionView, Truth, digest_of, keep_truth, run_page
from core.evaluate.protocol import PROTOCOLS

MAX_UPLOAD_MB = 256
_SCALED = "file whose scale was suggested"


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "compare")
    _upload(view)
    known = view.truth
    if known is None:
        st.info(t("compare.none", lang), icon=":material/upload:")
        return
    st.caption(
        t(
            "compare.given",
            lang,
            name=known.name,
            width=known.depth.shape[1],
            height=known.depth.shape[0],
            percent=100 * known.share,
        )
    )
    found = _settings(view, known)
    _metrics(lang, found)
    figures(lang, "comparison", row_of(view, found), columns=3)
    st.subheader(t("compare.errors", lang))
    if found.sparse:
        st.caption(t("compare.sparse", lang))
    maps = error_maps(view, found)
    figures(lang, "errors", maps, columns=len(maps))
    st.caption(t("compare.errors_note", lang))
    figures(lang, "error-curves", curves(view, found), columns=2)
    if view.prediction.confidence is not None:
        st.caption(t("compare.honest_note", lang))


def _upload(view: SessionView) -> None:
    """Takes a file, and says how its numbers become metres."""
    lang = view.lang
    left, right = st.columns([2, 1])
    with left:
        uploaded = st.file_uploader(
            t("compare.upload", lang),
            key="truth_file",
            help=t("compare.upload_hint", lang),
            max_upload_size=MAX_UPLOAD_MB,
        )
    with right:
        names = {name: t(f"compare.scale_{name}", lang) for name in SCALES}
        if uploaded is not None and st.session_state.get(_SCALED) != uploaded.file_id:
            st.session_state[_SCALED] = uploaded.file_id
            suggested = suggested_scale(uploaded.name)
            if "metres" in (suggested, st.query_params.get("tscale")):
                controls.put("tscale", suggested)
        scale = SCALES[controls.choice("tscale", t("compare.scale", lang), names, default="nyu")]
    if uploaded is None:
        return
    data = uploaded.getvalue()
    digest = digest_of(data)
    depth = decoded_truth(digest, scale, data)
    check_shape(depth, view.size)
    keep_truth(Truth(depth, uploaded.name, view.photo.sha256, f"{digest}-{scale}"))


def _settings(view: SessionView, known: Truth) -> Comparison:
    lang = view.lang
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        names = {name: t(f"compare.protocol_{name}", lang) for name in ("folder", "nyu", "kitti")}
        protocol = PROTOCOLS[controls.choice("protocol", t("compare.protocol", lang), names)]
    with middle:
        far = controls.number("cap", t("compare.cap", lang), 1, 1000, protocol.max_depth, step=1)
    with right:
        align = controls.toggle(
            "align", t("compare.align", lang), hint=t("compare.align_hint", lang)
        )
    if far is not None and far != protocol.max_depth:
        protocol = protocol.with_cap(far)
    return compare(view, known.depth, protocol, align=align)


def _metrics(lang: str, found: Comparison) -> None:
    numbers(metric_numbers(lang, found.metrics))
    words = t(
        "compare.in_words",
        lang,
        percent=100 * found.metrics.abs_rel,
        metres=float(np.abs(found.predicted - found.truth)[found.valid].mean()),
        share=100 * found.metrics.delta1,
    )
    st.markdown(f"{words} {t('compare.pixels', lang, count=int(found.valid.sum()))}")


if __name__ == "__main__":
    run_page(__file__)
