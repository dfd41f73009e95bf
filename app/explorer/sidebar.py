"""The side bar: language, photo, model, and how depth is predicted and coloured."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.common.handoff import Handoff
from app.common.request import DepthRequest
from app.common.summary import kind_of_values
from app.common.translations import LANGUAGES, chosen_language, of_core, t
from app.explorer import cache, controls
from app.explorer.display import LANGUAGE
from app.explorer.figure_view import on_phone
from app.explorer.inputs import keep, known_for, truth_beside
from app.explorer.other_page import (
    PROFILE,
    SENT,
    SENT_PROFILE,
    keep_language,
    receive,
    sent_photo,
    sent_profile,
    unscale,
    with_sent,
)
from app.explorer.session_view import (
    SessionView,
    Truth,
    chosen_because,
    digest_of,
    keep_truth,
    scale_sentence,
    truth,
)
from core.camera import MAX_FOV, MIN_FOV
from core.errors import CameraError
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.files.depth_maps import ColorSettings
from core.scale.calibration import model_of
from core.scale.measurements import SparseDepth
from core.scale.profile import Profile, load_profile, profile_names
from core.weights.choice_table import AUTO
from core.weights.registry import EXAMPLES

OWN = "own"  # in the address
FIRST = "room"  # what the shipped model knows best
MAX_UPLOAD_MB = 256
_REFUSED = "photo refused"
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_GONE = "model that the address asked for"  # in the session, where it is not installed


def choose_language() -> str:
    """The language switch; a first visit starts in the language chosen on the depth page."""
    before = st.session_state.get(LANGUAGE)
    lang = controls.choice(
        "lang",
        "Language · 语言",
        LANGUAGES,
        default=chosen_language(st.context.cookies, st.context.locale),
        buttons=True,
    )
    if before not in (None, lang):
        controls.relabel("lang")
        keep_language(lang)
    st.session_state[LANGUAGE] = lang
    return lang


def photo_place(lang: str, *, opened: bool) -> DeltaGenerator:
    """Where the photo is chosen: on a phone, which hides the side bar, on the page itself."""
    if on_phone():
        opened = opened or _REFUSED in st.session_state
        return st.expander(t("explorer.photo", lang), expanded=opened, icon=":material/photo:")
    return st.sidebar.container()


def choose_view(lang: str, place: DeltaGenerator) -> tuple[SessionView, Handoff]:
    """Draws the controls of the photo and of the side bar, and predicts what they ask for.

    Returns:
        what the pages show, and the same for another page.
    """
    receive(lang, {digest: path.stem for digest, path in _examples_by_digest().items()})
    with place:
        digest, name, data, path = _choose_photo(lang)
    if OWN in st.query_params and path is not None:
        st.warning(t("explorer.photo_gone", lang), icon=":material/hide_image:")
    with st.sidebar:
        model = _choose_model(lang)
        request = with_sent(_settings(lang), digest)
        profile = _choose_profile(lang)
    with st.spinner(t("explorer.working", lang)):
        st.session_state[_REFUSED] = name
        photo = cache.decoded(digest, name, data)
        del st.session_state[_REFUSED]
        info, choice = cache.model_for(model_of(profile, model) or model, photo)
        known = known_for(photo.sha256, addressed=path is not None)
        lengths = () if known is None else (known,)
        # Points bend depth beyond what the network says, which these pages are about.
        points = tuple(each for each in request.known if isinstance(each, SparseDepth))
        measured = (*profile, *(each for each in request.known if each not in points))
        request = replace(request, model=info.name, known=(*measured, *lengths))
        try:
            prediction = cache.predicted(photo, info, request)
        except CameraError:
            if known is None:
                raise
            # An address whose points are outside the photo: it loses them.
            keep(None, photo.sha256)
            known_for(photo.sha256, addressed=path is not None)
            lengths, request = (), replace(request, known=measured)
            prediction = cache.predicted(photo, info, request)
    view = SessionView(lang, photo, prediction, info, request, choice, path is not None)
    _truth_beside(view, path)
    with st.sidebar:
        _facts(view)
        if points:
            st.caption(t("explorer.points_wait", lang))
    known_there = (*view.request.known, *(() if lengths else points))
    return view, Handoff(name, data, replace(view.request, model=model, known=known_there))


def examples() -> dict[str, Path]:
    """The installed example photos by name."""
    if not EXAMPLES.is_dir():
        return {}
    found = sorted(path for path in EXAMPLES.iterdir() if path.suffix.lower() in _PICTURES)
    return {path.stem: path for path in found}


@functools.cache
def _examples_by_digest() -> dict[str, Path]:
    """The examples by content: one dropped as a file brings its measured depth along too."""
    return {digest_of(path.read_bytes()): path for path in examples().values()}


def _choose_photo(lang: str) -> tuple[str, str, bytes, Path | None]:
    """Digest, name and encoded bytes of the upload or of the chosen example; an example's path."""
    uploaded = st.file_uploader(
        t("explorer.photo", lang),
        key="photo_file",
        help=t("explorer.photo_hint", lang),
        max_upload_size=MAX_UPLOAD_MB,
    )
    known, sent = examples(), sent_photo()
    if uploaded is not None:
        data = uploaded.getvalue()
        if st.session_state.get("upload seen", ("", ""))[0] != uploaded.file_id:
            st.session_state["upload seen"] = (uploaded.file_id, digest_of(data))
        digest = st.session_state["upload seen"][1]
        path = _examples_by_digest().get(digest)
        _own(path is None)
        return digest, uploaded.name, data, path
    if st.session_state.pop("upload seen", None) is not None:  # taken back
        _own(False)
    if not known and sent is None:
        st.info(t("explorer.no_example", lang))
        st.stop()
    names = {name: name.replace("_", " ").replace("-", " ") for name in known}
    if sent is not None:
        names = {SENT: sent[1].name, **names}
    chosen = controls.choice("photo", t("explorer.example", lang), names, default=FIRST)
    if sent is not None and chosen == SENT:
        _own(True)
        return sent[0], sent[1].name, sent[1].data, None
    if chosen != FIRST:
        _own(False)
    data = known[chosen].read_bytes()
    return digest_of(data), known[chosen].name, data, known[chosen]


def _own(own: bool) -> None:
    """Notes in the address whether the photo is the reader's own, which no address can hold."""
    if own:
        st.query_params[OWN] = "1"
    elif OWN in st.query_params:
        del st.query_params[OWN]


def _choose_model(lang: str) -> str:
    """An installed model's name, or AUTO, which leaves the choice to the photo."""
    names = cache.studio().model_names()
    if not names:
        st.error(t("explorer.no_model", lang))
        st.stop()
    asked = st.query_params.get("model", names[0])
    if asked not in names:  # of a link from elsewhere, or taken back since
        st.session_state[_GONE] = asked[:60]
    labels = {name: t("explorer.model_auto", lang) if name == AUTO else name for name in names}
    chosen = controls.choice("model", t("explorer.model", lang), labels, default=names[0])
    if _GONE in st.session_state and chosen == names[0]:
        st.warning(t("explorer.model_gone", lang, name=st.session_state[_GONE]))
    return chosen


def _truth_beside(view: SessionView, path: Path | None) -> None:
    """Some examples bring measured depth along; an upload for the same photo takes precedence."""
    known = truth()
    if path is None or (known is not None and known.photo == view.photo.sha256):
        return
    depth = truth_beside(path)
    if depth is not None:
        name = f"depth/{path.stem}.png"
        keep_truth(Truth(depth, name, view.photo.sha256, f"{path}-{digest_of(depth.data)}"))


def _settings(lang: str) -> DepthRequest:
    with st.expander(t("explorer.settings", lang), icon=":material/settings:"):
        height = controls.resolution("res", lang, hint=t("explorer.resolution_hint", lang))
        flip = controls.toggle("flip", t("explorer.flip", lang), hint=t("explorer.flip_hint", lang))
        name, hint, auto = (t(f"explorer.{key}", lang) for key in ("fov", "fov_hint", "auto"))
        limits = (MIN_FOV, MAX_FOV, None)
        fov = controls.number("fov", name, *limits, pattern="%.1f", hint=hint, placeholder=auto)
        maps, name = {key: key for key in COLORMAPS}, t("explorer.colours", lang)
        colours = controls.choice("map", name, maps, default=DEFAULT_COLORMAP)
    return DepthRequest(
        resolution=None if height is None else round(height),
        flip=flip,
        fov=fov,
        colors=ColorSettings(colours),
    )


def _choose_profile(lang: str) -> tuple[Profile, ...]:
    """One of the server's scale profiles, the one that came along, or this session's own file."""
    with st.expander(t("studio.profile", lang), icon=":material/straighten:"):
        sent = sent_profile()
        names = {"": t("studio.profile_none", lang)}
        if sent is not None:
            names[SENT_PROFILE] = sent.name
        names |= {name: name for name in profile_names()}
        name = st.selectbox(
            t("studio.profile_choice", lang),
            names,
            format_func=names.__getitem__,
            key=PROFILE,
        )
        own = st.file_uploader(
            t("studio.profile_upload", lang), type="json", key="profile_file", max_upload_size=1
        )
    if own is not None:
        return (Profile.from_json(own.getvalue(), own.name),)
    if sent is not None and name == SENT_PROFILE:
        return (sent,)
    return (load_profile(name),) if name else ()


def _facts(view: SessionView) -> None:
    w, h = view.prediction.settings["working_size"]
    width, height = view.size
    camera = view.prediction.intrinsics
    st.caption(
        t(
            "explorer.facts",
            view.lang,
            name=view.photo.name,
            width=width,
            height=height,
            w=w,
            h=h,
            ms=view.prediction.milliseconds,
        )
        + " · "
        + t(f"explorer.camera_{camera.source}", view.lang, fov=camera.hfov(width))
        + " · "
        + kind_of_values(view.prediction, view.lang)
    )
    if view.choice is not None:
        st.caption(chosen_because(view))
    if view.prediction.calibration is not None:
        name = t("summary.scale", view.lang)
        st.caption(t("explorer.pair", view.lang, name=name, value=scale_sentence(view)))
    if any(not isinstance(each, Profile) for each in view.request.known):
        st.button(
            t("explorer.unscale", view.lang),
            key="unscale",
            on_click=unscale,
            args=(view.photo.sha256,),
            icon=":material/undo:",
        )
    for note in view.prediction.notes:
        st.caption(of_core(note, view.lang))
