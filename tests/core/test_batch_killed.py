"""A run killed with -9 and started again; and the same photos on a local Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from core.batch.plan import MANIFEST, TABLE
from core.cli.main import main
from tests.conftest import ROOT
from tests.tiny_checkpoint import picture

PHOTOS = 12
SLOW = "192"  # a resolution at which a photo takes long enough to be killed in


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "in"
    for index in range(PHOTOS):
        path = folder / f"{index % 3}" / f"{index:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(64, 48, index)).save(path)
    (folder / "1" / "broken.jpg").write_text("no picture")
    return folder


def command(photos: Path, out: Path, model: Path, *more: str) -> list[str]:
    arguments = ["predict", str(photos), "--out", str(out), "--model", str(model)]
    return [*arguments, "--resolution", SLOW, "--save", "depth16,npy", *more]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(count: int, out: Path, process: subprocess.Popen[str]) -> None:
    """Until so many photos are finished."""
    while len(sidecars(out)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def sidecars(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*.json") if path.name != MANIFEST)


def contents(out: Path) -> dict[str, bytes]:
    """Every result but the manifests, which hold times."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in (MANIFEST, TABLE)
    }


def entries(out: Path) -> list[dict[str, Any]]:
    manifest = json.loads((out / MANIFEST).read_bytes())
    found: list[dict[str, Any]] = manifest["photos"]
    counts = {
        status: sum(entry["status"] == status for entry in found)
        for status in ("done", "skipped", "failed")
    }
    assert manifest["counts"] == counts
    return found


@pytest.fixture(scope="module")
def whole(photos: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run that nobody disturbed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert main(command(photos, out, tiny)) == 1  # the broken one
    return out


def test_a_killed_run_goes_on_where_it_was(
    photos: Path, tiny: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(command(photos, out, tiny))
    wait_for(5, out, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {path: path.stat().st_mtime_ns for path in sidecars(out)}
    assert 5 <= len(finished) < PHOTOS
    assert not (out / MANIFEST).exists()
    assert main(command(photos, out, tiny)) == 1
    assert contents(out) == contents(whole)
    statuses = {entry["stem"]: entry["status"] for entry in entries(out)}
    assert len(statuses) == PHOTOS + 1
    for path, written in finished.items():
        assert path.stat().st_mtime_ns == written
        assert statuses[str(path.relative_to(out).with_suffix(""))] == "skipped"
    assert sum(status == "done" for status in statuses.values()) == PHOTOS - len(finished)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The output folder of a run on Ray, whose processes are gone afterwards."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "ray[data]"')
    yield tmp_path / "out"
    for process in ray_processes(os.getpid()):
        process.kill()


def ray_processes(parent: int, name: str = "") -> list[psutil.Process]:
    """Ray's processes below one; Ray renames its workers to what they run."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        try:
            if name in " ".join(process.cmdline()) and "ray" in process.exe() + process.name():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_ray_gives_the_same_files_with_a_worker_killed_in_mid_run(
    photos: Path, tiny: Path, whole: Path, cluster: Path
) -> None:
    early = photos / "0"  # finished before, by the single process
    assert main(command(early, cluster / "0", tiny)) == 0
    for name in (MANIFEST, TABLE):
        (cluster / "0" / name).unlink()
    finished = {path: path.stat().st_mtime_ns for path in sidecars(cluster)}
    process = start(command(photos, cluster, tiny, "--engine", "ray", "--workers", "2"))
    wait_for(len(finished) + 2, cluster, process)
    actors = ray_processes(process.pid, "PhotoActor")
    assert len(actors) == 2
    actors[0].kill()
    output, errors = process.communicate()
    assert process.returncode == 1, errors
    assert "broken.jpg" in errors
    assert "expected" in errors
    assert contents(cluster) == contents(whole)
    assert [entry["stem"] for entry in entries(cluster)] == [
        entry["stem"] for entry in entries(whole)
    ]
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert f"results in {cluster}" in output
