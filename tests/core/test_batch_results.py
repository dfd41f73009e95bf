"""Results that are whole, described, at one scale, and never in the place of another file."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.batch.manifest import BatchSettings, Totals
from core.batch.plan import plan
from core.batch.results import replacing, staged
from core.batch.run import predict_files
from core.errors import ExportError
from core.files.outputs import parse_outputs
from core.files.sidecar import named_files, read_sidecar
from core.predictor import Predictor
from tests.core.batch_runs import INFO, Flat, Run, photo
from tests.core.batch_runs import files as listing

FOCAL = replace(INFO, config=replace(INFO.config, focal=60.0))


def with_lens(path: Path, millimetres: int, seed: int = 0) -> Path:
    photo(path, seed)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = millimetres
    Image.open(path).save(path, exif=exif)
    return path


def scales(out: Path) -> set[float]:
    found = (json.loads(path.read_bytes()) for path in out.rglob("*.json"))
    return {about["depth"]["png_scale"] for about in found if "depth" in about}


def test_all_photos_of_a_run_have_the_scale_that_holds_them_all(tmp_path: Path, run: Run) -> None:
    photo(tmp_path / "in" / "a.jpg")
    with_lens(tmp_path / "in" / "b.jpg", 400)
    assert run(tmp_path / "in", info=FOCAL, save="depth16,npy")[0] == Totals(done=2)
    out = tmp_path / "out"
    (scale,) = scales(out)
    about = json.loads((out / "manifest.json").read_bytes())
    assert about["png_scale"] == scale
    far = read_sidecar(out / "b") or {}
    assert far["focal_scale"] * FOCAL.config.max_depth * scale <= 65535
    for stem in "ab":
        stored = np.asarray(Image.open(out / f"{stem}_depth16.png")) / scale
        np.testing.assert_allclose(stored, np.load(out / f"{stem}_depth.npy"), atol=0.51 / scale)
    assert run(tmp_path / "in" / "a.jpg", info=FOCAL, save="depth16")[0] == Totals(skipped=1)


def test_the_scale_holds_what_a_given_camera_makes_of_the_depth(tmp_path: Path, run: Run) -> None:
    photo(tmp_path / "in" / "a.jpg")
    photo(tmp_path / "in" / "b.jpg", 1)
    camera = (500.0, 500.0, 23.5, 15.5)
    totals, entries = run(tmp_path / "in", info=FOCAL, save="depth16,npy", intrinsics=camera)
    assert totals == Totals(done=2), entries
    (scale,) = scales(tmp_path / "out")
    about = read_sidecar(tmp_path / "out" / "a") or {}
    assert about["focal_scale"] * FOCAL.config.max_depth * scale <= 65535


def test_the_scale_of_finished_results_is_kept_or_the_reason_said(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    photo(tmp_path / "in" / "a.jpg")
    photo(tmp_path / "in" / "b.jpg", 1)
    run(tmp_path / "in", info=FOCAL, save="depth16")
    (fine,) = scales(tmp_path / "out")
    with_lens(tmp_path / "in" / "c.jpg", 400, 2)
    assert run(tmp_path / "in", info=FOCAL, save="depth16")[0] == Totals(done=3)
    assert "made again" in caplog.text
    (coarse,) = scales(tmp_path / "out")
    assert coarse < fine
    (tmp_path / "in" / "c.jpg").unlink()
    assert run(tmp_path / "in", info=FOCAL, save="depth16")[0] == Totals(skipped=2)


def test_the_range_of_all_models_counts(tmp_path: Path, engine: Flat) -> None:
    far = replace(INFO, config=replace(INFO.config, max_depth=80.0), sha256="c" * 64)
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "b.png", 1)
    predict_files(
        plan([tmp_path / "in"], tmp_path / "out"),
        tmp_path / "out",
        [INFO, far],
        lambda: Predictor(INFO, engine),
        BatchSettings(parse_outputs("depth16")),
    )
    assert scales(tmp_path / "out") == {256.0}


def test_depth_that_the_scale_cannot_hold_is_never_clipped(tmp_path: Path, run: Run) -> None:
    photo(tmp_path / "in" / "a.png")
    totals, (entry,) = run(tmp_path / "in", save="depth16", png_scale=60000.0)
    assert totals == Totals(failed=1)
    assert "holds at most" in str(entry.error)
    assert listing(tmp_path / "out") == []


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["a.ply", "a_depth.npy", "a.json"])
def test_a_file_of_the_users_is_never_replaced(
    tmp_path: Path, run: Run, engine: Flat, name: str, overwrite: bool
) -> None:
    own = tmp_path / "out" / name
    own.parent.mkdir()
    own.write_bytes(b"scanned for a week")
    source = photo(tmp_path / "a.png")
    totals, (entry,) = run(source, save="npy,ply", overwrite=overwrite)
    assert totals == Totals(failed=1)
    assert name in str(entry.error)
    assert "move it away" in str(entry.error)
    assert listing(tmp_path / "out") == [name]
    assert own.read_bytes() == b"scanned for a week"
    assert engine.runs == 0


def test_a_file_of_the_users_beside_results_is_not_replaced_either(
    tmp_path: Path, run: Run
) -> None:
    source = photo(tmp_path / "a.png")
    run(source, save="npy")
    (tmp_path / "out" / "a.ply").write_bytes(b"mine")
    assert run(source, save="npy,ply", overwrite=True)[0] == Totals(failed=1)
    assert (tmp_path / "out" / "a.ply").read_bytes() == b"mine"
    assert run(source, save="npy")[0] == Totals(skipped=1)


def test_results_of_another_model_go_with_their_sidecar(tmp_path: Path, run: Run) -> None:
    source = photo(tmp_path / "a.png")
    run(source, save="depth16")
    other = INFO.saved_as(Path("other.safetensors"), "b" * 64)
    run(source, save="npy", info=other)
    assert listing(tmp_path / "out") == ["a.json", "a_depth.npy"]
    run(source, save="exr", info=other)
    assert listing(tmp_path / "out") == ["a.json", "a_depth.exr", "a_depth.npy"]
    assert sorted(named_files(read_sidecar(tmp_path / "out" / "a"))) == [
        "a_depth.exr",
        "a_depth.npy",
    ]


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_result_is_made_again(tmp_path: Path, run: Run, damage: str) -> None:
    source = photo(tmp_path / "a.png")
    run(source, save="npy,depth16")
    path = tmp_path / "out" / "a_depth.npy"
    before = path.read_bytes()
    path.write_bytes(before[:-9] if damage == "cut" else before[:-9] + bytes(9))
    assert run(source, save="npy,depth16")[0] == Totals(done=1)
    assert path.read_bytes() == before
    assert run(source, save="npy,depth16")[0] == Totals(skipped=1)


def test_what_a_kill_left_without_a_sidecar_is_replaced(tmp_path: Path, run: Run) -> None:
    source, stem = photo(tmp_path / "a.png"), tmp_path / "out" / "a"
    with contextlib.suppress(KeyboardInterrupt), staged(stem) as new:
        made = new.with_name("a_depth.npy")
        made.write_bytes(b"old")
        with replacing(stem, {made.name: made}):
            raise KeyboardInterrupt
    assert (tmp_path / "out" / "a_depth.npy").read_bytes() == b"old"
    assert run(source, save="npy")[0] == Totals(done=1)
    assert listing(tmp_path / "out") == ["a.json", "a_depth.npy"]


def test_a_sidecar_of_a_stranger_leads_nowhere(tmp_path: Path, run: Run) -> None:
    source = photo(tmp_path / "a.png")
    run(source, save="npy")
    path = tmp_path / "out" / "a.json"
    about: dict[str, Any] = json.loads(path.read_bytes())
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "out" / "b.txt").write_text("mine")
    for name in ("../precious.txt", "..", ".", "b.txt", ""):
        about["files"] = {"npy": {"file": name}, "exr": {"file": name}}
        about["model"]["sha256"] = "d" * 64
        path.write_text(json.dumps(about))
        run(source, save="levels")
    assert (tmp_path / "precious.txt").exists()
    assert (tmp_path / "out" / "b.txt").exists()


def test_a_disk_that_is_full_leaves_the_earlier_results(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photo(tmp_path / "a.png")
    run(source, save="npy,exr")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in listing(tmp_path / "out")}

    def refuse(*_: object, **__: object) -> bytes:
        raise ExportError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("core.files.writers_2d.encode_exr", refuse)
        assert run(source, save="npy,exr", resolution=128)[0] == Totals(failed=1)
    assert before == {
        name: (tmp_path / "out" / name).read_bytes() for name in listing(tmp_path / "out")
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", b'{\n  "version": "1.0",\n  "name": "my-package"\n}\n'),
        ("manifest.csv", b"input,status,sha256,stem,what\n"),
    ],
)
def test_what_only_begins_as_a_manifest_is_left_alone(
    tmp_path: Path, run: Run, name: str, content: bytes
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_bytes(content)
    with pytest.raises(ExportError, match=name):
        run(photo(tmp_path / "1.png"), photo(tmp_path / "2.png", 1))
    assert (tmp_path / "out" / name).read_bytes() == content
