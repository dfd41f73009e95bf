"""The command `profile`, and what other commands make of a profile and of sparse depth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import DONE
from core.geometry.find_scale import calibrated
from core.images.decode import decode
from core.predictor import load_model
from core.scale.profile import load_profile
from tests.core.cli_runs import photos, run, sidecar


@pytest.fixture(autouse=True)
def _photos(command_line: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAPDEPTH_PROFILES", str(tmp_path / "profiles"))
    photos("photo", "other")


def made(*known: str) -> float:
    """The scale of the profile `hall`, made with a field of view that photos do not tell."""
    assert run("profile", "create", "hall", "photo.png", "--fov", "50", *known) == DONE
    return load_profile("hall").scale


def test_a_profile_gives_every_command_the_same_metres(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factor = made("--known-depth", "60,45=30", "--known-depth", "30,40=30")
    told = capsys.readouterr()
    assert f"hall: x{factor:.3f} on tiny, from 2 of 2 measurements" in told.out
    profile = load_profile("hall")
    plain = load_model(tiny)(decode("photo.png"), fov=50)
    by_python = load_model(tiny)(decode("photo.png"), intrinsics=profile.camera)
    expected = plain.depth * np.float32(factor)
    np.testing.assert_allclose(calibrated(by_python, profile).depth, expected, rtol=1e-6)
    asked = ["--profile", "hall"]
    assert run("predict", "photo.png", "other.png", "--out", "out", "--save", "npy", *asked) == DONE
    np.testing.assert_allclose(np.load("out/photo_depth.npy"), expected, rtol=1e-6)
    about = sidecar("out/photo.json")
    assert about["scale"]["factor"] == factor
    assert about["scale"]["source"] == "profile"
    assert about["settings"]["profile"] == {"name": "hall", "sha256": profile.sha256}
    assert about["intrinsics"]["fx"] == pytest.approx(profile.camera.intrinsics.fx)
    assert run("scene", "photo.png", "--out", "space", "--save", "npy", *asked) == DONE
    np.testing.assert_array_equal(np.load("space/photo_depth.npy"), np.load("out/photo_depth.npy"))
    capsys.readouterr()
    assert run("measure", "photo.png", "--point", "60,45", *asked) == DONE
    (point,) = json.loads(capsys.readouterr().out)["results"][:1]
    assert point["position"][2] == pytest.approx(float(expected[45, 60]), rel=1e-6)


def test_results_of_another_profile_are_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["predict", "photo.png", "--out", "out", "--save", "npy", "--profile", "hall"]
    made("--known-depth", "60,45=30")
    assert run(*asked) == DONE
    assert run(*asked) == DONE
    assert "1 finished before" in capsys.readouterr().out
    made("--known-depth", "60,45=90", "--overwrite")
    capsys.readouterr()
    assert run(*asked) == DONE
    assert "1 done" in capsys.readouterr().out


def test_a_table_of_measurements_names_the_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    plain = {name: load_model("tiny")(decode(f"{name}.png")).depth for name in ("photo", "other")}
    rows = {
        f"{name}.png": {"known_depth": [[u, 40, 3.0 * float(depth[40, u])] for u in (20, 60, 100)]}
        for name, depth in plain.items()
    }
    rows["other.png"]["known_depth"][1][2] *= 2.54
    Path("measured.json").write_text(json.dumps(rows))
    asked = ["profile", "create", "two", "photo.png", "other.png", "--measured", "measured.json"]
    assert run(*asked) == DONE
    told = capsys.readouterr().err
    assert "The known depth 5" in told
    assert "says x7.62 while the others say x3" in told
    assert load_profile("two").scale == pytest.approx(3.0, rel=0.02)
    assert [each.used for each in load_profile("two").fitted] == [True] * 4 + [False, True]
    assert run("profile", "list") == DONE
    assert "two: x" in capsys.readouterr().out
    assert run("profile", "show", "two") == DONE
    assert json.loads(capsys.readouterr().out)["name"] == "two"


def test_sparse_depth_bends_the_photo(tiny: Path) -> None:
    depth = load_model(tiny)(decode("photo.png")).depth
    Path("points.csv").write_text(
        "".join(f"{u},{v},{depth[v, u] * 2}\n" for u in (20, 60, 100) for v in (20, 45, 70))
    )
    assert (
        run("predict", "photo.png", "--out", "out", "--save", "npy", "--sparse", "points.csv") == 0
    )
    np.testing.assert_allclose(np.load("out/photo_depth.npy"), depth * 2, rtol=1e-3)
    about = sidecar("out/photo.json")
    assert about["scale"]["source"] == "sparse depth"
    assert about["scale"]["factor"] == pytest.approx(2.0)
    (left,) = about["scale"]["residuals"]
    assert left["points"] == 9
    assert left["residual"] < 0.01
    assert about["settings"]["sparse"] == left["sha256"]
