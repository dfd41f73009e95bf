"""Zips of photos: what is unpacked, and what a hostile one gets."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from core.batch.archive import unpack
from core.errors import ImageError


def packed(path: Path, files: dict[str, bytes], link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, data)
    return path


def test_photos_keep_their_folders(tmp_path: Path) -> None:
    files = {"a.jpg": b"1", "b/c.jpg": b"22", "__MACOSX/._a.jpg": b"x", "b/.DS_Store": b"x"}
    archive = packed(tmp_path / "photos.zip", files)
    assert unpack(archive, tmp_path / "out", 10) == 2
    found = {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == {"a.jpg": b"1", "b/c.jpg": b"22"}


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/etc/out.jpg", "a/../../out.jpg", "dir\\out.jpg", "C:out.jpg"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    archive = packed(tmp_path / "photos.zip", {"good.jpg": b"1", name: b"2"})
    with pytest.raises(ImageError, match="plain files inside it"):
        unpack(archive, tmp_path / "out", 10)
    assert not (tmp_path / "out").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    archive = packed(tmp_path / "photos.zip", {"a.jpg": b"/etc/passwd"}, link=True)
    with pytest.raises(ImageError, match="plain files inside it"):
        unpack(archive, tmp_path / "out", 10)


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    archive = packed(tmp_path / "photos.zip", {"a.jpg": bytes(20_000_000)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(ImageError, match="more than this server takes"):
        unpack(archive, tmp_path / "out", 10, most_bytes=5_000_000)
    assert not list((tmp_path / "out").rglob("*.jpg"))


@pytest.mark.parametrize("count", [0, 11])
def test_too_many_photos_or_none_are_refused(tmp_path: Path, count: int) -> None:
    archive = packed(tmp_path / "photos.zip", {f"{i}.jpg": b"1" for i in range(count)})
    with pytest.raises(ImageError, match=f"holds {count} photos, expected 1 to 10"):
        unpack(archive, tmp_path / "out", 10)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO(packed(tmp_path / "a.zip", {"a.jpg": bytes(range(256)) * 40}).read_bytes())
    damaged = bytearray(whole.getvalue())
    damaged[60:90] = bytes(30)
    (tmp_path / "b.zip").write_bytes(damaged)
    for name in ("b.zip", "text.zip"):
        (tmp_path / "text.zip").write_text("no zip")
        with pytest.raises(ImageError, match="cannot be unpacked"):
            unpack(tmp_path / name, tmp_path / name[0], 10)
