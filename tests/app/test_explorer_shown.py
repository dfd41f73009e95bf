"""What the explorer's charts show, against the same numbers computed again from the arrays."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.common.translations import t
from tests.app.explorer_app import (
    MAIN,
    SECONDS,
    TRUTH,
    maps_of,
    npy,
    opened,
    sound,
    upload_truth,
)

pytestmark = pytest.mark.usefixtures("explorer_models")
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"


def drawn(app: AppTest) -> dict[str, dict[str, Any]]:
    """The page's charts as they reach the browser, by title."""
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return {chart["layout"].get("meta"): chart for chart in charts}


def numbers(values: Any) -> np.ndarray[Any, Any]:
    """An array of a chart, packed or plain."""
    if not isinstance(values, dict):
        return np.asarray(values, np.float64)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = values.get("shape")
    return flat if shape is None else flat.reshape([int(n) for n in shape.split(",")])


def expected_percent(depth: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The error that "tiny" expects: exp(tanh(0.3 s) - 1.5) for the sum s under the sigmoid."""
    sums = np.log(depth / (10 - depth))
    return 100 * np.exp(np.tanh(0.3 * np.clip(sums, -5, 5)) - 1.5)


def test_the_map_of_the_expected_error_is_the_models_own() -> None:
    app = opened()
    chart = maps_of(app)[t("explorer.expected", "en")]
    depth = app.session_state["session view"].prediction.depth.astype(np.float64)
    shown = chart["values"]
    assert shown.shape == depth.shape
    assert np.allclose(shown, expected_percent(depth), atol=0.02)
    assert np.ptp(shown) > 1  # it does vary
    assert chart["bar"]["unit"] == "%"


def test_expected_and_true_error_are_compared_pixel_by_pixel() -> None:
    app = opened("compare")
    upload_truth(app, "a.npy", npy(TRUTH))
    assert app.selectbox(key="tscale").value == "metres"  # as every .npy is
    charts = drawn(sound(app))
    depth = app.session_state["session view"].prediction.depth.astype(np.float64)
    relative = 100 * np.abs(depth - TRUTH) / TRUTH
    pixels = sorted(zip(expected_percent(depth).ravel(), relative.ravel(), strict=True))
    groups = [pixels[i * len(pixels) // 10 : (i + 1) * len(pixels) // 10] for i in range(10)]
    curve, diagonal = charts[t("compare.honest", "en")]["data"]
    said = [np.mean([pixel[0] for pixel in group]) for group in groups]
    made = [np.mean([pixel[1] for pixel in group]) for group in groups]
    assert np.allclose(numbers(curve["x"]), said, rtol=0.01)
    assert np.allclose(numbers(curve["y"]), made, rtol=0.02)
    assert np.array_equal(numbers(diagonal["x"]), numbers(diagonal["y"]))

    maps = maps_of(app)
    error_map = maps[t("compare.relative", "en")]
    assert np.allclose(error_map["values"], relative, rtol=1e-3, atol=0.05)
    expected_map = maps[t("explorer.expected", "en")]
    assert expected_map["bar"]["high"] == error_map["bar"]["high"]  # one scale, to be compared
    sentence = next(entry.value for entry in app.markdown if "On average" in entry.value)
    assert f"{relative.mean():.1f} % off" in sentence
    assert f"({np.abs(depth - TRUTH).mean():.2f} m)" in sentence


def test_a_control_that_two_pages_share_shows_its_choice_on_both() -> None:
    """The browser keeps nothing of a control on another page: its value has to be sent."""
    app = opened("aspp")
    app.segmented_control(key="fill").set_value(t("stacking.fill_zero", "en"))
    app.run()
    app.switch_page("page_scripts/stacking.py").run()
    control = sound(app).segmented_control(key="fill")
    assert control.value == "zero"
    assert control.proto.set_value


def test_an_example_dropped_as_a_file_brings_its_measured_depth() -> None:
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    app.run()
    data = (EXAMPLES / "room.jpg").read_bytes()
    app.file_uploader(key="photo_file").set_value(("my room.jpg", data, "image/jpeg"))
    app.switch_page("page_scripts/compare.py").run()
    assert any("depth/room.png" in entry.value for entry in sound(app).caption)
    app.file_uploader(key="photo_file").set_value(("other.jpg", data + b"\0", "image/jpeg"))
    app.run()
    assert [t("compare.none", "en")] == [entry.value for entry in sound(app).info]
