"""Files are whole or not there, whatever goes wrong while they are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from core.atomic import check_own, open_stage, remove_stale, write_atomic
from core.engines.onnx_export import is_own_onnx
from core.errors import ConfigError, ExportError
from core.evaluate.report import COLUMNS, is_own_csv, is_own_gallery

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = 1_000_000_000


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "depth.npy"
    target.write_bytes(b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half of the new")
        raise KeyError("bug")

    with pytest.raises(KeyError):
        write_atomic(target, fail)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["depth.npy"]


@pytest.mark.parametrize("name", ["folder", "file/below", "x" * 300])
def test_impossible_places_are_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError, match="could not be written .*choose another folder"):
        write_atomic(tmp_path / name, b"content")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_kill_leaves_only_a_temporary_file_and_the_next_start_removes_it(tmp_path: Path) -> None:
    target = tmp_path / "depth.npy"
    target.write_bytes(b"old")
    done = run(
        "import os, signal, sys; from core.atomic import write_atomic\n"
        "def half(file):\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomic(sys.argv[1], half)",
        str(target),
    )
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    (leftover,) = set(tmp_path.iterdir()) - {target}
    os.utime(leftover, (LONG_AGO, LONG_AGO))
    assert remove_stale(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [target]


def test_files_being_written_are_not_stale(tmp_path: Path) -> None:
    def meanwhile(file: BinaryIO) -> None:
        file.write(b"new")
        file.flush()
        (temporary,) = tmp_path.iterdir()
        os.utime(temporary, (LONG_AGO, LONG_AGO))
        assert remove_stale(tmp_path) == 0

    write_atomic(tmp_path / "depth.npy", meanwhile)
    assert (tmp_path / "depth.npy").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "is_ours", "ours"),
    [
        ("a.csv", is_own_csv, f"{','.join(COLUMNS)}\n".encode()),
        ("a.png", is_own_gallery, b"\x89PNG\r\n\x1a\n....tEXtSoftware\0LapDepth Studio"),
        ("a.onnx", is_own_onnx, b"graph" + bytes(200_000) + b"lapdepth..checkpoint_sha256"),
    ],
)
def test_only_a_file_of_this_program_is_replaced(
    tmp_path: Path, name: str, is_ours: Callable[[bytes, bytes], bool], ours: bytes
) -> None:
    path = tmp_path / name
    check_own(path, is_ours)  # nothing is there
    for content in (b"", b"mine", b"name,pixels\n", b"\x89PNG mine"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="not written by this program"):
            check_own(path, is_ours)
    path.write_bytes(ours)
    check_own(path, is_ours)
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ConfigError):
        check_own(path, is_ours)


def test_a_stage_goes_and_one_that_lost_its_writer_is_removed(tmp_path: Path) -> None:
    with open_stage(tmp_path / "out") as stage:
        (stage / "a").write_bytes(b"half")
        assert remove_stale(tmp_path / "out") == 0
    assert list((tmp_path / "out").iterdir()) == []
    left = tmp_path / "out" / ".lapdepth-0.stage"
    left.mkdir()
    (left / "a").write_bytes(b"half")
    assert remove_stale(tmp_path / "out") == 1
    assert not left.exists()
