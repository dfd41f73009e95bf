"""The way from and to the depth page, and to another theme: what is shown comes along."""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import streamlit as st

from app.common.handoff import ADDRESS, GO, Handoff, HandoffFolder, other_page
from app.common.request import DepthRequest
from app.common.translations import t
from app.explorer import controls
from app.explorer.inputs import keep
from app.explorer.session_view import digest_of
from core.scale.measurements import KnownLength
from core.scale.profile import Profile

PROFILE = "profile_name"  # the key of the list of profiles
SENT_PROFILE = "/sent"  # names, in that list, the one that came along; no profile can be called so
SENT = "sent"  # names, among the example photos, the one that the depth page sent
_SENT, _LEAVING = "sent by the depth page", "leaving for the depth page"
_GO = f"<script>({GO})(%s)</script>"


def receive(lang: str, examples: dict[str, str]) -> None:
    """Takes what the address stands for, once, and sets the side bar's controls by it.

    Args:
        examples: name by digest, of the photos that need not be kept.
    """
    token = st.query_params.get(ADDRESS)
    if token is None:
        return
    del st.query_params[ADDRESS]
    sent = _between().take(token)
    if sent is None:
        st.toast(t("studio.handoff_gone", lang))
        return
    digest, asked = digest_of(sent.data), sent.request
    st.session_state[_SENT] = (digest, sent)
    settings = {"model": asked.model, "res": asked.resolution, "fov": asked.fov,
                "flip": asked.flip, "map": asked.colors.colormap}  # fmt: skip
    controls.put("photo", examples.get(digest, SENT))
    for key, value in settings.items():
        if value not in (None, ""):
            controls.put(key, value)
    st.session_state[PROFILE] = "" if sent_profile() is None else SENT_PROFILE
    keep(next((each for each in asked.known if isinstance(each, KnownLength)), None), digest)


def sent_photo() -> tuple[str, Handoff] | None:
    """What the depth page sent in this session, after its digest; or None."""
    sent: tuple[str, Handoff] | None = st.session_state.get(_SENT)
    return sent


def with_sent(request: DepthRequest, digest: str) -> DepthRequest:
    """With what came with this photo.

    That is its focal lengths, unless a field of view is typed, and what was measured in it but for
    a known length, which has a control here, as a profile has.
    """
    sent = sent_photo()
    if sent is None or sent[0] != digest:
        return request
    asked = sent[1].request
    measured = tuple(e for e in asked.known if not isinstance(e, KnownLength | Profile))
    return replace(
        request, known=measured, intrinsics=asked.intrinsics if request.fov is None else None
    )


def unscale(photo: str) -> None:
    """Puts a photo back into the model's own scale from the next run on, but for a profile."""
    keep(None, photo)
    sent = sent_photo()
    if sent is not None:
        digest, came = sent
        profiles = tuple(each for each in came.request.known if isinstance(each, Profile))
        request = replace(came.request, known=profiles)
        st.session_state[_SENT] = (digest, replace(came, request=request))


def sent_profile() -> Profile | None:
    """The scale profile that the depth page sent in this session."""
    sent = sent_photo()
    known = sent[1].request.known if sent else ()
    return next((each for each in known if isinstance(each, Profile)), None)


def ways(lang: str, sent: Handoff | None) -> None:
    """The buttons to the depth page, where that runs, and to the other theme.

    Args:
        sent: what comes along; None where there is nothing to show.
    """
    if HandoffFolder.from_environment() is not None:
        name, icon = t("explorer.to_depth", lang), ":material/straighten:"
        leaving = {**other_page("depth"), "lang": lang}
        st.button(name, key="to depth page", on_click=_leave, args=(leaving, sent), icon=icon)
    other = "light" if st.context.theme.type == "dark" else "dark"
    name = t("studio.theme", lang)
    st.button(name, key="turn theme", on_click=_leave, args=({"theme": other}, sent))
    way = st.session_state.pop(_LEAVING, None)
    if way:
        st.html(_GO % json.dumps(way), unsafe_allow_javascript=True)


def keep_language(lang: str) -> None:
    """Keeps the language that was chosen, for the depth page too."""
    st.html(f'<script>chosen.keep("lang", "{lang}")</script>', unsafe_allow_javascript=True)


def _leave(way: dict[str, str], sent: Handoff | None) -> None:
    token = {} if sent is None else {"token": _between().put(sent)}
    st.session_state[_LEAVING] = {**way, **token}


def _between() -> HandoffFolder:
    return HandoffFolder.from_environment() or HandoffFolder(Path(_own_folder().name))


@functools.cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Where the explorer runs alone: what is shown outlives a new theme."""
    return tempfile.TemporaryDirectory(prefix="lapdepth-handoff-")
