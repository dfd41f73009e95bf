"""The explorer with several models and with measured data: choice, confidence, data sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.common.translations import t
from app.explorer.session_view import chosen_because
from core.data import open_dataset
from core.evaluate.protocol import KITTI, NYU, Protocol
from core.evaluate.run import predictor_estimator
from core.evaluate.scoring import evaluate
from core.predictor import load_predictor
from core.weights.choice_table import AUTO, Choice
from tests.app.explorer_app import (
    GREY,
    RED,
    opened,
    png,
    sound,
)

pytestmark = pytest.mark.usefixtures("explorer_models")


@pytest.mark.parametrize(("photo", "name"), [(GREY, "tiny"), (RED, "other")])
def test_a_photo_chooses_its_model_and_a_person_can_overrule_it(
    photo: np.ndarray[Any, Any], name: str
) -> None:
    app = opened("start", png(photo), model=AUTO)
    assert app.session_state["session view"].info.name == name
    said = " ".join(entry.value for entry in app.sidebar.caption)
    assert f"{name} was chosen" in said
    other = {"tiny": "other", "other": "tiny"}[name]
    app.selectbox(key="model").set_value(other)
    sound(app.run())
    assert app.session_state["session view"].info.name == other
    assert "was chosen" not in " ".join(entry.value for entry in app.sidebar.caption)


def test_a_link_to_a_model_that_is_gone_says_so_until_another_is_chosen() -> None:
    app = opened("start", png(GREY), model="gone")
    said = [entry.value for entry in app.sidebar.warning]
    assert said == [t("explorer.model_gone", "en", name="gone")]
    app.selectbox(key="model").set_value("other")
    assert not sound(app.run()).sidebar.warning


def test_a_doubtful_choice_says_so() -> None:
    view = opened().session_state["session view"]
    for outdoor, words in ((0.6, "outdoors (60%)"), (0.45, "indoors (55%)")):
        said = chosen_because(replace(view, choice=Choice("tiny", outdoor)))
        assert words in said
        assert "doubtful" in said
    assert "doubtful" not in chosen_because(replace(view, choice=Choice("tiny", 0.99)))
    assert chosen_because(view) == ""


@pytest.mark.parametrize(
    ("chosen", "folder", "split", "protocol"),
    [("nyu", "nyu", "val", NYU), ("city", "kitti", "val", KITTI)],
)
def test_figures_of_a_data_set_are_those_of_the_evaluation(
    explorer_models: Path, chosen: str, folder: str, split: str, protocol: Protocol
) -> None:
    app = opened("datasets", set=chosen)
    table = app.table[0].value
    frames = open_dataset(folder, folder, split)
    estimate = predictor_estimator(load_predictor(explorer_models / "tiny.safetensors"), protocol)
    scored = {result.name: result for result in evaluate(estimate, frames, protocol).images}
    assert len(table) == {"nyu": 2, "city": 1}[chosen]
    for row in table.to_dict("records"):
        expected = scored[row["Frame"]]
        assert float(row["AbsRel"]) == pytest.approx(expected.metrics.abs_rel, abs=0.0006)
        assert float(row["RMSE (m)"]) == pytest.approx(expected.metrics.rmse, abs=0.0006)
        assert int(row["Pixels that count"].replace(",", "")) == expected.pixels


def test_kinds_of_scenes_are_kept_apart_and_other_cars_left_out() -> None:
    app = opened("datasets")
    assert [option.split(" (")[0] for option in app.selectbox(key="set").options] == [
        "NYU, rooms",
        "KITTI, city",
        "KITTI, residential",
    ]
    app.selectbox(key="set").set_value("residential")
    sound(app.run())
    assert any("may have seen" in entry.value for entry in app.caption)


def test_every_colouring_of_every_shape_is_drawn() -> None:
    app = opened("space", shape="surface", by="confidence")
    assert app.segmented_control(key="by").value == "confidence"
    app.selectbox(key="model").set_value("other")  # which has no confidence
    sound(app.run())
    assert app.segmented_control(key="by").value == "photo"
