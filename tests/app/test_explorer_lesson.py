"""Lesson links hide controls and keep their values; a sheet of exercises goes with them."""

from __future__ import annotations

import html
from urllib.parse import parse_qs, urlsplit

import pytest

from app.common.translations import LANGUAGES, keys, t
from app.explorer.lesson import PANEL, exercise_sheet, lesson_link
from tests.app.explorer_app import opened, sound

pytestmark = pytest.mark.usefixtures("explorer_models")


def test_a_link_holds_state_and_hidden_controls() -> None:
    state = {"g16": "0", "lang": "zh", "hide": "k"}
    link = lesson_link("http://host/explorer/coarse_to_fine?k=8#top", state, ["g1", "menu"])
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "host", "/explorer/coarse_to_fine")
    assert parse_qs(parts.query) == {"g16": ["0"], "hide": ["g1,menu"]}
    assert lesson_link("http://host/loss", {"lang": "zh"}, []) == "http://host/loss"


def test_a_lesson_hides_controls_and_keeps_their_values() -> None:
    app = opened("coarse_to_fine", hide="g16,size,menu,nonsense", g16="0", size="photo")
    assert "g16" not in {entry.key for entry in app.slider}
    assert "g8" in {entry.key for entry in app.slider}
    assert app.query_params["g16"] == "0"
    assert not any(entry.key == "size" for entry in app.get("segmented_control"))
    assert not app.get("page_link")
    app.slider(key="g8").set_value(0.5)
    sound(app.run())
    assert app.query_params["g16"] == "0"
    assert app.query_params["hide"] == "g16,size,menu,nonsense"
    app.switch_page("page_scripts/levels.py")
    sound(app.run())
    assert app.query_params["hide"] == "g16,size,menu,nonsense"
    (leave,) = (entry for entry in app.button if entry.label == t("lesson.leave", "en"))
    sound(leave.click().run())
    assert app.get("page_link")
    sound(app.switch_page("page_scripts/coarse_to_fine.py").run())
    assert app.slider(key="g16").value == 0
    assert "hide" not in app.query_params


def test_the_panel_makes_the_link_of_what_is_on_the_page() -> None:
    app = opened("coarse_to_fine", k="8")
    assert not app.code
    app.session_state[PANEL] = True
    sound(app.run())
    assert "k=8" in app.code[0].value
    app.multiselect[0].set_value(["k", "menu"])
    sound(app.run())
    assert "hide=k,menu" in app.code[0].value
    assert "lang" not in app.multiselect[0].options


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sheet_asks_and_its_twin_answers(lang: str) -> None:
    questions = [key for key in keys() if key.startswith("sheet.") and key.endswith("_question")]
    link = "http://host/loss?lambda=1&hide=noise"
    pages = [exercise_sheet(lang, link, answers=each) for each in (False, True)]
    sheet, answers = map(html.unescape, pages)
    for key in questions:
        answer = t(key.replace("_question", "_answer"), lang)
        assert t(key, lang) in sheet
        assert answer not in sheet
        assert answer in answers
    assert 'href="http://host/loss?lambda=1&amp;hide=noise"' in pages[0]
    assert f'lang="{lang}"' in sheet
    assert "<script" not in sheet
