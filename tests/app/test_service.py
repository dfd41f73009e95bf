"""One prediction per photo and settings, bounded memory, and the one sentence about an error."""

from __future__ import annotations

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.common.request import DepthRequest, Selection, checked_colors
from app.common.result import BoundedCache, Result, measure
from app.common.saving import save_outputs
from app.common.service import Studio
from app.common.summary import accuracy_sentence, as_html, as_json, display_range
from app.common.translations import error_sentence
from app.depth_page.depth_view import packed_depth
from app.depth_page.summary_html import measured_html
from core.errors import CheckpointError, ImageError
from core.images.decode import Photo, decode
from tests.core.pictures import encode, scene
from tests.tiny_checkpoint import picture, save_tiny, tiny_config, tiny_info

SETTINGS = DepthRequest(model="tiny")


def drawn(result: Result, *colors: Any) -> Result:
    request = replace(result.request, colors=checked_colors(*colors))
    return replace(result, request=request)


class Decoder:
    """Decodes, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> Photo:
        self.calls += 1
        return decode(path)


@pytest.fixture
def decoder() -> Decoder:
    return Decoder()


@pytest.fixture
def studio(tiny_models: Path, decoder: Decoder) -> Studio:
    return Studio(default_model="tiny", models=tiny_models, decoder=decoder)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "a photo.png"
    path.write_bytes(encode(Image.fromarray(scene(60, 90)), "PNG"))
    return path


def test_a_photo_is_predicted_once_however_often_it_is_asked_for(
    studio: Studio, decoder: Decoder, photo: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        scenes = list(pool.map(lambda _: studio.result(photo, SETTINGS), range(8)))
    assert decoder.calls == 1
    assert all(found is scenes[0] for found in scenes)
    other = studio.result(photo, DepthRequest(model="tiny", fov=50))
    assert decoder.calls == 2
    assert other.prediction.intrinsics.source == "given"


def test_the_same_bytes_are_predicted_once_and_named_as_each_visitor_named_them(
    studio: Studio, decoder: Decoder, photo: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "mine.jpg"
    copy.write_bytes(photo.read_bytes())
    first, second, third = (studio.result(path, SETTINGS) for path in (photo, copy, photo))
    assert decoder.calls == 1
    assert first.prediction is second.prediction is third.prediction
    names = [found.photo.name for found in (first, second, third)]
    assert names == ["a photo.png", "mine.jpg", "a photo.png"]
    saved = save_outputs(second, ("color",), tmp_path)
    assert saved.files["color"].name == "mine_color.png"
    assert "a photo" not in saved.sidecar.read_text()


def test_an_error_names_the_file_of_the_visitor_who_gets_it(
    tiny_models: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("hers.jpg", "his.png")]
    begun, goes_on = threading.Event(), threading.Event()

    def damaged(path: Path) -> Photo:
        begun.set()
        goes_on.wait(30)
        raise ImageError(f"{path.name} is damaged, expected a whole file: send it again.")

    studio = Studio(default_model="tiny", models=tiny_models, decoder=damaged)
    for path in paths:
        path.write_bytes(b"the same bytes")
    with ThreadPoolExecutor(2) as pool:
        hers = pool.submit(studio.result, paths[0], SETTINGS)
        assert begun.wait(30)
        his = pool.submit(studio.result, paths[1], SETTINGS)
        his_waits = not wait([his], 0.2).done
        goes_on.set()
        said = [str(asked.exception()).partition(" ")[0] for asked in (hers, his)]
    assert his_waits
    assert said == ["hers.jpg", "his.png"]


def test_a_loaded_model_is_had_while_another_is_being_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        save_tiny(tmp_path, name=name)
    studio = Studio(default_model="first", models=tmp_path)
    loaded = studio.predictor("first")
    begun, goes_on = threading.Event(), threading.Event()

    def slow(path: Any) -> Any:
        begun.set()
        goes_on.wait(30)
        return loaded

    monkeypatch.setattr("app.common.service.load_model", slow)
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(studio.predictor, "second")
        assert begun.wait(30)
        try:
            assert pool.submit(studio.predictor, "first").result(10) is loaded
        finally:
            goes_on.set()
        assert loading.result(30) is loaded


def test_a_replaced_model_gives_a_new_prediction(
    tmp_path: Path, decoder: Decoder, photo: Path
) -> None:
    save_tiny(tmp_path, seed=1)
    studio = Studio(default_model="tiny", models=tmp_path, decoder=decoder)
    before = studio.result(photo, SETTINGS)
    save_tiny(tmp_path, seed=2)
    after = studio.result(photo, SETTINGS)
    assert before.prediction.info.sha256 != after.prediction.info.sha256
    assert not np.array_equal(before.prediction.depth, after.prediction.depth)


def test_the_studio_is_ready_when_its_model_is_loaded(studio: Studio, tmp_path: Path) -> None:
    assert not studio.ready
    studio.warm_up()
    assert studio.ready
    empty = Studio(models=tmp_path)
    with pytest.raises(CheckpointError, match="none is installed"):
        empty.warm_up()
    assert not empty.ready


def test_the_first_example_is_there_before_the_studio_is_ready(
    studio: Studio, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    predict = studio.result
    monkeypatch.setattr(
        studio, "result", lambda *asked: (seen.append(studio.ready), predict(*asked))[1]
    )
    studio.warm_up(photo)
    assert seen == [False]
    assert studio.ready
    assert studio.cached_bytes > 0


@pytest.mark.parametrize("name", ["nothing", "../tiny", "/etc/passwd", "tiny.safetensors"])
def test_a_model_that_is_not_installed_is_refused(studio: Studio, name: str) -> None:
    with pytest.raises(CheckpointError, match=r"expected one of those installed \(tiny\)"):
        studio.predictor(name)


def test_without_a_name_the_default_model_is_taken(tiny_models: Path, photo: Path) -> None:
    for default in ("tiny", "not installed"):
        studio = Studio(default_model=default, models=tiny_models, decoder=decode)
        found = studio.result(photo, DepthRequest())
        assert found.prediction.info.name == found.request.model == "tiny"
        assert studio.result(photo, SETTINGS) is found


def test_a_missing_photo_is_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="upload it again"):
        studio.result(tmp_path / "gone.jpg", SETTINGS)


def test_the_cache_drops_what_was_not_used_for_longest() -> None:
    cache: BoundedCache[str] = BoundedCache(10, len)
    cache.put("a", "1234")
    cache.put("b", "1234")
    assert cache.get("a") == "1234"
    cache.put("c", "1234")
    assert (cache.get("b"), cache.get("a"), cache.used) == (None, "1234", 8)
    cache.put("large", "12345678901")
    assert cache.get("large") is None
    cache.clear()
    assert cache.used == 0


def test_the_page_says_which_model_how_accurate_and_which_camera(
    studio: Studio, photo: Path
) -> None:
    text = as_html(studio.result(photo, SETTINGS), "en")
    for words in ("tiny", "metric", "not measured", "assumed", "Focal scale", "Licence"):
        assert words in text
    measured = {"nyu/val": {"abs_rel": 0.1234, "delta1": 0.856, "images": 200}}
    info = tiny_info(tiny_config(), measured=measured)
    assert accuracy_sentence(info, "en") == (
        "12.3% mean relative error, 86% of pixels within 25 %, on nyu/val, 200 images"
    )


def test_a_file_s_name_cannot_put_html_on_the_page(studio: Studio, photo: Path) -> None:
    found = studio.result(photo, SETTINGS)
    hostile = tiny_info(tiny_config(), licence="<script>alert(1)</script>")
    object.__setattr__(found.prediction, "info", hostile)
    assert "<script" not in as_html(found, "en")


def test_an_error_is_one_sentence_without_paths_or_markup() -> None:
    error = ImageError("No picture at\n /home/me/secret/photo.jpg,   expected <one>: try again.")
    assert error_sentence(error) == "No picture at photo.jpg, expected ‹one›: try again."


@pytest.mark.parametrize("bug", [ValueError("secret"), KeyError("secret"), OSError(28, "secret")])
def test_a_bug_goes_to_the_log_and_the_user_gets_its_number(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        told = error_sentence(bug)
    assert "secret" not in told
    number: Any = caplog.records[-1].args
    assert number[0] in told
    assert caplog.records[-1].exc_info


def test_no_memory_is_no_bug() -> None:
    assert "memory" in error_sentence(MemoryError())


def test_a_panorama_is_not_in_metres_on_the_page_or_for_programs(
    studio: Studio, tmp_path: Path
) -> None:
    tag = b'<x GPano:ProjectionType="cylindrical"/>'
    Image.fromarray(picture(200, 100)).save(tmp_path / "round.jpg", xmp=tag)
    found = studio.result(tmp_path / "round.jpg", SETTINGS)
    summary = as_json(found)
    assert (summary["metric"], summary["unit"]) == (False, "relative")
    assert "cylindrical" in summary["notes"][0]
    text = as_html(found, "en")
    assert "not metres" in text
    assert "cylindrical" in text
    assert "values are metres" not in text
    result = measure(found, Selection(points=((50.0, 50.0),)))
    assert (result["metric"], result["unit"]) == (False, "relative")
    assert "cylindrical" in measured_html(result, "en")
    assert " m<" not in measured_html(result, "en")
    result["points"][0] |= {"height": 1.234, "height_uncertainty": 0.1}
    assert not re.search(r"1\.23 (± 0\.10 )?m\b", measured_html(result, "en"))


def test_a_resolution_far_from_the_models_own_is_said(studio: Studio, photo: Path) -> None:
    own = studio.predictor("tiny").info.working_height
    settings = DepthRequest(model="tiny", resolution=3 * own)
    summary = as_json(studio.result(photo, settings))
    assert summary["metric"] is False
    assert str(3 * own) in summary["notes"][0]


def test_transparent_parts_are_in_no_number_of_the_summary(studio: Studio, tmp_path: Path) -> None:
    rgba = np.dstack((picture(90, 60), np.full((60, 90), 255, np.uint8)))
    rgba[:, :60, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "cup.png")
    found = studio.result(tmp_path / "cup.png", SETTINGS)
    summary, depth = as_json(found), found.prediction.depth[:, 60:]
    assert summary["range"] == [depth.min(), depth.max()]
    assert summary["median"] == np.median(depth)
    assert display_range(found)[1] <= depth.max()
    assert packed_depth(found.prediction.depth)[1]["step"] == pytest.approx(depth.max() / 65535)


def test_a_whole_panorama_is_distance_all_round(studio: Studio, tmp_path: Path) -> None:
    tag = b'<x GPano:ProjectionType="equirectangular"/>'
    Image.fromarray(picture(200, 100)).save(tmp_path / "round.jpg", xmp=tag)
    found = studio.result(tmp_path / "round.jpg", SETTINGS)
    summary = as_json(found)
    assert (summary["metric"], summary["fov"]) == (True, pytest.approx(360))
    assert summary["intrinsics"]["projection"] == "equirectangular"
    assert "22 views" in summary["notes"][0]
    assert "360° panorama" in as_html(found, "en")
    point = measure(found, Selection(points=((0.0, 50.0),)))["points"][0]
    assert point["position"][2] < 0  # behind
    assert point["depth"] == pytest.approx(point["range"])
    assert found.bytes > found.photo.rgb.nbytes + found.prediction.depth.nbytes
