"""Logs as JSON: every line can be parsed, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.common.logs import JsonFormatter, relay

ROOT = Path(__file__).resolve().parents[2]


def test_a_record_is_one_line_with_its_exception() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord(
            "app.x", logging.ERROR, "x.py", 1, 'got "%s"', ("für\n",), sys.exc_info()
        )
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("ERROR", "app.x", 'got "für\n"')
    assert entry["exception"].endswith("ValueError: two\nlines")
    assert datetime.fromisoformat(entry["time"]).utcoffset() == timedelta(0)


def test_the_launcher_wraps_what_is_no_object() -> None:
    target = io.StringIO()
    relay([b'{"message": "kept"}\n', b"\n", b"[1]\n", b"Traceback \xff\n"], "Explorer", target)
    entries = [json.loads(line) for line in target.getvalue().splitlines()]
    assert [entry["message"] for entry in entries] == ["kept", "[1]", "Traceback \ufffd"]
    assert entries[1]["logger"] == "Explorer"


# A process that logs, warns, has a logger as Streamlit makes them, and ends by an error.
PROGRAM = """
import logging, warnings
from app.common import logs
logs.configure()
own = logging.getLogger("streamlit")
own.propagate = False
own.addHandler(logging.StreamHandler())
logs.configure()
logging.getLogger("app.page").info("started")
own.warning("mine")
warnings.warn("careful")
raise RuntimeError("a bug")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_process_says_everything_in_the_form_asked_for(form: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "LAPDEPTH_LOG": form},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    if form == "text":
        assert "INFO app.page started" in ended.stderr
        return
    entries = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [entry["logger"] for entry in entries] == [
        "app.page", "streamlit", "py.warnings", "app",
    ]  # fmt: skip
    assert "careful" in entries[2]["message"]
    assert entries[3]["exception"].endswith("RuntimeError: a bug")
