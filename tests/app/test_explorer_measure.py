"""The explorer's page of measuring: two points, a box, a flat patch, a known length."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData
from streamlit.testing.v1 import AppTest

from app.common.saving import save_outputs
from app.common.translations import t
from app.explorer.figures import measuring
from app.explorer.figures.space import SpaceChoice, file_of
from app.explorer.session_view import SessionView
from core.geometry.measure import Measurer
from core.geometry.provenance import SceneInfo
from core.geometry.three_d import SpaceOptions
from tests.app.explorer_app import HEIGHT, MAIN, SECONDS, WIDTH, metrics, opened, sound
from tests.core import scenes
from tests.tiny_checkpoint import picture

pytestmark = pytest.mark.usefixtures("explorer_models")
KNOWN = "20,30,100,60,1.5"


def look_of(app: AppTest) -> SessionView:
    view: SessionView = app.session_state["session view"]
    return view


def number_of(text: str) -> tuple[float, float | None]:
    """The value and, where there is one, what stands behind the ±."""
    value, _, rest = text.partition(" ± ")
    return float(value.split()[0]), float(rest.split()[0]) if rest else None


def typed(app: AppTest, ax: float, ay: float, bx: float, by: float) -> AppTest:
    for key, value in (("ax", ax), ("ay", ay), ("bx", bx), ("by", by)):
        app.number_input(key=key).set_value(value)
    return sound(app.run())


def test_two_points_by_hand() -> None:
    app = typed(opened("measure"), 20, 30, 100, 60)
    view = look_of(app)
    camera, depth, sure = (
        view.prediction.intrinsics, view.prediction.depth, view.prediction.confidence,
    )  # fmt: skip
    assert sure is not None
    ends, errors = [], []
    for u, v in ((20, 30), (100, 60)):
        ray = np.array([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0])
        ends.append(ray * float(depth[v, u]))
        errors.append((1 - float(sure[v, u])) * float(np.linalg.norm(ends[-1])))
    apart = ends[1] - ends[0]
    line = apart / np.linalg.norm(apart)
    along = [error * (line @ end) / np.linalg.norm(end)
             for error, end in zip(errors, ends, strict=True)]  # fmt: skip
    shown = metrics(app)
    length, error = number_of(shown[t("measure.distance", "en")])
    assert length == pytest.approx(float(np.linalg.norm(apart)), abs=0.006)
    assert error == pytest.approx(math.hypot(*along), abs=0.006)
    for name, end, own in zip("AB", ends, errors, strict=True):
        away, error = number_of(shown[t("measure.away", "en", name=name)])
        assert away == pytest.approx(float(np.linalg.norm(end)), abs=0.006)
        assert error == pytest.approx(own, abs=0.006)
    assert app.query_params["bx"] == "100"


def test_a_model_without_confidence_states_no_error() -> None:
    app = opened("measure", model="other")
    assert number_of(metrics(app)[t("measure.distance", "en")])[1] is None
    assert any(entry.value == t("measure.no_error", "en") for entry in app.caption)


@pytest.mark.parametrize("page", ["start", "measure", "coarse_to_fine", "space"])
def test_no_number_of_a_panorama_claims_metres(page: str) -> None:
    stream = io.BytesIO()
    tag = b'<x GPano:ProjectionType="equirectangular"/>'
    Image.fromarray(picture(WIDTH, HEIGHT, 5)).save(stream, "JPEG", xmp=tag)
    app = opened(page, stream.getvalue())
    assert not look_of(app).prediction.metric
    values = metrics(app).values()
    assert not [value for value in values if value.endswith((" m", " m²"))]
    for value in values if page == "measure" else ():
        assert math.isfinite(number_of(value.replace(",", "").replace("%", ""))[0])
    assert any("360-degree" in entry.value for entry in app.sidebar.caption)


def test_a_known_length_rescales_every_page_and_every_file(tmp_path: Path) -> None:
    app = typed(opened("measure"), 20, 30, 100, 60)
    before = look_of(app)
    app.number_input(key="metres").set_value(1.5)
    app.button(key="rescale").click()
    sound(app.run())
    view = look_of(app)
    factor = view.prediction.scale
    assert number_of(metrics(app)[t("measure.distance", "en")])[0] == 1.5
    assert factor == pytest.approx(
        1.5 / before.ruler.distance((20, 30), (100, 60)).distance, rel=1e-6
    )
    np.testing.assert_allclose(view.prediction.depth, before.prediction.depth * factor, rtol=1e-6)
    sentence = t("summary.scale_value", "en", scale=factor, metres=1.5)
    assert any(sentence in entry.value for entry in app.sidebar.caption)

    cloud = file_of(
        view, SpaceChoice(SpaceOptions(shape="points"), "photo", 50_000), ".ply", full=True
    )
    (told,) = (line for line in PlyData.read(io.BytesIO(cloud)).comments if "calibration" in line)
    assert "(100, 60) are 1.5 m apart" in told
    saved = save_outputs(view.result, ["depth16"], tmp_path)
    assert json.loads(saved.sidecar.read_text())["calibration"]["scale"] == factor

    # A level's depth is the finest one's at the last level, and that is the photo's.
    app.switch_page("page_scripts/coarse_to_fine.py")
    sound(app.run())
    low, high = (float(n) for n in metrics(app)["Depth"].removesuffix(" m").split(" - "))
    assert low == pytest.approx(float(view.prediction.depth.min()), abs=0.006)
    assert high == pytest.approx(float(view.prediction.depth.max()), abs=0.006)
    app.switch_page("page_scripts/space.py")
    sound(app.run())
    app.toggle(key="setfov").set_value(True)  # predicts anew
    sound(app.run())
    app.button(key="unscale").click()
    sound(app.run())
    assert look_of(app).prediction.scale == 1
    assert not [button for button in app.sidebar.button if button.key == "unscale"]


def test_lengths_that_cannot_be_get_one_sentence_and_a_good_one_can_be_undone() -> None:
    app = opened("measure")
    for ends, metres, words in (
        ((20, 30, 100, 60), None, "No true distance"),
        ((20, 30, 100, 60), 0.0, "expected 0.001 to 10000 m"),
        ((9, 9, 9, 9), 2.0, "same pixel"),
    ):
        typed(app, *ends)
        app.number_input(key="metres").set_value(metres)
        app.button(key="rescale").click()
        app.run()
        assert not app.exception
        assert [words in entry.value for entry in app.error] == [True]
        assert look_of(app).known is None
    typed(app, 20, 30, 100, 60)
    app.number_input(key="metres").set_value(2.0)
    app.button(key="rescale").click()
    sound(app.run())
    assert look_of(app).known is not None
    app.button(key="undo").click()
    sound(app.run())
    assert look_of(app).known is None


def start(**address: str) -> AppTest:
    """The page of measuring with the first example photo, which the address may name."""
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("page_scripts/measure.py")
    return sound(app.run())


def test_a_link_brings_the_known_length_along() -> None:
    app = start(ax="20", ay="30", bx="100", by="60", known=KNOWN)
    assert number_of(metrics(app)[t("measure.distance", "en")])[0] == 1.5
    assert app.query_params["known"] == KNOWN
    app.selectbox(key="photo").set_value("street")  # what was marked on one photo is not another's
    sound(app.run())
    assert look_of(app).known is None
    assert "known" not in app.query_params


@pytest.mark.parametrize("known", ["much", "20,30,99999,60,1.5"])
def test_a_link_with_nonsense_for_a_length_is_ignored(known: str) -> None:
    app = start(known=known)
    assert look_of(app).known is None
    assert "known" not in app.query_params


def test_a_link_s_length_is_not_taken_for_an_uploaded_photo() -> None:
    app = opened("measure", known=KNOWN)
    assert look_of(app).known is None


def test_a_box_reads_nearest_median_and_their_error() -> None:
    app = opened("measure", box_x="25", box_y="50", box_w="50", box_h="100")
    view = look_of(app)
    depth = view.prediction.depth[:, : WIDTH // 2]
    shown = metrics(app)
    nearest, error = number_of(shown[t("measure.nearest", "en")])
    assert nearest == pytest.approx(float(np.percentile(depth, 2)), abs=0.006)
    assert number_of(shown[t("measure.median", "en")])[0] == pytest.approx(
        float(np.median(depth)), abs=0.006
    )
    assert view.prediction.confidence is not None
    expected = (1 - view.prediction.confidence[:, : WIDTH // 2]) * depth
    assert error == pytest.approx(float(np.median(expected)), abs=0.006)
    assert shown[t("measure.pixels", "en")] == f"{HEIGHT * WIDTH // 2:,}"


def flat(depth: np.ndarray) -> SimpleNamespace:
    """What a patch is measured in: a wall 3 m away, seen by the scenes' camera."""
    sure = np.full(depth.shape, 0.9, np.float32)
    scene = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))
    return SimpleNamespace(lang="en", unit="m", ruler=Measurer(depth, scene, sure))


def test_the_area_of_a_wall_and_why_a_corner_has_none() -> None:
    wall = np.full((scenes.HEIGHT, scenes.WIDTH), 3, np.float32)
    numbers, why_not = measuring.patch(flat(wall), (10, 20, 50, 60))
    area, error = number_of(numbers[0][1])
    true = 40 * 40 * 9 / (scenes.CAMERA.fx * scenes.CAMERA.fy)
    assert area == pytest.approx(true, abs=0.006)
    assert error == pytest.approx(0.2 * true, abs=0.006)
    assert numbers[1][1] == "100 %"
    assert why_not == ""
    rough = wall * np.random.default_rng(0).uniform(0.5, 2, wall.shape).astype(np.float32)
    numbers, why_not = measuring.patch(flat(rough), (10, 20, 50, 60))
    assert numbers == []
    assert "lies on one plane" in why_not
