"""What a reader takes home from a page, and that no control of a page is left without a test."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.explorer.figure_view import MAX_FIGURE_BYTES
from app.explorer.page_table import PAGES
from tests.app.explorer_app import TRUTH, maps_of, npy, opened, sound, unpacked, upload_truth

pytestmark = pytest.mark.usefixtures("explorer_models")


def with_truth() -> AppTest:
    """Every page has all its parts: ground truth was uploaded."""
    return upload_truth(opened("compare"), "a.npy", npy(TRUTH))


def units_missing(spec: dict[str, Any]) -> list[str]:
    """The types of a figure's traces whose colour bar is drawn and says no unit."""
    found = []
    for trace in spec["data"]:
        for holder in (trace, trace.get("marker", {})):
            bar = holder.get("colorbar")
            if bar and holder.get("showscale", True) and not bar.get("title", {}).get("text"):
                found.append(trace["type"])
    return found


def test_every_figure_can_be_taken_home(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Callable[[], bytes] | bytes | str] = {}
    show = st.download_button

    def noted(label: str, data: Any, *others: Any, **keywords: Any) -> Any:
        offered[keywords["key"]] = data
        return show(label, data, *others, **keywords)

    monkeypatch.setattr(st, "download_button", noted)
    app, bars = with_truth(), 0
    for page in PAGES:
        offered.clear()
        sound(app.switch_page(page.path).run())
        files = {key: data() if callable(data) else data for key, data in offered.items()}
        charts, maps = app.get("plotly_chart"), app.get("bidi_component")
        for chart in charts:
            assert len(chart.proto.spec) < MAX_FIGURE_BYTES, page.key
            assert not units_missing(json.loads(chart.proto.spec)), page.key
        for group in maps:
            assert len(group.proto.bytes) < MAX_FIGURE_BYTES, page.key
        for item in maps_of(app).values():
            bar = item["bar"]
            assert bar is None or bar["unit"] or bar["silent"], item["title"]
            bars += bar is not None
        pages = [str(data, "utf-8") for key, data in files.items() if key.startswith("html-")]
        # Every figure of the page is in one of its HTML files, and every group has its numbers.
        assert sum(text.count('<div class="plot"') for text in pages) == len(charts), page.key
        saved = {
            item["title"]
            for text in pages
            for group in re.findall(r'data-maps="(.*?)"', text)
            for item in unpacked(base64.b64decode(group))["maps"]
        }
        assert saved == set(maps_of(app)), page.key
        groups = {key.removeprefix("html-") for key in files if key.startswith("html-")}
        assert groups == {key[5:] for key in files if key.startswith("data-")}, page.key
        for key, data in files.items():
            assert data, key
            if key.startswith("data-"):
                held = np.load(io.BytesIO(data))
                assert held.files, key
                assert all(held[name].size for name in held.files), key
    assert bars > 20
