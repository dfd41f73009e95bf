"""Settings from the environment: defaults, and one sentence for what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.common.environment import check, value
from app.server.main import pages_from
from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_missing_or_empty_takes_the_default() -> None:
    assert value("HOST", {}) == value("HOST", {"HOST": ""}) == "127.0.0.1"
    assert value("HOST", {"HOST": "::1"}) == "::1"
    check({})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("LAPDEPTH_LOG", "JSON"),
        ("LAPDEPTH_PAGES", "depth,"),
        ("LAPDEPTH_FRAMES", "https://a.org; script-src *"),
        ("LAPDEPTH_FRAMES", "https://a.org\r\nSet-Cookie: a=b"),
        ("LAPDEPTH_FRAMES", "*"),
    ],
)
def test_what_is_wrong_is_one_sentence(name: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is .*; expected .* For example: "):
        check({name: wrong})


def test_one_page_can_be_started_alone() -> None:
    (page,) = pages_from({"LAPDEPTH_PAGES": "explorer", "STREAMLIT_PORT": "7860"})
    assert page.health == "/_stcore/health"
    assert len(pages_from({"LAPDEPTH_PAGES": "explorer,depth"})) == 2


def test_a_wrong_value_ends_the_start_with_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app.demo"],
        cwd=ROOT,
        env={**os.environ, "LAPDEPTH_TEMP_MB": "4 GB"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("LAPDEPTH_TEMP_MB is '4 GB'; expected a number")
    assert ended.stderr.count("\n") == 1
