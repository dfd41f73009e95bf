"""Temporary files: made by the server, reachable by their session only, gone in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.common.storage import Storage, remove_orphans
from core.errors import ExportError, ImageError


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def upload(storage: Storage, name: str = "photo.jpg") -> Path:
    """A file where Gradio puts what is uploaded."""
    path = storage.root / "0123abcd" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"picture")
    return path


def age(path: Path, seconds: float) -> None:
    for entry in (path, *path.rglob("*")):
        os.utime(entry, (time.time() - seconds,) * 2)


def test_nothing_else_is(storage: Storage, tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"secret")
    link = storage.root / "0123abcd" / "link.png"
    upload(storage)
    link.symlink_to(outside)
    result = storage.folder("someone") / "depth.png"
    result.write_bytes(b"another session's")
    paths: list[Any] = [
        *(str(path) for path in (outside, link, result, storage.root, storage.root / "owner.pid")),
        f"{storage.root}/0123abcd/../../secret.png",
        "https://example.org/a.png",
        "FILE:///etc/passwd",
        "s3://photos/a.png",
        "gone.png",
        "a\0b",
        f"{storage.root}/{'a' * 300}/b.png",  # longer than a file system takes
        f"{storage.root}/\ud800/b.png",  # half a character, as JSON may hold it
        "",
        7,
        None,
    ]
    for value in [*({"path": path} for path in paths), None, "photo.jpg", [], 3]:
        with pytest.raises(ImageError, match="expected") as caught:
            storage.uploaded(value)
        assert str(tmp_path) not in str(caught.value)


def test_a_session_s_results_go_with_it(storage: Storage) -> None:
    mine, other = storage.folder("mine"), storage.folder("other")
    (mine / "depth.png").write_bytes(b"depth")
    storage.end_session("mine")
    storage.end_session("never seen")
    assert not mine.exists()
    assert other.exists()
    assert mine.name != other.name
    assert len(mine.name) >= 20


def test_what_is_old_is_swept_and_the_examples_stay(storage: Storage) -> None:
    example = storage.root / "example" / "room.jpg"
    example.parent.mkdir()
    example.write_bytes(b"room")
    storage.protect()
    old, new = storage.folder("a"), storage.folder("b")
    sent = upload(storage).parent
    for folder in (old, sent, example.parent):
        age(folder, 5000)
    assert storage.sweep(3600) == 2
    assert not old.exists()
    assert not sent.exists()
    assert new.exists()
    assert example.exists()


def test_the_oldest_go_where_all_together_are_too_large(storage: Storage) -> None:
    folders = [storage.folder("a") for _ in range(4)]
    for number, folder in enumerate(folders):
        (folder / "depth.npy").write_bytes(bytes(100_000))
        age(folder, 380 - 120 * number)  # the last is new
    assert storage.sweep(3600, 250_000) == 2
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert storage.sweep(3600, 0) == 1
    assert folders[3].exists()


@pytest.mark.parametrize("hours", [48, -48])
def test_a_jump_of_the_clock_deletes_nothing(
    storage: Storage, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, start = storage.folder("a"), time.monotonic()
    real, steady = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    assert storage.sweep(3600) == 0
    assert folder.exists()
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600 + 3700)
    monkeypatch.setattr(time, "monotonic", lambda: steady() + 3700)
    assert storage.sweep(3600) == 1  # after a steady hour it counts again
    assert time.monotonic() > start


def test_the_folder_is_private_and_goes_when_the_server_ends(storage: Storage) -> None:
    assert storage.root.stat().st_mode & 0o077 == 0
    storage.close()
    assert not storage.root.exists()


def test_the_next_server_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed, living = Storage(tmp_path), Storage(tmp_path)
    (killed.root / "owner.pid").write_text(str(ended.pid))
    remove_orphans(tmp_path)
    assert not killed.root.exists()
    assert living.root.exists()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="set TMPDIR"):
        Storage(tmp_path / "nowhere")
    storage = Storage(tmp_path)
    storage.close()
    with pytest.raises(ExportError, match="free some space"):
        storage.folder("a")
