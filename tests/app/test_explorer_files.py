"""What a reader takes home from a page, and that no control of a page is left without a test."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.explorer.display import MAX_FIGURE_BYTES
from app.explorer.page_table import PAGES
from tests.app.explorer_app import TRUTH, npy, opened, sound, upload_truth

pytestmark = pytest.mark.usefixtures("explorer_models")

# What `test_every_control_of_every_page` moves whatever its name is.
MOVED = ("slider", "select_slider", "selectbox", "segmented_control", "toggle", "number_input")
BY_NAME = ("button", "text_area", "file_uploader")
SOURCES = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("*explorer*.py"))


def with_truth() -> AppTest:
    """Every page has all its parts: ground truth was uploaded."""
    return upload_truth(opened("compare"), "a.npy", npy(TRUTH))


def test_every_control_is_moved_by_some_test() -> None:
    """Lists the controls that are found by name alone and that no test names."""
    app, left_out = with_truth(), []
    for page in PAGES:
        sound(app.switch_page(page.path).run())
        kinds = {kind: getattr(app.main, kind) for kind in BY_NAME}
        # The side bar's are the same on every page, and none of them is moved by the loop.
        kinds |= {f"side {kind}": getattr(app.sidebar, kind) for kind in (*MOVED, *BY_NAME)}
        for kind, widgets in kinds.items():
            for widget in widgets:
                name = f'{kind.removeprefix("side ")}(key="{widget.key}")'
                if name not in SOURCES and f'("{widget.key}", ' not in SOURCES:
                    left_out.append((page.key, name))
    assert not left_out


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


def test_pages_with_files_offer_them() -> None:
    """The names that a page of files promises, so that the loop above has something to read."""
    app = opened("export")
    names = {entry.label for entry in app.download_button}
    assert {"NumPy .npy", "16-bit PNG", "OpenEXR (32-bit)", "Point cloud .ply"} <= names
    space = sound(app.switch_page("page_scripts/space.py").run())
    assert {re.sub(r".* ", "", entry.label) for entry in space.download_button} >= {".ply", ".glb"}
