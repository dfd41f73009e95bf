"""Many files: names, structure, resume, sidecars, manifest, and bad files among good ones."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.batch.manifest import BatchSettings, Entry, Totals
from core.batch.packing import packed
from core.batch.plan import Job, plan
from core.batch.results import _claim_path
from core.batch.run import predict_files
from core.errors import CheckpointError, ConfigError
from core.files.depth_maps import ColorSettings
from core.files.outputs import parse_outputs
from core.files.sidecar import sidecar_path
from core.predictor import Predictor
from tests.core.batch_runs import INFO, Flat, Run, files, photo, stems


def test_names_that_would_collide_keep_their_extension(tmp_path: Path) -> None:
    names = ["a.jpg", "a.png", "b.jpg", "sub/a.jpg"]
    inputs = [photo(tmp_path / "in" / name) for name in names]
    assert stems([tmp_path / "in"], tmp_path) == ["a.jpg", "a.png", "b", "sub/a"]
    # Named one by one, two of one name are told apart by their folders.
    assert stems(inputs, tmp_path) == ["in/a", "a", "b", "sub/a"]


def test_one_file_named_twice_is_one_photo(tmp_path: Path) -> None:
    first = photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "link.png").symlink_to(first)
    inputs = [first, tmp_path / "in", tmp_path / "in" / "." / "a.png", tmp_path / "in" / "*.png"]
    assert [job.source.name for job in plan(inputs, tmp_path)] == ["a.png", "link.png"]


def test_results_are_never_taken_for_photos(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "out" / "a_color.png")
    assert stems([tmp_path / "in"], tmp_path / "in" / "out") == ["a"]
    with pytest.raises(ConfigError, match="also an input"):
        plan([tmp_path / "in"], tmp_path / "in")


def test_a_second_run_leaves_its_results_out_however_it_is_asked(
    tmp_path: Path, run: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Patterns that a shell or this program expands find the results of the first run too."""
    out = tmp_path / "out"
    first = photo(out / "a.png")
    run(first, photo(out / "deep" / "b.png"))
    photo(out / "deep" / "c.png")
    (out / "deep" / "c.json").write_text("{}")  # no sidecar of ours
    for inputs in ([out / "*.png"], sorted(out.glob("*.png"))):
        assert [job.source for job in plan(inputs, out)] == [first]
    everything = [job.source.name for job in plan([tmp_path / "*" / "**" / "*"], out)]
    assert sorted(everything) == ["a.png", "b.png", "c.png"]
    assert stems([tmp_path / "*", photo(tmp_path / "x.png")], out) == ["x"]
    assert not caplog.records
    assert stems([first, out], out) == ["a"]
    assert "is the output folder" in caplog.text
    with pytest.raises(ConfigError, match="nothing but results"):
        plan([out / "a_color.png", out / "manifest.csv"], out)


def test_links_to_nothing_are_named_and_pipes_are_not_opened(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "gone.png").symlink_to("nowhere")
    (tmp_path / "in" / "self.png").symlink_to("self.png")
    os.mkfifo(tmp_path / "in" / "pipe")
    (tmp_path / "out").symlink_to("out")
    assert stems([tmp_path / "in"], tmp_path / "out") == ["a", "gone", "self"]


def test_patterns_are_expanded_and_names_with_brackets_are_files(tmp_path: Path) -> None:
    photo(tmp_path / "1.png")
    photo(tmp_path / "2.png")
    photo(tmp_path / "sub" / "3.png")
    odd = photo(tmp_path / "odd[1].png")
    assert stems([tmp_path / "[12].png"], tmp_path / "out") == ["1", "2"]
    assert stems([odd], tmp_path / "out") == ["odd[1]"]
    assert stems([tmp_path / "**" / "3.png"], tmp_path / "out") == ["3"]


@pytest.mark.parametrize("name", ["missing.jpg", "*.tif", "empty"])
def test_inputs_that_are_not_there_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="expected"):
        plan([tmp_path / name], tmp_path / "out")


def test_one_photo_gives_its_files_and_a_sidecar(tmp_path: Path, run: Run) -> None:
    source = photo(tmp_path / "a.png")
    totals, (entry,) = run(source, save="depth16,npy,levels", fov=60.0, resolution=100)
    assert totals == Totals(done=1)
    out = tmp_path / "out"
    assert files(out) == ["a.json", "a_depth.npy", "a_depth16.png", "a_levels.npz"]
    assert sorted(entry.files) == files(out)
    about = json.loads((out / "a.json").read_bytes())
    assert about["input"]["sha256"] == entry.sha256
    assert about["model"]["sha256"] == INFO.sha256
    assert about["settings"]["resolution"] == 96
    assert about["intrinsics"]["source"] == "given"
    assert set(about["files"]) == {"depth16", "npy", "levels"}
    depth = np.load(out / "a_depth.npy")
    assert about["depth"]["min_m"] == pytest.approx(float(depth.min()))
    stored = np.asarray(Image.open(out / "a_depth16.png"))
    np.testing.assert_allclose(stored / about["depth"]["png_scale"], depth, atol=0.001)


def test_a_bad_photo_does_not_stop_the_rest(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    photo(folder / "1.png")
    (folder / "2.png").write_text("no picture")
    (folder / "3.jpg").write_bytes(b"")
    photo(folder / "4.png")
    totals, entries = run(folder)
    assert totals == Totals(done=2, failed=2)
    assert [entry.status for entry in entries] == ["done", "failed", "failed", "done"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest["counts"] == {"done": 2, "skipped": 0, "failed": 2}
    assert [entry["error"] is None for entry in manifest["photos"]] == [True, False, False, True]
    assert [Path(entry["input"]).name for entry in manifest["photos"]] == [
        "1.png",
        "2.png",
        "3.jpg",
        "4.png",
    ]
    assert not any(name.startswith("2") for name in files(tmp_path / "out"))


ODD = ["=1+1.png", "+a.png", "@a.png", "two\nlines.png", 'a,"b";c.png', "no\udcfftext.png"]


def test_odd_names_come_back_from_the_manifest_the_table_and_the_zip(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    folder = tmp_path / "in"
    for name in ODD:
        photo(folder / name)
    _, entries = run(folder, save="npy,obj")
    assert {entry.status for entry in entries} == {"done"}
    photos = json.loads((tmp_path / "out" / "manifest.json").read_text())["photos"]
    stems = {"=1+1", "+a", "@a", "two_lines", "a,_b_;c", "no_text"}  # as every system can hold them
    assert {photo["stem"] for photo in photos} == stems
    with (tmp_path / "out" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({None, *rows[0]} - set(rows[0])) == 1  # no row is longer than the head
    told = {row["stem"] for row in rows}
    assert {"'=1+1", "'+a", "'@a", "two_lines", "a,_b_;c", "no_text"} == told
    assert not any(cell[:1] in "=+@" for row in rows for cell in row.values() if cell)
    with packed(str(tmp_path / "all.zip"), tmp_path / "out") as pack:
        for entry in entries:
            pack(entry)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        # zipfile reads as cp437 what is not marked as UTF-8.
        names = {
            member.filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")
            for member in archive.infolist()
        }
    assert names >= {os.fsencode(name) for entry in entries for name in entry.files}


def test_finished_photos_are_skipped_and_only_those(tmp_path: Path, run: Run, engine: Flat) -> None:
    sources = [photo(tmp_path / f"{i}.png", i) for i in range(3)]
    assert run(*sources)[0] == Totals(done=3)
    (tmp_path / "out" / "1_color.png").unlink()
    photo(sources[2], seed=9)
    _, entries = run(*sources)
    assert [entry.status for entry in entries] == ["skipped", "done", "done"]
    assert engine.runs == 5
    # As a run that is killed right after a sidecar leaves it.
    claim = _claim_path(tmp_path / "out" / "1")
    claim.write_text('["1_color.png"]')
    assert run(*sources)[0] == Totals(skipped=3)
    assert not claim.exists()
    assert run(*sources, overwrite=True)[0] == Totals(done=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"resolution": 128},
        {"flip": True},
        {"fov": 50.0},
        {"save": "color,npy"},
        {"colors": ColorSettings("viridis")},
        {"colors": ColorSettings(near=1.0, far=5.0)},
    ],
    ids=str,
)
def test_other_settings_are_not_finished(tmp_path: Path, run: Run, changes: dict[str, Any]) -> None:
    source = photo(tmp_path / "a.png")
    run(source)
    assert run(source, **changes)[0] == Totals(done=1)
    assert run(source, **changes)[0] == Totals(skipped=1)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"input": 3}', b"\xff\x00", b"[" * 5000, b'{"files": {"color": 1}}'],
)
def test_a_file_that_is_no_sidecar_is_left_alone(tmp_path: Path, run: Run, content: bytes) -> None:
    source = photo(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    sidecar_path(tmp_path / "out" / "a").write_bytes(content)  # it may be the user's own
    totals, (entry,) = run(source)
    assert totals == Totals(failed=1)
    assert "a.json" in str(entry.error)
    assert sidecar_path(tmp_path / "out" / "a").read_bytes() == content


@pytest.mark.parametrize(
    ("part", "value"),
    [("input", {}), ("model", {"sha256": 1}), ("settings", {})],
)
def test_a_sidecar_with_something_missing_means_undone(
    tmp_path: Path, run: Run, part: str, value: object
) -> None:
    source = photo(tmp_path / "a.png")
    run(source)
    path = sidecar_path(tmp_path / "out" / "a")
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {part: value}))
    assert run(source)[0] == Totals(done=1)


def test_a_disk_that_refuses_fails_the_photo_and_leaves_no_half_file(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [photo(tmp_path / f"{i}.png", i) for i in range(2)]
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(target).name == "0_depth16.png":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    totals, entries = run(*sources)
    assert totals == Totals(done=1, failed=1)
    assert "No space left" in str(entries[0].error)
    assert "0.json" not in files(tmp_path / "out")
    assert not [name for name in files(tmp_path / "out") if "tmp" in name]


def test_an_interrupted_run_leaves_a_manifest_of_what_it_did(tmp_path: Path, engine: Flat) -> None:
    jobs = [Job(photo(tmp_path / f"{i}.png"), Path(str(i))) for i in range(3)]

    def stop(entry: Entry) -> None:
        if entry.stem == "1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_files(
            jobs,
            tmp_path / "out",
            [INFO],
            lambda: Predictor(INFO, engine),
            BatchSettings(parse_outputs("npy")),
            on_entry=stop,
        )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert [entry["stem"] for entry in manifest["photos"]] == ["0", "1"]


def test_the_model_is_loaded_once_and_only_when_needed(tmp_path: Path, run: Run) -> None:
    source = photo(tmp_path / "a.png")
    run(source)
    settings = BatchSettings(parse_outputs("color,depth16"))

    def load() -> Predictor:
        raise CheckpointError("the model is gone")

    jobs = plan([source], tmp_path / "out")
    assert predict_files(jobs, tmp_path / "out", [INFO], load, settings) == Totals(skipped=1)
    with pytest.raises(CheckpointError, match="gone"):
        predict_files(
            jobs,
            tmp_path / "out",
            [INFO],
            load,
            BatchSettings(parse_outputs("npy")),
        )
