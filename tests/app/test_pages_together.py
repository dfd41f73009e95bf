"""The two pages know each other: photo, model, camera and scale go along, once, and unguessably."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.common import handoff
from app.common.handoff import Handoff, HandoffFolder
from app.common.request import depth_request
from app.depth_page.form import DRAWING, form_request, raw_settings

ASKED = depth_request(
    model="tiny", resolution=128, flip=True, intrinsics=[100, 100, 79.5, 59.5],
    known_length=[10, 20, 90, 80, 2.5], known_depth=[5, 6, 1.5], camera_height=1.4,
    sparse=[[1, 2, 1.25], [3, 4, 2]], colormap="viridis", near=0.5, far=4,
)  # fmt: skip


def test_what_is_sent_arrives_once(tmp_path: Path) -> None:
    folder = HandoffFolder(tmp_path)
    sent = Handoff("ph\noto.png", b"line\nline", ASKED)
    first, second = folder.put(sent), folder.put(sent)
    assert len({first, second}) == 2
    assert len(first) == 32
    assert folder.take(first) == sent
    assert folder.take(first) is None
    assert folder.take(second) == sent
    assert list(tmp_path.iterdir()) == []


def test_the_controls_state_what_was_sent() -> None:
    values = raw_settings(ASKED, "/sent/mine.png")
    assert form_request(DRAWING, [{"path": "/sent/mine.png"}, *values]) == ASKED
    # What was measured in one photo says nothing of another.
    lengths = ASKED.known[:1]
    assert form_request(DRAWING, [{"path": "/other.png"}, *values]).known == lengths


@pytest.mark.parametrize("token", [None, 3, "", "../secret", "x" * 32, "a/" * 16])
def test_who_has_no_word_for_it_gets_nothing(tmp_path: Path, token: object) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inside").mkdir()
    assert HandoffFolder(tmp_path / "inside").take(token) is None
    assert (tmp_path / "secret").exists()


def test_what_nobody_comes_for_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = HandoffFolder(tmp_path)
    old = folder.put(Handoff("a.png", b"a", ASKED))
    past = time.time() - handoff.FRESH_SECONDS - 5
    os.utime(tmp_path / old, (past, past))
    assert folder.take(old) is None
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(handoff, "MAX_BYTES", 2500)
    tokens = []
    for number in range(3):
        tokens.append(folder.put(Handoff("a.png", b"a" * 1000, ASKED)))
        os.utime(tmp_path / tokens[-1], (time.time() - 10 + number,) * 2)
    assert folder.take(tokens[0]) is None
    assert folder.take(tokens[2]) is not None
