"""What a reader takes home from a page, and that no control of a page is left without a test."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.explorer.display import MAX_FIGURE_BYTES
from app.explorer.page_table import PAGES
from tests.app.explorer_app import TRUTH, npy, opened, sound, upload_truth

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
        charts = app.get("plotly_chart")
        for chart in charts:
            assert len(chart.proto.spec) < MAX_FIGURE_BYTES, page.key
            spec = json.loads(chart.proto.spec)
            assert not units_missing(spec), page.key
            bars += sum("colorbar" in trace for trace in spec["data"])
        pages = [str(data, "utf-8") for key, data in files.items() if key.startswith("html-")]
        # Every figure of the page is in one of its HTML files, and every group has its numbers.
        assert sum(text.count('<div class="plot"') for text in pages) == len(charts), page.key
        groups = {key.removeprefix("html-") for key in files if key.startswith("html-")}
        assert groups == {key[5:] for key in files if key.startswith("data-")}, page.key
        for key, data in files.items():
            assert data, key
            if key.startswith("data-"):
                held = np.load(io.BytesIO(data))
                assert held.files, key
                assert all(held[name].size for name in held.files), key
    assert bars > 20
