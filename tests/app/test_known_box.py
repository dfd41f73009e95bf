"""The page's box for a known distance and the camera's height: of this photo, and of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.common.service import Studio
from app.common.storage import Storage
from app.depth_page.form import PHOTO, form_request
from app.depth_page.handlers import raw_settings
from app.depth_page.measure_tab import KnownHandlers, bring, known_points
from core.errors import ConfigError, DepthError, ImageError
from core.scale.measurements import CameraHeight, KnownDepth
from tests.core.pictures import encode, scene


def asked(photo: Any, kept: Any) -> tuple[Any, ...]:
    values = {"photo": photo, "measured": kept}
    return form_request(PHOTO, [values.get(name) for name in PHOTO]).known


def test_what_is_typed_reaches_the_request_of_its_photo_alone() -> None:
    photo = {"path": "/tmp/a.jpg"}
    kept = bring(photo, "512, 384 = 2.4; 10,20=3", "")
    assert asked(photo, kept) == (KnownDepth((512, 384), 2.4), KnownDepth((10, 20), 3.0))
    assert asked(photo, bring(photo, "", "1.6")) == (CameraHeight(1.6),)
    assert asked({"path": "/tmp/b.jpg"}, kept) == ()
    assert asked(photo, None) == ()
    assert bring(None, "", "") is None


def test_the_explorer_gives_it_back() -> None:
    photo = {"path": "/tmp/a.jpg"}
    request = form_request(
        PHOTO, [{"photo": photo, "measured": bring(photo, "5,6=2", "1.5")}.get(n) for n in PHOTO]
    )
    back = raw_settings(request, "/tmp/new.jpg")
    kept = back[PHOTO.index("measured") - 1]
    assert asked({"path": "/tmp/new.jpg"}, kept) == request.known


@pytest.mark.parametrize("text", ["5,6", "5,6=x", "5,6=2;7", "a"])
def test_anything_else_is_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"expected u, v = metres"):
        known_points(text)


def test_values_out_of_range_are_said_at_once() -> None:
    photo = {"path": "/tmp/a.jpg"}
    for depth, height in (("5,6=-2", ""), ("", "0"), ("", "tall")):
        with pytest.raises(DepthError) as said:
            bring(photo, depth, height)
        assert "known_depth" not in str(said.value)
        assert "camera_height" not in str(said.value)
    with pytest.raises(ImageError):
        bring(None, "5,6=2", "")


def test_what_no_photo_can_have_is_not_kept(tiny_models: Path, tmp_path: Path) -> None:
    studio, storage = Studio(models=tiny_models), Storage(tmp_path)
    file = storage.keep("a.png", encode(Image.fromarray(scene(96, 128)), "PNG"))
    of_page = dict.fromkeys(PHOTO) | {"photo": {"path": str(file)}, "model": "tiny"}
    photo = [of_page[name] for name in PHOTO]
    ends = [[10, 20], [90, 60]]
    measured = KnownHandlers(studio, storage)
    assert measured.calibrate(*photo, ends, "2") == [10, 20, 90, 60, 2]
    assert measured.use(*photo, "10, 20 = 2", "") is not None
    with pytest.raises(DepthError, match="times as large"):
        measured.calibrate(*photo, ends, "10000")
    with pytest.raises(DepthError, match="times as large"):
        measured.use(*photo, "10, 20 = 10000", "")
