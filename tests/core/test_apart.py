"""Heavy work in three dimensions: the same result, within limits, and gone with who waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.errors import DepthError, EngineError, ExportError
from core.files import geometry_process as apart
from core.files.geometry_process import Apart, build_apart, is_heavy, write_apart
from core.files.outputs import OUTPUTS
from core.files.writers_2d import ExportJob
from core.files.writers_3d import CLIP_FRAMES, write_geometry
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import CloudOptions, PointCloud
from core.geometry.three_d import SpaceOptions, build
from core.images import decode_process
from core.prediction import Prediction
from core.scale.calibration import Calibration
from core.scale.measurements import KnownLength
from tests.core import scenes

POSE = (1.0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 3, 0, 0, 0, 1)


def predicted(factor: int = 1) -> tuple[Prediction, Any]:
    """A ball before a wall, every pixel `factor` times in each direction; a sure left half."""
    depth = scenes.sphere((0.0, 0.0, 3.0), 1.0, 3.4).astype(np.float32)
    depth = np.kron(depth, np.ones((factor, factor), np.float32))
    rgb = np.kron(scenes.picture(), np.ones((factor, factor, 1), np.uint8))
    height, width = depth.shape
    sure = np.linspace(1, 0, width, dtype=np.float32)[None].repeat(height, 0)
    found = SimpleNamespace(
        depth=depth,
        confidence=sure,
        intrinsics=scenes.CAMERA.resized(scenes.WIDTH, scenes.HEIGHT, width, height),
        photo_size=(width, height),
        info=SimpleNamespace(name="ball", sha256="0" * 64),
        calibration=Calibration(1.5, (KnownLength((1.0, 2.0), (3.0, 4.0), 0.5),)),
        scale=1.5,
        is_metric=lambda *, rescaled: rescaled,
        notes=(),
    )
    return cast(Prediction, found), rgb


def same(one: PointCloud | Mesh, other: PointCloud | Mesh) -> None:
    assert type(one) is type(other)
    assert one.scene == other.scene
    for name, value in vars(one).items():
        expected = getattr(other, name)
        if isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(value, expected)
        elif name not in ("scene", "uv"):
            assert value == expected, name


@pytest.mark.parametrize(
    "wanted",
    [
        SpaceOptions(CloudOptions(normals=True, min_confidence=0.5), "points", pose=POSE),
        SpaceOptions(CloudOptions(voxel=0.1), "points"),
        SpaceOptions(CloudOptions(edge_tolerance=None), "surface"),
    ],
)
def test_what_comes_back_is_what_would_have_been_built_here(
    wanted: SpaceOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction, rgb = predicted()
    monkeypatch.setattr(apart, "is_heavy", lambda *_: True)
    same(build_apart(prediction, rgb, wanted, Apart()), build(prediction, rgb, wanted))


@pytest.mark.parametrize("name", ["a b.ply", "a.glb", "a_obj.zip"])
def test_the_file_is_the_same_and_nothing_else_stays(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction, rgb = predicted()
    here, there = tmp_path / "here" / name, tmp_path / "there" / name
    there.parent.mkdir()
    facts = write_geometry(here, prediction, rgb, SpaceOptions())
    monkeypatch.setattr(apart, "is_heavy", lambda *_: True)
    assert write_apart(there, prediction, rgb, SpaceOptions(), Apart()) == facts
    assert there.read_bytes() == here.read_bytes()
    assert list(there.parent.iterdir()) == [there]


def test_open3d_runs_only_in_the_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("open3d")
    prediction, rgb = predicted(2)
    monkeypatch.setitem(sys.modules, "open3d", None)
    wanted = SpaceOptions(shape="surface", faces=400, outliers=True)
    with pytest.raises(ExportError, match="Open3D"):
        build(prediction, rgb, wanted)
    built = build_apart(prediction, rgb, wanted, Apart())
    assert isinstance(built, Mesh)
    assert 300 < len(built.faces) <= 400


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Apart(seconds=0.2), "took longer than 0.2 s"),
        (Apart(memory_bytes=10_000_000), "needs more than 0.01 GB of memory"),
        (Apart(wanted=lambda: False), "nobody waits"),
    ],
)
def test_too_much_is_one_sentence_and_leaves_nothing(
    limits: Apart, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction, rgb = predicted(12)
    monkeypatch.setattr(apart, "is_heavy", lambda *_: True)
    started = record_of_starts(monkeypatch)
    with pytest.raises(EngineError, match=says) as caught:
        write_apart(tmp_path / "a.ply", prediction, rgb, SpaceOptions(), limits)
    assert "expected" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert all(process.poll() is not None for process in started)


def test_an_error_of_the_work_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction, rgb = predicted()
    monkeypatch.setattr(apart, "is_heavy", lambda *_: True)
    with pytest.raises(DepthError, match="None of the .* pixels is left") as caught:
        build_apart(prediction, rgb, SpaceOptions(CloudOptions(near=100)), Apart())
    assert type(caught.value) is ExportError


def test_an_exception_of_who_waits_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class LeftError(BaseException): ...

    def leave() -> bool:
        raise LeftError

    prediction, rgb = predicted(12)
    monkeypatch.setattr(apart, "is_heavy", lambda *_: True)
    started = record_of_starts(monkeypatch)
    with pytest.raises(LeftError):
        build_apart(prediction, rgb, SpaceOptions(), Apart(wanted=leave))
    assert started
    assert all(process.poll() is not None for process in started)
    same(build_apart(*predicted(), SpaceOptions(), Apart()), build(*predicted(), SpaceOptions()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_the_process_dies_with_the_program() -> None:
    waiting = (
        "import sys, time\n"
        "from core.files import geometry_process as apart\n"
        "from core.images import decode_process\n"
        "from core.geometry.three_d import SpaceOptions\n"
        "from tests.core.test_apart import predicted\n"
        "apart.is_heavy = lambda *_: True\n"
        "begin = decode_process.start\n"
        "def start(*args):\n"
        "    process = begin(*args)\n"
        "    print(process.pid, flush=True)\n"
        "    return process\n"
        "decode_process.start = start\n"
        "apart.build_apart(*predicted(60), SpaceOptions(), apart.Apart())\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", waiting], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert program.stdout is not None
    with program, program.stdout:
        child = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while running(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not running(child)


def test_what_is_heavy() -> None:
    photo = 4032 * 3024
    everything, surface = SpaceOptions(), SpaceOptions(shape="surface")
    assert is_heavy(everything, photo, ".ply")
    assert not is_heavy(everything, 640 * 480, ".ply")
    assert not is_heavy(surface.thinned(120_000), photo)
    assert is_heavy(everything, 640 * 480, ".zip")
    assert is_heavy(replace(surface, faces=1000), 640 * 480)
    assert not is_heavy(replace(surface, faces=700_000), 640 * 480)
    assert is_heavy(SpaceOptions(shape="poisson"), 100)
    assert is_heavy(SpaceOptions(outliers=True), 100)


@pytest.mark.parametrize("faces", [1, 1000, 50_000, 299_999, 300_000, 5_000_000, 10**8])
def test_no_surface_is_many_times_finer_than_the_triangles_that_are_left(faces: int) -> None:
    wanted = SpaceOptions(shape="surface", faces=faces)
    points = wanted.lightened().points_of(100_000_000)
    assert points >= min(faces // 2, 25_000)
    before = 2 * points
    assert before <= max(4 * faces, 50_000)
    # Open3D never gets more than it does in some ten seconds.
    assert before <= 300_000 or not wanted.needs_open3d(100_000_000)


def record_of_starts(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    started: list[subprocess.Popen[bytes]] = []
    start = decode_process.start

    def recorded(*args: Any) -> subprocess.Popen[bytes]:
        started.append(start(*args))
        return started[-1]

    monkeypatch.setattr(decode_process, "start", recorded)
    return started


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def test_a_clip_that_nobody_waits_for_ends_with_its_present_picture(tmp_path: Path) -> None:
    prediction, rgb = predicted()
    asked: list[int] = []
    told: list[tuple[int, int]] = []

    def wanted() -> bool:
        asked.append(1)
        return len(asked) < 3

    path = OUTPUTS["clip"].path(tmp_path / "ball")
    apart = Apart(wanted=wanted, tell=lambda *done: told.append(done))
    with pytest.raises(EngineError, match="nobody waits for it"):
        OUTPUTS["clip"].write(path, ExportJob(prediction, rgb, apart=apart))
    assert len(asked) == 3
    assert told == [(0, CLIP_FRAMES), (1, CLIP_FRAMES)]
    assert list(tmp_path.iterdir()) == []


def test_the_process_starts_without_torch_and_dash() -> None:
    """Each takes longer to load than most work takes, and nothing here needs them."""
    said = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys\n"
            "import core.files.geometry_process\n"
            "from core.geometry.open3d_tools import load_open3d\n"
            "load_open3d()\n"
            "print([name for name in ('torch', 'dash') if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
