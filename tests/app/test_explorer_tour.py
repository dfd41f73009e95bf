"""The tour asks before it shows, tells what came of the guess, and ticks tasks off."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from app.common.translations import t
from app.explorer.page_head import TASKS
from tests.app.explorer_app import groups_of_maps, opened, sound

pytestmark = pytest.mark.usefixtures("explorer_models")


def answer(app: AppTest) -> AppTest:
    (button,) = (entry for entry in app.button if entry.label == t("guess.see", "en"))
    return sound(button.click().run())


def pointed_at(app: AppTest) -> list[str]:
    """Keys of the controls that have a ring."""
    styles = " ".join(entry.proto.body for entry in app.get("html"))
    return re.findall(r"\.st-key-(\w+) { outline", styles)


def test_a_page_waits_for_the_guess_and_tells_the_answer() -> None:
    app = opened(tour="1")
    for page in ("levels", "differences", "spp", "atrous", "aspp", "stacking", "weights", "loss"):
        app = sound(app.switch_page(f"page_scripts/{page}.py").run())
        assert not app.get("plotly_chart"), page
        assert not groups_of_maps(app), page
        (asked,) = app.radio
        asked.set_value(asked.options[0])
        app = answer(app)
        assert not app.radio, page
        assert app.get("plotly_chart") or groups_of_maps(app), page
        told = " ".join(entry.value for entry in (*app.success, *app.info))
        if "It is:" in told:  # wrong: the answer named is another of the options
            named = re.search(r"It is: (.*?)\. ", told + " ")
            assert named is not None, page
            assert named[1] in asked.options[1:], page
        else:
            assert f"You said: {asked.options[0]}. Right." in told, page
        if page == "stacking":  # what can be left out is never needed most
            assert "skip" not in told


def test_a_number_is_compared_with_the_networks() -> None:
    app = opened("coarse_to_fine", tour="1")
    (asked,) = (entry for entry in app.main.number_input if entry.key == "guess-coarse_to_fine")
    asked.set_value(2.0)
    app = answer(app)
    told = " ".join(entry.value for entry in (*app.success, *app.info))
    found = re.search(r"the network says ([\d.]+)", told)
    assert found is not None
    assert pointed_at(app) == ["g16"]
    app.slider(key="g16").set_value(0.0)
    sound(app.run())
    assert pointed_at(app) == ["g1"]
    assert t("tour.open", "en", met=1, count=2) in " ".join(entry.value for entry in app.markdown)
    shown = {metric.label: metric.value for metric in app.metric}
    low, high = map(float, re.findall(r"[\d.]+", shown[t("coarse_to_fine.range", "en")]))
    assert low <= float(found[1]) <= high


def test_the_first_question_is_about_a_marked_place_and_waits_for_a_number() -> None:
    app = answer(opened("start", tour="1"))  # nothing typed: nothing happens
    (asked,) = (entry for entry in app.main.number_input if entry.key == "guess-start")
    asked.set_value(2.0)
    app = answer(app)
    told = " ".join(entry.value for entry in (*app.success, *app.info))
    answered, near, far = map(float, re.findall(
        r"network says ([\d.]+) .* from ([\d.]+) to ([\d.]+)", told)[0])  # fmt: skip
    assert near <= answered <= far


def texts(app: AppTest) -> str:
    return " ".join(entry.value for entry in (*app.markdown, *app.success))


ACTS: dict[str, list[tuple[str, object]]] = {
    "differences": [("same", False)],
    "aspp": [("answer", "pca")],
    "spp": [("grids", "1248"), ("side", 64)],
    "coarse_to_fine": [("g16", 0.0), ("g16", 1.0), ("g1", 2.0)],
    "loss": [("noise", 0.0), ("lambda", 1.0), ("scale", 1.5), ("lambda", 0.0), ("noise", 0.3)],
}


@pytest.mark.parametrize("page", ACTS)
def test_a_task_is_ticked_when_all_of_its_parts_have_been_done(page: str) -> None:
    app = opened(page, tour="1")
    (skip,) = (entry for entry in app.button if entry.label == t("guess.skip", "en"))
    app = sound(skip.click().run())
    count = len(TASKS[page])
    for number, (key, value) in enumerate(ACTS[page]):
        assert t("tour.done", "en") not in texts(app)
        assert number > 0 or t("tour.open", "en", met=0, count=count) in texts(app)
        kinds = (app.toggle, app.selectbox, app.slider, app.button_group)
        (control,) = (entry for kind in kinds for entry in kind if entry.key == key)
        control.set_value(value)
        app = sound(app.run())
    assert t("tour.done", "en") in texts(app)
    assert "tick comes by itself" not in texts(app)
    assert (t("tour.end", "en") in texts(app)) is (page == "loss")
    assert ("1 of 9 tasks done" in texts(app)) is (page == "loss")


def test_nobody_is_asked_twice_or_outside_the_tour() -> None:
    app = opened("loss")
    assert not app.radio
    app = opened("loss", tour="1")
    (skip,) = (entry for entry in app.button if entry.label == t("guess.skip", "en"))
    app = sound(skip.click().run())
    assert not app.radio
    assert app.get("plotly_chart")
    assert not any("You said" in entry.value for entry in (*app.success, *app.info))
    app.switch_page("page_scripts/spp.py").run()
    app = sound(app.switch_page("page_scripts/loss.py").run())
    assert not app.radio
