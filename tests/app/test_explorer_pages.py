"""Every page and every control of the explorer, run by Streamlit's own tester on tiny models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.common.translations import t
from app.explorer import cache
from app.explorer.page_table import PAGES
from core.evaluate.metrics import compute_metrics
from core.files.depth_maps import encode_exr
from core.model import LapDepth, laplacian_pyramid
from core.weights.checkpoint import load_checkpoint
from tests.app.explorer_app import (
    HEIGHT,
    MAIN,
    PHOTO,
    SECONDS,
    SPARSE,
    TRUTH,
    WIDTH,
    maps_of,
    metrics,
    npy,
    opened,
    png,
    sound,
    upload_truth,
)
from tests.tiny_checkpoint import picture

pytestmark = pytest.mark.usefixtures("explorer_models")


AXES = ("xaxis", "yaxis", "zaxis")
# Names that Chinese texts use as they are.
NAMES_IN_CHARTS = {"RMS", "RMSE", "AbsRel", "SILog", "ASPP", "ReLU", "LapDepth", "tiny", "other"}


def english_words(app: AppTest) -> set[str]:
    """Words in Latin letters in the titles, axes, legends and bars of the page's charts."""
    words: set[str] = set()
    for chart in app.get("plotly_chart"):
        spec = json.loads(chart.proto.spec)
        layout = spec["layout"]
        texts = [layout.get("meta") or ""]
        for place in (layout, layout.get("scene", {})):
            texts += [place.get(axis, {}).get("title", {}).get("text", "") for axis in AXES]
        for trace in spec["data"]:
            texts.append(trace.get("name") or "")
            texts.append(trace.get("colorbar", {}).get("title", {}).get("text", ""))
            texts.append(re.sub(r"%{.*?}|<.*?>", " ", trace.get("hovertemplate") or ""))
        words |= set(re.findall(r"[A-Za-z]{3,}", " ".join(texts).replace("<br>", " ")))
    for item in maps_of(app).values():
        bar = item["bar"] or {"title": "", "unit": ""}
        for text in (item["title"], bar["title"], bar["unit"]):
            words |= set(re.findall(r"[A-Za-z]{3,}", text))
    return words


def test_every_page_draws_in_chinese() -> None:
    app = opened(lang="zh")
    for spec in PAGES:
        sound(app.switch_page(spec.path).run())
        assert app.title[0].value == t(f"{spec.key}.title", "zh")
        assert app.title[0].value != t(f"{spec.key}.title", "en")
        assert english_words(app) <= NAMES_IN_CHARTS, spec.key


@pytest.mark.parametrize(
    "photo",
    [
        picture(64, 64, 1)[..., 0],
        picture(200, 40, 3),
        np.dstack((picture(96, 64, 4), 255 * (np.indices((64, 96))[1] > 40).astype(np.uint8))),
    ],
    ids=["grey icon", "panorama", "cut-out"],
)
def test_every_page_draws_odd_photos_from_one_prediction(
    photo: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[Any] = []
    engine = cache.studio().predictor("tiny").engine
    run: Callable[..., Any] = engine.run
    monkeypatch.setattr(engine, "run", lambda image: (passes.append(image.shape), run(image))[1])
    app = opened("start", png(photo))
    assert passes
    for spec in PAGES[1:]:
        before = len(passes)
        sound(app.switch_page(spec.path).run())
        if spec.key not in ("models", "datasets"):  # whose predictions are of something else
            assert len(passes) == before, spec.key


Control = tuple[str, str, list[Any]]  # kind, key, values to try


def controls_of(app: AppTest) -> list[Control]:
    """Every control of the page itself; a choice and a switch end where they were."""
    found: list[Control] = []
    for slider in app.main.slider:
        found.append(("slider", slider.key, [slider.max, slider.min]))
    for chosen in app.main.select_slider:
        found.append(("select_slider", chosen.key, [16, 2]))
    for kind in ("selectbox", "segmented_control"):
        for choice in getattr(app.main, kind):
            if choice.key == "lang":  # the header's, not the page's
                continue
            ends = {choice.options[0], choice.options[-1]} - {choice.value}
            found.append((kind, choice.key, [*ends, choice.value]))
    for toggle in app.main.toggle:
        found.append(("toggle", toggle.key, [not toggle.value, toggle.value]))
    for number in app.main.number_input:
        found.append(("number_input", number.key, [number.min + number.step]))
    return found


def try_all(app: AppTest, controls: list[Control], seen: set[str]) -> None:
    """Moves every control, and those that a value of another brings to the page while it holds."""
    for kind, key, values in controls:
        if key in seen:
            continue
        seen.add(key)
        for value in values:
            widgets = [w for w in getattr(app.main, kind) if w.key == key]
            if not widgets:
                break
            there = {control[1] for control in controls_of(app)}
            app = widgets[0].set_value(value).run()
            assert not app.exception, (key, value)
            if key != "osize":  # the largest object is refused: it would reach behind the camera
                sound(app)
            try_all(app, [new for new in controls_of(app) if new[1] not in there], seen)


@pytest.mark.parametrize("page", [spec.key for spec in PAGES])
def test_every_control_of_every_page(page: str) -> None:
    app = opened(page)
    assert app.title[0].value == t(f"{page}.title", "en")
    seen: set[str] = set()
    try_all(app, controls_of(app), seen)
    expected = {"start": 0, "export": 0}.get(page, 1)
    assert len(seen) >= expected


def test_the_side_bars_controls() -> None:
    app = opened()
    first = metrics(app)
    for key, value in (("res", 128.0), ("fov", 40.0)):
        app.number_input(key=key).set_value(value)
        sound(app.run())
    app.toggle(key="flip").set_value(True)
    sound(app.run())
    assert metrics(app) != first
    assert app.query_params["res"] == "128"
    assert app.query_params["flip"] == "1"
    app.selectbox(key="map").set_value("viridis")
    app.selectbox(key="model").set_value("other")
    sound(app.run())
    assert app.query_params["model"] == "other"
    app.number_input(key="res").set_value(None)
    sound(app.run())
    assert "res" not in app.query_params
    caption = " ".join(entry.value for entry in app.sidebar.caption)
    assert "photo.png" in caption
    assert f"{WIDTH} x {HEIGHT}" in caption


def test_the_language_switch_keeps_every_choice() -> None:
    app = opened("coarse_to_fine")
    app.select_slider(key="k").set_value(8)
    app.toggle(key="same").set_value(False)
    app.run()
    app.segmented_control(key="lang").set_value("中文")
    sound(app.run())
    assert app.title[0].value == t("coarse_to_fine.title", "zh")
    assert app.select_slider(key="k").value == 8
    assert app.query_params["same"] == "0"
    assert app.query_params["lang"] == "zh"
    app.switch_page("page_scripts/levels.py").run()
    app.switch_page("page_scripts/coarse_to_fine.py").run()
    assert app.select_slider(key="k").value == 8


def test_an_address_with_nonsense_is_ignored() -> None:
    address = {"k": "5", "g8": "many", "size": "huge", "lang": "xx", "model": "../x", "res": "-1"}
    app = opened("coarse_to_fine", **address)
    assert app.select_slider(key="k").value == 1
    assert app.slider(key="g8").value == 1
    assert app.selectbox(key="model").value == "tiny"


def test_the_film_goes_from_the_coarsest_to_the_finest_level() -> None:
    app = opened("coarse_to_fine")
    app.button(key="play").click()
    seen = []
    for _ in range(5):
        app.run()
        seen.append(app.select_slider(key="k").value)
    assert seen == [16, 8, 4, 2, 1]
    app.run()
    assert app.select_slider(key="k").value == 1


def network_of(models: Path, rgb: np.ndarray[Any, Any]) -> tuple[LapDepth, torch.Tensor]:
    """The network of "tiny" and the input that the page's photo becomes, written out again."""

    model, _ = load_checkpoint(models / "tiny.safetensors")
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = (torch.from_numpy(rgb).float() / 255 - mean) / std
    return model, image.permute(2, 0, 1)[None]


def test_depth_and_levels_shown_are_the_networks_own(explorer_models: Path) -> None:
    """The photo has the working size, so nothing is resampled and all can be recomputed."""
    model, image = network_of(explorer_models, picture(WIDTH, HEIGHT, 5))
    with torch.inference_mode():
        output = model(image)
    app = opened("coarse_to_fine")
    total = torch.zeros(1, 1, HEIGHT // 16, WIDTH // 16)
    for index, stride in enumerate((16, 8, 4, 2, 1)):
        residual = output.residuals[index]
        before = total
        if index:
            before = torch.nn.functional.interpolate(
                total, scale_factor=2, mode="bilinear", align_corners=False
            )
        total = residual + before
        depth = 10 * torch.sigmoid(total)
        change = depth - 10 * torch.sigmoid(before)
        app.select_slider(key="k").set_value(stride)
        shown = metrics(sound(app.run()))
        assert shown["Resolution of this level"] == f"{WIDTH // stride} x {HEIGHT // stride}"
        low, high = (float(n) for n in shown["Depth"].removesuffix(" m").split(" - "))
        assert low == pytest.approx(float(depth.min()), abs=0.006)
        assert high == pytest.approx(float(depth.max()), abs=0.006)
        mean = float(shown["This level changed (mean)"].removesuffix(" m"))
        assert mean == pytest.approx(float(change.abs().mean()), abs=0.0006)
        label = t("explorer.level_name", "en", name=f"R{5 - index}", stride=stride)
        maps = maps_of(app)
        after = maps[t("coarse_to_fine.depth_after", "en", name=label)]["values"]
        assert np.allclose(after, depth[0, 0].numpy(), atol=2e-4)
        by = maps[t("coarse_to_fine.change_of", "en", name=label)]["values"]
        assert np.allclose(by, change[0, 0].numpy(), atol=2e-4)
    assert torch.allclose(depth, output.depth, atol=1e-5)


def test_the_bands_add_up_to_the_photo(explorer_models: Path) -> None:
    app = opened("differences")
    error = float(metrics(app)["Largest error of any pixel"])
    assert error < 1e-5
    _, image = network_of(explorer_models, picture(WIDTH, HEIGHT, 5))
    bands = laplacian_pyramid(image)
    view = app.session_state["session view"]
    for level, band in zip(view.prediction.levels, bands, strict=True):
        assert np.allclose(level.band, band[0].permute(1, 2, 0).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "data", "scale", "truth"),
    [
        ("a.npy", npy(TRUTH), "metres", TRUTH),
        ("a.exr", encode_exr(TRUTH), "metres", TRUTH),
        ("nyu.png", png((TRUTH * 1000).astype(np.uint16)), "nyu", np.floor(TRUTH * 1000) / 1000),
        ("kitti.png", png((SPARSE * 256).astype(np.uint16)), "kitti", np.floor(SPARSE * 256) / 256),
    ],
)
def test_metrics_shown_are_those_of_the_arrays(
    name: str, data: bytes, scale: str, truth: np.ndarray[Any, Any]
) -> None:
    app = opened("compare", tscale=scale)
    upload_truth(app, name, data)
    shown = metrics(sound(app))
    depth = app.session_state["session view"].prediction.depth
    expected = compute_metrics(depth, truth.astype(np.float32), truth > 0)
    for label, value in (
        ("AbsRel", expected.abs_rel),
        ("RMSE", expected.rmse),
        ("SILog", expected.silog),
        ("δ < 1.25", expected.delta1),
    ):
        assert float(shown[label].split()[0]) == pytest.approx(value, abs=0.0006)


def test_ground_truth_reaches_the_other_pages_and_can_be_aligned() -> None:
    app = opened("compare")
    upload_truth(app, "a.npy", npy(TRUTH))
    before = metrics(app)
    app.toggle(key="align").set_value(True)
    after = metrics(sound(app.run()))
    assert after["AbsRel"] != before["AbsRel"]
    assert after["SILog"] == before["SILog"] or float(after["SILog"]) > 0
    for page in ("coarse_to_fine", "differences", "loss"):
        app.switch_page(f"page_scripts/{page}.py").run()
        sound(app)
        captions = [entry.value for entry in app.caption]
        assert t("explorer.truth_missing", "en") not in captions, page
        told = captions + [entry.value for entry in app.info]
        assert any("a.npy" in words for words in told), page


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", b"no picture", "no file that can be read"),
        ("a.npy", npy(TRUTH.T), "expected the shape of the photo"),
        ("a.png", png((TRUTH * 20).astype(np.uint8)), "8 bits"),
        ("a.npy", npy(np.zeros_like(TRUTH)), "no depth above 0"),
    ],
)
def test_unusable_ground_truth_gets_one_sentence(name: str, data: bytes, words: str) -> None:
    app = opened("compare")
    upload_truth(app, name, data)
    assert not app.exception
    assert [words in entry.value for entry in app.error] == [True]


@pytest.mark.parametrize("data", [b"", b"hello", PHOTO[:200], png(np.zeros((1, 1, 3), np.uint8))])
def test_unusable_photos_get_one_sentence(data: bytes) -> None:
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    app.run()
    app.file_uploader(key="photo_file").set_value(("photo.png", data, "image/png"))
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert "photo.png" in app.error[0].value or "expected" in app.error[0].value


def test_a_pose_that_is_none_gets_one_sentence() -> None:
    app = opened("space")
    app.text_area(key="pose").set_value("1 2 3")
    app.run()
    assert ["16" in entry.value for entry in app.error] == [True]
    app.text_area(key="pose").set_value("0 -1 0 5\n1 0 0 0\n0 0 1 0\n0 0 0 1")
    sound(app.run())


def test_without_a_model_the_page_says_what_to_do(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPDEPTH_MODELS", str(tmp_path))
        cache.studio.clear()
        app = AppTest.from_file(MAIN, default_timeout=SECONDS).run()
    cache.studio.clear()
    assert not app.exception
    assert "checkpoints/" in app.error[0].value
