"""Zips written as a stream: read back by programs that are not ours."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from core.batch.packing import add_file, packed
from core.errors import ExportError

FILES = {"a.png": b"\x00\x01" * 5000, "room/empty": b"", "Räume/七.npy": os.urandom(3_000_000)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "files"


def write(file: BinaryIO, folder: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name in FILES:
            add_file(archive, folder / name, name)


def check(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.infolist()[0].date_time[0] > 2000
    if shutil.which("unzip"):
        said = subprocess.run(["unzip", "-tq", path], capture_output=True, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")


def test_other_programs_read_it(folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "a.zip").open("wb") as file:
        write(file, folder)
    check(tmp_path / "a.zip")


def test_it_goes_through_a_pipe(folder: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    received = io.BytesIO()

    def read() -> None:
        with os.fdopen(reading, "rb") as file:
            shutil.copyfileobj(file, received)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(writing, "wb") as file:
        write(file, folder)
    reader.join(30)
    (tmp_path / "a.zip").write_bytes(received.getvalue())
    check(tmp_path / "a.zip")


def test_a_file_that_changes_meanwhile_is_noticed(folder: Path) -> None:
    class Changing(io.BytesIO):
        def write(self, data: object) -> int:
            (folder / "a.png").write_bytes(b"other")
            return super().write(data)  # type: ignore[arg-type]

    with (
        pytest.raises(ExportError, match="changed while it was packed"),
        zipfile.ZipFile(Changing(), "w") as archive,
    ):
        add_file(archive, folder / "a.png", "a.png")


def test_what_a_killed_run_left_of_a_zip_goes_when_the_next_begins(tmp_path: Path) -> None:
    left, busy = (tmp_path / f".lapdepth-{name}.tmp" for name in ("left", "busy"))
    for path in (left, busy):
        path.write_bytes(b"half a zip")
        os.utime(path, (0, 0))
    with busy.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)  # another run is writing it
        with packed(str(tmp_path / "out.zip"), tmp_path, manifests=False):
            assert not left.exists()
        assert busy.exists()
    assert (tmp_path / "out.zip").stat().st_size > 0
