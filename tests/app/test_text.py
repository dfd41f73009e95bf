"""The tables of sentences: complete in both languages, with the same blanks to fill."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from app.common.translations import keys, language_of, read, t

APP = Path(__file__).resolve().parents[2] / "app"


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key in keys():
        english, chinese = t(key, "en"), t(key, "zh")
        assert english.strip(), key
        assert chinese.strip(), key
        assert blanks(english) == blanks(chinese), key


def test_every_key_that_the_gradio_app_names_is_there() -> None:
    known = set(keys())
    for path in APP.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for key in re.findall(r'\bt\("([a-z_]+\.[a-z0-9_]+)"', source):
            assert key in known, (path.name, key)
        for name in re.findall(r'[^\w]_\("([a-z0-9_]+)"\)', source):
            assert f"studio.{name}" in known, (path.name, name)


def test_a_sentence_has_every_language_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[view]\ndepth.en = "Depth"\ndepth.zh = "x"\n')
    assert read(tmp_path) == {"view.depth": {"en": "Depth", "zh": "x"}}
    (tmp_path / "b.toml").write_text('[view]\ndepth.en = "Other"\ndepth.zh = "y"\n')
    with pytest.raises(ValueError, match="defined twice"):
        read(tmp_path)
    (tmp_path / "b.toml").write_text('[view]\nfar.en = "Far"\n')
    with pytest.raises(ValueError, match="view.far"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("header", "language"),
    [(None, "en"), ("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("fr,de;q=0.5", "en"),
     ("fr, zh;q=0.5", "zh"), ("en-GB,zh", "en"), (";;,,=", "en")],
)  # fmt: skip
def test_the_browser_s_language_is_taken_where_there_is_a_table(
    header: str | None, language: str
) -> None:
    assert language_of(header) == language
