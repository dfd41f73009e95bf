"""The map of the network: this photo's own tensors, and a way to the page about each."""

from __future__ import annotations

import pytest

from app.explorer.page_table import PAGES
from tests.app.explorer_app import HEIGHT, WIDTH, opened, sound

pytestmark = pytest.mark.usefixtures("explorer_models")


def test_the_map_shows_every_block_with_its_size_and_its_page() -> None:
    app = opened()
    before = len(app.get("page_link"))
    app.toggle(key="net").set_value(True)
    sound(app.run())
    captions = [entry.value for entry in app.main.caption]
    assert f"3 x {HEIGHT} x {WIDTH}" in captions
    for stride in (16, 8, 4, 2, 1):  # the residuals
        assert f"1 x {HEIGHT // stride} x {WIDTH // stride}" in captions
    for stride in (2, 4, 8, 16):  # the encoder's features
        size = f" x {HEIGHT // stride} x {WIDTH // stride}"
        assert any(words.endswith(size) and not words.startswith("1 x") for words in captions)
    assert len(app.get("page_link")) - before >= 1 + 4 + 5 + 4 + 5 + 1
    links = {entry.proto.page for entry in app.get("page_link")}
    assert links <= {*(page.key for page in PAGES), ""}
    assert app.query_params["net"] == "1"
