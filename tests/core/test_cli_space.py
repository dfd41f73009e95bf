"""`scene` and `measure` on the command line: what they write, one sentence for what is wrong."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData

from core.cli.main import DONE, FAILED
from tests.core.cli_runs import photos, run
from tests.tiny_checkpoint import picture


@pytest.fixture(autouse=True)
def _photos(command_line: None) -> None:
    photos("photo")


def test_a_scene_writes_what_was_asked_for_and_names_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("pose.txt").write_text("0 0 1 5\n-1 0 0 6\n0 -1 0 7\n0 0 0 1\n")
    asked = ["--save", "ply,exr", "--intrinsics", "100,101,60,45", "--normals", "--stride", "2"]
    asked += ["--known-length", "10,10,100,80,2", "--pose", "pose.txt", "--edges", "0"]
    assert run("scene", "photo.png", "--out", "out", "--model", "tiny", *asked) == DONE
    names = {"out/photo.ply", "out/photo_depth.exr", "out/photo.json"}
    assert set(capsys.readouterr().out.split()) == names
    assert {str(path) for path in Path("out").iterdir()} == names
    read = PlyData.read("out/photo.ply")
    assert len(read["vertex"]) == 60 * 45
    assert "nx" in {item.name for item in read["vertex"].properties}
    comments = dict(line.split(" ", 1) for line in read.comments)
    assert comments["intrinsics"] == "fx fy cx cy = 100 101 60 45"
    assert comments["calibration"].endswith("are 2 m apart")
    assert comments["frame"].startswith("world")
    sidecar = json.loads(Path("out/photo.json").read_text())
    assert sidecar["calibration"]["length"]["metres"] == 2
    assert sidecar["files"]["ply"]["points"] == 60 * 45


def test_an_object_is_put_into_the_photo_and_hidden_where_it_stands_behind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["--out", "out", "--model", "tiny", "--save", "depth16", "--object"]
    shares = []
    for back in ("", ",1000"):
        assert run("scene", "photo.png", *asked, f"cube,60,60,0.2{back}") == DONE
        assert "out/photo_object.png" in capsys.readouterr().out
        facts = json.loads(Path("out/photo.json").read_text())["files"]["object"]
        before, after = (
            np.asarray(Image.open(name).convert("RGB"))
            for name in ("photo.png", f"out/{facts['file']}")
        )
        assert before.shape == after.shape
        shares.append((facts["visible"], bool((before != after).any())))
    assert shares[0][1]
    assert shares[1] == (0, False)


def test_measure_prints_json_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "tiny", "--point", "10,10", "--point", "100,80", "--box", "5,5,40,40"]
    known = ["--known-length", "10,10,100,80,2"]
    assert run("measure", "photo.png", *asked, *known) == DONE
    found = json.loads(capsys.readouterr().out)
    kinds = [result["kind"] for result in found["results"]]
    assert kinds[:3] == ["position", "position", "distance"]
    assert "box" in kinds
    (distance,) = (r["distance"] for r in found["results"] if r["kind"] == "distance")
    assert distance == pytest.approx(2, rel=1e-6)
    assert found["intrinsics"]["source"] == "assumed"
    assert found["calibration"]["length"]["end"] == [100, 80]
    assert run("measure", "photo.png", *asked, "--csv") == DONE
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows] == kinds
    assert {row["intrinsics_source"] for row in rows} == {"assumed"}
    ends = [np.array([float(row[f"position.{axis}"]) for axis in range(3)]) for row in rows[:2]]
    assert float(rows[2]["distance"]) == pytest.approx(np.linalg.norm(ends[0] - ends[1]))


def test_a_failed_scene_leaves_the_older_one_as_it_was() -> None:
    asked = ["scene", "photo.png", "--model", "tiny", "--out", "out"]
    assert run(*asked, "--save", "ply,npy") == DONE
    Path("out/photo.glb").mkdir()  # in the way of the file
    assert run(*asked, "--save", "ply,glb", "--stride", "2") == FAILED
    before = Path("out/photo.ply").read_bytes()
    described = json.loads(Path("out/photo.json").read_text())["files"]["ply"]
    assert described["sha256"] == hashlib.sha256(before).hexdigest()
    Path("out/photo.json").write_text("{}")  # somebody's own
    assert run(*asked, "--save", "ply") == FAILED
    assert Path("out/photo.json").read_text() == "{}"
    assert Path("out/photo.ply").read_bytes() == before


def test_a_scene_replaces_no_file_of_the_users_and_no_other_photos_results() -> None:
    common = ("--out", "out", "--model", "tiny")
    Path("out").mkdir()
    Path("out/photo.ply").write_bytes(b"scanned for a week")
    assert run("scene", "photo.png", *common) == FAILED
    assert sorted(path.name for path in Path("out").iterdir()) == ["photo.ply"]
    assert Path("out/photo.ply").read_bytes() == b"scanned for a week"
    Path("out/photo.ply").unlink()
    assert run("scene", "photo.png", *common, "--save", "ply") == DONE
    first = Path("out/photo.ply").read_bytes()
    Path("two").mkdir()
    Image.fromarray(picture(120, 90, 5)).save("two/photo.png")
    assert run("scene", "two/photo.png", *common, "--save", "ply") == DONE
    assert Path("out/photo.ply").read_bytes() == first
    assert len(list(Path("out").glob("*.ply"))) == 2


def test_predict_does_not_take_a_scenes_results_for_its_own() -> None:
    common = ("photo.png", "--out", "out", "--model", "tiny", "--save", "npy")
    assert run("scene", *common, "--known-length", "10,10,100,80,2") == DONE
    scaled = np.load("out/photo_depth.npy")
    assert run("predict", *common) == DONE
    assert not np.allclose(scaled, np.load("out/photo_depth.npy"))
