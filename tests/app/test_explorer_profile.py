"""The explorer's scale profiles: the server's by name, a session's own file, and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.common.handoff import Handoff, HandoffFolder
from app.common.request import depth_request
from app.explorer import session_view
from app.explorer.session_view import SessionView
from core.camera import Intrinsics, SizedCamera
from core.geometry.find_scale import calibrated
from core.scale.measurements import SparseDepth
from core.scale.profile import Profile, save_profile
from tests.app.explorer_app import HEIGHT, MAIN, PHOTO, SECONDS, WIDTH, AppTest, opened, sound

CAMERA = SizedCamera(WIDTH, HEIGHT, Intrinsics(110.0, 110.0, 63.5, 47.5))


def profile(name: str, scale: float) -> Profile:
    return Profile(name, "tiny", "0" * 64, CAMERA, scale)


def look_of(app: AppTest) -> SessionView:
    view: SessionView = app.session_state[session_view._VIEW]
    return view


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, explorer_models: Path) -> None:
    monkeypatch.setenv("LAPDEPTH_PROFILES", str(tmp_path))
    save_profile(profile("hall", 1.5))


def test_a_named_profile_and_an_own_file_rescale_every_page() -> None:
    app = opened()
    plain = look_of(app).prediction
    app.selectbox(key="profile_name").set_value("hall")
    sound(app.run())
    view = look_of(app)
    assert view.info.name == "tiny"
    assert view.prediction.intrinsics == CAMERA.intrinsics
    assert view.prediction.scale == 1.5
    known = calibrated(view.prediction.uncalibrated(), profile("hall", 1.5))
    np.testing.assert_array_equal(view.prediction.depth, known.depth)
    assert any("the scale profile hall" in entry.value for entry in app.sidebar.caption)
    own = profile("mine", 2.5).to_json().encode()
    app.file_uploader(key="profile_file").set_value(("mine.json", own, "application/json"))
    sound(app.run())
    assert look_of(app).prediction.scale == 2.5
    assert look_of(opened()).prediction.scale == plain.scale == 1.0


def test_what_the_depth_page_sends_is_used_and_can_be_put_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAPDEPTH_HANDOFF", str(tmp_path / "between"))
    (tmp_path / "between").mkdir()
    request = depth_request(model="tiny", profile=profile("phone", 2.0).to_json())
    token = HandoffFolder(tmp_path / "between").put(Handoff("a.png", PHOTO, request))
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    app.query_params["from"] = token
    sound(app.run())
    assert look_of(app).photo.name == "a.png"
    assert look_of(app).prediction.scale == 2.0
    app.selectbox(key="profile_name").set_value("")
    sound(app.run())
    assert look_of(app).photo.name == "a.png"
    assert look_of(app).prediction.scale == 1.0


def test_what_was_measured_comes_along_until_it_is_put_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAPDEPTH_HANDOFF", str(tmp_path / "between"))
    (tmp_path / "between").mkdir()
    between = HandoffFolder(tmp_path / "between")
    plain = look_of(opened()).prediction
    for request in (
        depth_request(model="tiny", known_depth=[20, 30, 1.5]),
        depth_request(model="tiny", sparse=[[20, 30, 1.5], [60, 50, 2]]),
    ):
        app = AppTest.from_file(MAIN, default_timeout=SECONDS)
        app.query_params["from"] = between.put(Handoff("a.png", PHOTO, request))
        sound(app.run())
        view = look_of(app)
        if isinstance(request.known[0], SparseDepth):  # bent depth is no sum of levels
            np.testing.assert_array_equal(view.prediction.depth, plain.depth)
            assert any("measured points" in entry.value for entry in app.sidebar.caption)
        else:
            known = calibrated(plain, *request.known)
            np.testing.assert_array_equal(view.prediction.depth, known.depth)
        app.button(key="to depth page").click()
        sound(app.run())
        (left,) = (tmp_path / "between").iterdir()
        back = between.take(left.name)
        assert back is not None
        assert back.request.known == request.known
        if view.request.known:
            app.button(key="unscale").click()
            sound(app.run())
            np.testing.assert_array_equal(look_of(app).prediction.depth, plain.depth)


def test_a_foreign_file_is_a_sentence() -> None:
    app = opened()
    app.file_uploader(key="profile_file").set_value(("a.json", b"{}", "application/json"))
    app.run()
    assert not app.exception
    assert ["expected a scale profile" in entry.value for entry in app.error] == [True]
