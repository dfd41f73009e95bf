"""The photo in three dimensions: points, surface, camera, files."""

from __future__ import annotations

from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import download, fragment, numbers
from app.explorer.figure_view import figures
from app.explorer.figures.space import SpaceChoice, drawn, file_of
from app.explorer.page_head import heading
from app.explorer.session_view import SessionView, predicted_with, run_page
from core.camera import MAX_FOV, MIN_FOV
from core.geometry.masks import EDGE_TOLERANCE
from core.geometry.point_cloud import CloudOptions
from core.geometry.provenance import read_pose
from core.geometry.three_d import SHAPES, Shape, SpaceOptions

SURE_STEP = 0.05
THOUSANDS = 20  # of points at first: without a graphics card each one costs time


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "space")
    own = view.prediction.intrinsics.hfov(view.size[0])
    shape, colouring = _kind(view)
    scene = st.container()  # drawn above the settings that it depends on
    with st.expander(t("space.settings", lang), icon=":material/tune:", expanded=True):
        fov = _field_of_view(lang, own)
        if fov is not None:
            with st.spinner(t("explorer.working", lang)):
                view = predicted_with(view, fov=fov)
        choice = _choice(view, shape, colouring)
    with scene:
        with st.spinner(t("explorer.computing", lang)):
            shown, count = drawn(view, choice)
        figures(lang, "space", [shown])
        _facts(view, shape, count)
    _files(view, choice)


def _facts(view: SessionView, shape: str, count: int) -> None:
    lang = view.lang
    camera = view.prediction.intrinsics
    word = "points" if shape == "points" else "triangles"
    numbers(
        [
            (t(f"space.{word}", lang), f"{count:,}", None),
            (t("space.fov", lang), f"{camera.hfov(view.size[0]):.1f}°", None),
            (t("space.focal", lang), f"{camera.fx:.0f} px", t(f"space.{camera.source}", lang)),
        ]
    )
    st.caption(t("space.frame", lang))


def _kind(view: SessionView) -> tuple[str, str]:
    lang = view.lang
    left, right = st.columns(2)
    with left:
        shapes: dict[str, str] = {name: t(f"space.shape_{name}", lang) for name in SHAPES}
        shape = controls.choice("shape", t("space.shape", lang), shapes, buttons=True)
    with right:
        names = ["photo", "depth", "height"]
        if view.prediction.confidence is not None:
            names.append("confidence")
        colourings = {name: t(f"space.by_{name}", lang) for name in names}
        colouring = controls.choice("by", t("space.by", lang), colourings, buttons=True)
    return shape, colouring


def _field_of_view(lang: str, own: float) -> float | None:
    """The angle set by hand, None where the photo's own is kept."""
    if not controls.toggle("setfov", t("space.set_fov", lang), hint=t("space.fov_hint", lang)):
        return None
    start = round(min(max(own, MIN_FOV), 150.0))
    label = t("space.fov", lang)
    return controls.slider(
        "hfov", label, MIN_FOV, min(MAX_FOV, 150.0), start, step=1, pattern="%.0f°"
    )


def _choice(view: SessionView, shape: str, colouring: str) -> SpaceChoice:
    lang = view.lang
    depth = view.prediction.depth[np.isfinite(view.prediction.depth)][::16]
    far = max(1.0, float(np.ceil(depth.max())))
    # Something is left even at the slider's near end.
    low = min(far - 0.5, float(np.ceil(2 * np.quantile(depth, 0.1)) / 2))
    left, middle, right = st.columns(3)
    with left:
        name, hint = t("space.edge", lang), t("space.edge_hint", lang)
        edges = controls.percent("edge", name, 100 * EDGE_TOLERANCE, high=20, hint=hint)
        sky = controls.toggle("sky", t("space.sky", lang), hint=t("space.sky_hint", lang))
    with middle:
        density = controls.slider(
            "density", t("space.density", lang), 5, 100, THOUSANDS, step=5, pattern="%.0f k"
        )
        outliers = controls.toggle(
            "outliers", t("space.outliers", lang), hint=t("space.open3d", lang)
        )
    with right:
        label = t("space.clip", lang)
        clip = controls.slider("clip", label, low, far, far, step=0.5, pattern="%.1f m")
        voxel = controls.slider(
            "voxel", t("space.voxel", lang), 0, 20, 0, step=1, pattern="%.0f cm"
        )
    normals = shape == "poisson" or controls.toggle("normals", t("space.normals", lang))
    faces = None
    if shape != "points":
        limit = controls.slider(
            "faces", t("space.faces", lang), 2, 100, 100, step=2, pattern="%.0f k"
        )
        faces = int(limit * 1000) if limit < 100 else None
    confident, confidence = None, view.prediction.confidence
    if confidence is not None:
        # The slider ends where a tenth of the picture is left.
        most = max(SURE_STEP, float(np.quantile(confidence, 0.9)) // SURE_STEP * SURE_STEP)
        label = t("space.confidence", lang)
        confident = controls.slider("sure", label, 0, most, 0, step=SURE_STEP)
    points = CloudOptions(
        edge_tolerance=edges / 100 or None,
        far=clip if clip < far else None,
        drop_sky=sky,
        min_confidence=confident or None,
        voxel=voxel / 100 if voxel and shape != "surface" else None,
        normals=normals,
    )
    options = SpaceOptions(
        points, cast(Shape, shape), outliers=outliers, faces=faces, pose=_pose(lang)
    )
    return SpaceChoice(options, colouring, int(density * 1000))


def _pose(lang: str) -> tuple[float, ...] | None:
    """A camera-to-world matrix typed in; the files are then in the world frame."""
    text = controls.text(
        "pose",
        t("space.pose", lang),
        hint=t("space.pose_hint", lang),
        placeholder="1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1",
    )
    return read_pose(text) if text.strip() else None


def _files(view: SessionView, choice: SpaceChoice) -> None:
    lang = view.lang
    st.subheader(t("space.files", lang))
    full = controls.toggle("full", t("space.full", lang), True, hint=t("space.full_hint", lang))
    stem = view.stem
    with st.container(horizontal=True):
        for ending, mime in ((".ply", "application/octet-stream"), (".glb", "model/gltf-binary")):
            made = partial(file_of, view, choice, ending, full=full)
            download(t("space.save", lang, ending=ending), made, f"{stem}{ending}", mime)


if __name__ == "__main__":
    run_page(__file__)
