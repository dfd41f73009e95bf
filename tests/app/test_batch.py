"""Many photos of one request: how many, and how much may be packed into the zips among them."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from app.common import runs as batch
from app.common.saving import safe_stem
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import metres
from app.depth_page.handlers import Handlers
from core.errors import ConfigError, ImageError
from core.predictor import load_predictor
from tests.core.pictures import encode, scene


def zipped(path: Path, count: int, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"{number}.jpg", bytes(size))
    return path


def test_zips_share_what_may_be_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_BYTES", 5000)
    zips = [zipped(tmp_path / f"{name}.zip", 1, 3000) for name in "ab"]
    with pytest.raises(ImageError, match=r"b\.zip unpacks to more"):
        batch._unpacked(zips, tmp_path / "out")
    assert batch._unpacked(zips[:1], tmp_path / "again") == [tmp_path / "again/unpacked/0"]


def test_the_photos_of_all_zips_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_PHOTOS", 3)
    zips = [zipped(tmp_path / f"{name}.zip", 2, 10) for name in "ab"]
    with pytest.raises(ConfigError, match="at most"):
        batch._unpacked(zips, tmp_path / "out")


def test_one_photo_sent_twice_is_two_photos_and_zips_name_their_photos(tmp_path: Path) -> None:
    photo = tmp_path / "hash" / "p.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"photo")
    twice = batch._unpacked([photo, photo], tmp_path / "a")
    assert len(set(twice)) == 2
    assert {(path.name, path.read_bytes()) for path in twice} == {("p.jpg", b"photo")}
    stems = [job.stem.as_posix() for job in batch.plan(twice, tmp_path / "out", mirror=False)]
    assert stems == ["p.jpg", "p.jpg-2"]
    zips = [zipped(tmp_path / f"{name}.zip", 1, 10) for name in ("day", "night")]
    inputs = batch._unpacked(zips, tmp_path / "b")
    stems = [job.stem.as_posix() for job in batch.plan(inputs, tmp_path / "out", mirror=False)]
    assert stems == ["day/0", "night/0"]


def test_what_is_no_picture_names_no_place_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(ConfigError, match="a text file") as caught:
        batch.plan([tmp_path / "notes.txt"], tmp_path / "out", mirror=False)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(("name", "stem"), [("CON", "_CON"), ("..", "photo"), ("a b:c", "a_b_c")])
def test_the_name_of_a_file_to_take_home_is_one_everywhere(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_the_list_shows_depth_model_and_range_and_why_one_failed(tiny_models: Path) -> None:
    photo = encode(Image.fromarray(scene(144, 192)), "PNG")
    request: Any = SimpleNamespace(session_hash="s", headers={"accept-language": "zh"})
    with contextlib.closing(Storage()) as storage:
        handlers = Handlers(Studio(models=tiny_models), storage, [], Any)  # type: ignore[arg-type]
        sent = [
            {"path": str(storage.keep(name, data))}
            for name, data in (("whole.png", photo), ("<i>cut.png", photo[: len(photo) // 2]))
        ]
        settings = ["tiny", "", False, "", None, "viridis", "auto", "", ""]
        _, listed = handlers.batch(request, lambda *_, **__: None, sent, *settings, ["color"])
    depth = load_predictor(tiny_models / "tiny.safetensors")(photo).depth
    whole, cut = (row for row in listed.split("<tr>") if ".png" in row)
    assert '<img alt="" width="72" src="data:image/jpeg;base64,' in whole
    assert ">tiny</td>" in whole
    assert f">{metres(depth.min())} – {metres(depth.max())}</td>" in whole
    assert "<img" not in cut
    assert "<i>" not in listed
    assert "已损坏" in cut  # and no English behind it
    assert "expected" not in cut
