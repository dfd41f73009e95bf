"""The page's box of scale profiles: one of the server's, a visitor's own, or a new one.

The profile in use is kept by the browser and sent with every call, so nobody sees another's.
"""

from __future__ import annotations

import html
import json
from typing import Any

import gradio as gr

from app.common.checks import checked_profile, missing
from app.common.saving import safe_stem
from app.common.translations import t
from app.depth_page.elements import HEAVY, Wire, kept_by_browser
from app.depth_page.elements import label as _
from app.depth_page.form import PageHandlers, Update, language, require_photo
from core.atomic import write_atomic
from core.errors import ConfigError
from core.geometry.find_scale import profile_of
from core.scale.profile import MAX_BYTES, Profile, check_profile_name, profile_names

NONE = ""  # the choice of no profile


class ProfileHandlers(PageHandlers):
    """The box's functions."""

    def choose(self, request: gr.Request, name: Any) -> tuple[Any, str]:
        """A profile of the server's to the one in use."""
        return _used(request, None if missing(name) else checked_profile(name)[0])

    def bring(self, request: gr.Request, file: Any) -> tuple[Any, str]:
        """A visitor's own file to the one in use."""
        if file is None:
            return _used(request, None)
        with self._storage.uploaded(file).open("rb") as stream:
            return _used(request, Profile.from_json(stream.read(MAX_BYTES + 1), "The file"))

    def save(self, request: gr.Request, *values: Any) -> tuple[Update, Any, str]:
        """What is known of the photo to a profile: a file to take home, and the one in use.

        Values: the photo's controls, the name.
        """
        *photo, name = values
        require_photo(photo[0])
        check_profile_name("" if name is None else name)
        result = self._result(photo)
        measured = [each for each in result.request.known if not isinstance(each, Profile)]
        if not measured:
            raise ConfigError(
                "Nothing is known of the photo yet, expected a known length: mark both ends of "
                "something on the Measure tab and type its length first."
            )
        made = profile_of(name, [(result.photo.name, result.prediction, measured)])
        path = self._storage.folder(request.session_hash) / f"{safe_stem(name)}.json"
        write_atomic(path, made.to_json().encode())
        return gr.update(value=str(path), visible=True), *_used(request, made)

    def arrive(self) -> Update:
        """The server's profiles as they are now."""
        return gr.update(choices=_choices())


def profile_box(handlers: ProfileHandlers) -> tuple[gr.JSON, Wire]:
    """Choosing, bringing along, and making a profile; what holds the one in use."""
    with gr.Accordion(_("profile"), open=False, elem_id="profile"):
        gr.Markdown(_("profile_lead"))
        choice = gr.Dropdown(
            _choices(), value=NONE, label=_("profile_choice"), elem_id="profile-choice"
        )
        upload = gr.File(label=_("profile_upload"), height=140, elem_id="profile-upload")
        note = gr.HTML(elem_id="profile-note")
        name = gr.Textbox(label=_("profile_name"), max_lines=1, elem_id="profile-name")
        save = gr.Button(_("profile_save"), elem_id="profile-save")
        file = gr.File(
            label=_("profile_file"), interactive=False, visible=False, elem_id="profile-file"
        )
    kept = kept_by_browser()

    def wire(photo: list[Any]) -> list[Any]:
        choice.focus(handlers.arrive, None, choice, queue=False, api_visibility="private")
        used = [kept, note]
        chosen = choice.input(handlers.choose, choice, used, **HEAVY)
        brought = gr.on([upload.upload, upload.clear], handlers.bring, upload, used, **HEAVY)
        saved = save.click(handlers.save, [*photo, name], [file, *used], **HEAVY)
        return [chosen.success, brought.success, saved.success]

    return kept, wire


def _choices() -> list[tuple[Any, str]]:
    return [(_("profile_none"), NONE), *((name, name) for name in profile_names())]


def _used(request: gr.Request, profile: Profile | None) -> tuple[Any, str]:
    """The profile as the browser keeps it, and what is said of it."""
    if profile is None:
        return None, ""
    lang = language(request)
    camera = profile.camera
    said = t(
        "studio.profile_used",
        lang,
        name=profile.name,
        scale=profile.scale,
        model=profile.model,
        width=camera.width,
        height=camera.height,
        fov=camera.intrinsics.hfov(camera.width),
    )
    words = html.escape(" ".join([said, *profile.notes]))
    return json.loads(profile.to_json()), f'<p class="scale">{words}</p>'
