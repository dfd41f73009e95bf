"""Names of results that stay what they are, whatever else a run holds, and what is left out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from core.batch.manifest import Totals
from core.batch.names import SPLAT, Found, names_for
from core.batch.plan import LeftOut, plan
from core.errors import ConfigError
from core.files.outputs import OUTPUTS
from core.video.containers import why_no_video
from tests.core.batch_runs import Run, photo
from tests.core.batch_runs import files as listing
from tests.core.batch_runs import stems as planned

MOVIE = b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(100)
BESIDE = {
    ".DS_Store": b"\0\0\0\x01Bud1" + bytes(60),
    "._a.jpg": b"\x00\x05\x16\x07\0\2\0\0Mac OS X" + bytes(60),
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "desktop.ini": "[.ShellClassInfo]".encode("utf-16"),
    "a.mov": MOVIE,
    "a.json": b'{"taken": 2020}',
    "a.aae": b"<?xml version='1.0'?><plist></plist>",
    "a.xmp": b"<x:xmpmeta/>",
    "notes.md": b"# Holiday",
    "all.zip": b"PK\x03\x04" + bytes(60),
    "song.mp3": b"ID3\x03" + bytes(60),
    "catalogue.lrcat": b"SQLite format 3\x00" + bytes(60),
    "data.bin": bytes(range(256)),
    ".gitkeep": b"",
}


def test_what_is_plainly_no_photo_is_left_out_and_named(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    photo(folder / "a.png")
    for name, content in BESIDE.items():
        (folder / name).write_bytes(content)
    photo(folder / "b.png").rename(folder / "picture.txt")  # by content, not by name
    left_out = LeftOut()
    jobs = plan([folder], tmp_path / "out", left_out=left_out)
    assert [job.source.name for job in jobs] == ["a.png", "picture.txt"]
    assert left_out.total() == len(BESIDE)
    assert "a text file (" in str(left_out)
    assert jobs[0].stem == Path("a")  # the film beside it takes no name
    assert run(folder)[0] == Totals(done=2)
    assert [job.source.name for job in plan([folder / "*"], tmp_path / "out")] == [
        "a.png",
        "picture.txt",
    ]


@pytest.mark.parametrize("name", ["a.mov", "notes.md", "Thumbs.db"])
def test_a_file_named_itself_that_is_no_picture_fails(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / name).write_bytes(BESIDE[name])
    totals, (entry,) = run(tmp_path / name)
    assert totals == Totals(failed=1)
    assert "expected" in str(entry.error)


def test_damaged_and_raw_pictures_of_a_folder_fail(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    whole = photo(folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_bytes(b"not found")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "a.cr2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(200))
    (folder / "a.cr3").write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200))
    Image.new("RGB", (32, 24)).save(folder / "b.tif", tiffinfo={50706: b"\1\4\0\0"})
    (folder / "b.tif").rename(folder / "b.dng")
    totals, entries = run(folder)
    assert totals == Totals(failed=6)
    told = {Path(entry.input).name: str(entry.error) for entry in entries}
    assert all("raw file" in told[name] for name in ("a.cr2", "a.cr3", "b.dng"))


def test_a_folder_of_other_things_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    with pytest.raises(ConfigError, match=r"a text file \(1\).*expected photos"):
        plan([tmp_path / "in"], tmp_path / "out")


def test_of_a_folder_of_videos_photos_are_left_out(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(9))
    (tmp_path / "in" / "a.m4a").write_bytes(b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + bytes(9))
    (tmp_path / "in" / "a.mov").write_bytes(MOVIE)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video")  # is tried, and named
    jobs = plan([tmp_path / "in"], tmp_path / "out", why_not=why_no_video)
    assert [job.source.name for job in jobs] == ["a.mov", "broken.mp4"]


def test_a_finished_result_keeps_its_name_when_a_sibling_comes(tmp_path: Path, run: Run) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    photo(folder / "a.jpg", 1)
    run(folder, save="npy")
    before = (out / "a_depth.npy").stat().st_mtime_ns
    photo(folder / "a.png", 2)
    _, entries = run(folder, save="npy")
    assert {(Path(e.input).name, e.stem, e.status) for e in entries} == {
        ("a.jpg", "a", "skipped"),
        ("a.png", "a.png", "done"),
    }
    assert (out / "a_depth.npy").stat().st_mtime_ns == before
    assert run(folder, save="npy")[0] == Totals(skipped=2)
    (folder / "a.jpg").unlink()  # and when one goes
    _, (entry,) = run(folder, save="npy")
    assert (entry.stem, entry.status) == ("a.png", "skipped")


def test_equal_names_of_two_runs_both_stay(tmp_path: Path, run: Run) -> None:
    one, two = photo(tmp_path / "one" / "p.png", 1), photo(tmp_path / "two" / "p.png", 2)
    run(one, save="npy")
    before = (tmp_path / "out" / "p_depth.npy").read_bytes()
    _, (entry,) = run(two, save="npy")
    assert entry.status == "done"
    assert entry.stem != "p"
    assert (tmp_path / "out" / "p_depth.npy").read_bytes() == before
    for source in (one, two):
        assert run(source, save="npy")[0] == Totals(skipped=1)
    _, (entry,) = run(photo(tmp_path / "three" / "p.png", 3), save="npy", overwrite=True)
    assert entry.stem == "p"


def test_several_folders_keep_their_names(tmp_path: Path, run: Run) -> None:
    for index, name in enumerate(("one/p.png", "two/p.png", "two/deep/q.png")):
        photo(tmp_path / name, index)
    folders = [tmp_path / "one", tmp_path / "two"]
    assert planned(folders, tmp_path / "out") == ["one/p", "two/p", "two/deep/q"]
    run(folders[0], save="npy")  # named alone before: the result is found
    _, entries = run(*folders, save="npy")
    assert [(e.stem, e.status) for e in entries] == [
        ("p", "skipped"),
        ("two/p", "done"),
        ("two/deep/q", "done"),
    ]
    same = [photo(tmp_path / side / "in" / "p.png") for side in "xy"]
    assert planned([path.parent for path in same], tmp_path / "out") == ["x/in/p", "y/in/p"]


def test_names_that_are_one_elsewhere_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for form in ("NFC", "NFD"):
        photo(folder / f"{unicodedata.normalize(form, 'é')}.png")
    photo(folder / "A.png")
    photo(folder / "a.png")
    keys = {unicodedata.normalize("NFC", s).casefold() for s in planned([folder], tmp_path)}
    assert len(keys) == 4


def test_names_that_windows_cannot_hold_are_made_such_that_it_can(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    given = (
        "CON.jpg",
        "aux.b.png",
        "a\nb.jpg",
        "12:30?.jpg",
        "trip. ./a.jpg",
        "console.jpg",
        "a..jpg",
    )
    for name in given:
        photo(folder / name)
    out = tmp_path / "out"
    stems = {job.source.name: job.stem.as_posix() for job in plan([folder], out)}
    assert stems == {
        "CON.jpg": "_CON",
        "aux.b.png": "_aux.b",
        "a\nb.jpg": "a_b",
        "12:30?.jpg": "12_30_",
        "a.jpg": "trip_/a",
        "console.jpg": "console",
        "a..jpg": "a.",
    }
    run(folder)
    assert (out / "_CON.json").is_file()
    photo(folder / "a_b.png", 9)  # two that become one are told apart
    names = {job.source.name: str(job.stem) for job in plan([folder], out)}
    assert (names["a\nb.jpg"], names["a_b.png"]) == ("a_b.jpg", "a_b.png")
    totals, _ = run(folder)
    assert (totals.done, totals.skipped) == (1, len(given))  # what is there keeps its name


def test_a_name_that_is_too_long_leaves_nothing(tmp_path: Path, run: Run) -> None:
    long = photo(tmp_path / ("é" * 122 + ".png"))  # 248 bytes
    totals, (entry,) = run(long)
    assert totals == Totals(failed=1)
    assert "shorter name" in str(entry.error)
    assert "free" not in str(entry.error)
    assert not (tmp_path / "out").exists() or listing(tmp_path / "out") == []
    assert run(long, save="ply")[0] == Totals(done=1)


def test_no_photo_takes_the_name_of_anothers_splats(tmp_path: Path) -> None:
    clashes = {
        one.suffix.removesuffix(other.suffix)
        for one in OUTPUTS.values()
        for other in OUTPUTS.values()
        if one.suffix != other.suffix and one.suffix.endswith(other.suffix)
    }
    assert clashes == {SPLAT}  # a new output's name has to be kept apart too
    found = [
        Found(tmp_path / name, Path(name), str(tmp_path), True) for name in ("a.jpg", "a_splat.jpg")
    ]
    assert [str(stem) for stem, _ in names_for(found)] == ["a", "a_splat.jpg"]
