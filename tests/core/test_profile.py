"""Scale profiles: the file comes back as it was, any other is a sentence, cameras fit or do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.camera import Intrinsics, SizedCamera
from core.errors import CameraError, ConfigError
from core.scale.profile import (
    MAX_BYTES,
    Fitted,
    Profile,
    load_profile,
    profile_names,
    profiles_folder,
    save_profile,
)

PROFILE = Profile(
    "hall 2",
    "lite-indoor",
    "ab" * 32,
    SizedCamera(640, 480, Intrinsics(520.0, 521.0, 320.0, 240.0, "exif")),
    1.25,
    1.1,
    2.5,
    fitted=(
        Fitted("a.jpg", "known length", 2.04, 1.3),
        Fitted("b.jpg", "known depth", 3, 9, used=False),
    ),
    notes=("a note",),
)


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAPDEPTH_PROFILES", str(tmp_path / "profiles"))


def test_a_profile_comes_back_as_it_was() -> None:
    assert profile_names() == []
    path = save_profile(PROFILE)
    assert path == profiles_folder() / "hall 2.json"
    assert load_profile("hall 2") == PROFILE
    assert load_profile("hall 2").sha256 == PROFILE.sha256
    assert profile_names() == ["hall 2"]
    with pytest.raises(ConfigError, match="already"):
        save_profile(PROFILE)
    save_profile(replace(PROFILE, scale=2.0), overwrite=True)
    assert load_profile("hall 2").scale == 2.0


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "a" * 65, "a\0", "x.", "C:\\x"])
def test_a_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        load_profile(name)
    with pytest.raises(ConfigError, match="name"):
        replace(PROFILE, name=name)


def test_a_missing_profile_names_those_there_are() -> None:
    save_profile(PROFILE)
    with pytest.raises(ConfigError, match="expected one of these: hall 2"):
        load_profile("other")


def changed(**changes: object) -> str:
    content = json.loads(PROFILE.to_json())
    for key, value in changes.items():
        part, _, inner = key.partition("__")
        if inner:
            content[part][inner] = value
        else:
            content[part] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is no JSON"),
        ("[]", "has no 'lapdepth_profile'"),
        ('{"a": 1}', "expected a scale profile"),
        ("[" * 100_000, "no JSON"),
        (changed(lapdepth_profile=2), "version 2, expected 1"),
        (changed(scale__factor="1.2"), "is no number"),
        (changed(scale__factor=0), "the scale 0"),
        (changed(scale__factor=-1), "the scale -1"),
        (changed(scale__factor=1e9), "the scale 1e"),
        (changed(scale__power=30), "the power 30"),
        (changed(scale__pivot_m=0), "pivot 0 m"),
        (changed(camera__fx=0), "focal length fx is 0"),
        (changed(camera__width=1.5), "no size in pixels"),
        (changed(camera__source="guess"), "source is 'guess'"),
        (changed(camera=None), "lacks or garbles"),
        (changed(name="../x"), "name is '../x'"),
        (changed(fitted_from=[1]), "lacks or garbles"),
        (changed(notes=["x"] * 100_000), f"at most {MAX_BYTES:,}"),
    ],
)
def test_an_empty_or_foreign_file_is_a_sentence(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Profile.from_json(text)


def test_numbers_that_are_none() -> None:
    with pytest.raises(ConfigError, match="no number"):
        Profile.from_json(changed(scale__factor=float("nan")))


def test_the_camera_moves_with_the_picture_s_size() -> None:
    camera = PROFILE.camera
    assert camera.at(640, 480) == camera.intrinsics
    half = camera.at(320, 240)
    assert half.fx == pytest.approx(260)
    assert half.cx == pytest.approx(159.75)
    assert half.source == "exif"
    upright = camera.at(480, 640)
    assert (upright.fx, upright.fy) == (521.0, 520.0)
    with pytest.raises(CameraError, match="640x480, expected the same shape"):
        camera.at(640, 360)
