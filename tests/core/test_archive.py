"""Zips of photos: what is unpacked, and what a hostile one gets."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from core.batch.archive import encoding_of, unpack
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
    "name",
    [
        "../out.jpg",
        "/etc/out.jpg",
        "a/../../out.jpg",
        "C:out.jpg",
        "C:\\Users\\out.jpg",
        "..\\out.jpg",
        "a\\..\\..\\out.jpg",
        "\\out.jpg",
        "\\\\server\\share\\out.jpg",
    ],
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


def raw_zip(names: list[bytes], extra: bytes = b"") -> bytes:
    """A zip as old tools write it: names as bytes, and no flag that says what they are."""
    body, directory = b"", b""
    for name in names:
        data = name
        common = struct.pack("<HHHHIIIHH", 0, 0, 0, 33, zlib.crc32(data), len(data), len(data),
                             len(name), len(extra))  # fmt: skip
        directory += b"PK\1\2" + struct.pack("<HH", 20, 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name + extra
        body += b"PK\3\4" + struct.pack("<H", 20) + common + name + extra + data
    count, size = len(names), len(directory)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, size, len(body), 0)
    return body + directory + end


def unpacked(tmp_path: Path, content: bytes) -> set[str]:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "photos.zip").write_bytes(content)
    out = tmp_path / "out"
    unpack(tmp_path / "photos.zip", out, 10)
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_folders_as_windows_writes_them(tmp_path: Path, encoding: str) -> None:
    # In Shift-JIS the second byte of the second name's first character is a backslash, too.
    names = ["room\\a.jpg", "b.jpg"] if encoding == "ascii" else ["表\\写真.jpg", "予定.jpg"]
    content = raw_zip([name.encode(encoding) for name in [*names, "empty\\"]])
    assert unpacked(tmp_path, content) == {name.replace("\\", "/") for name in names}


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp932", ["写真.jpg"]),
        ("cp932", ["リビング/部屋 (1).jpg"]),
        ("gbk", ["照片.jpg"]),
        ("gbk", ["我的照片/北京 1.jpg", "客厅.jpg"]),
        ("cp950", ["台北/客廳.jpg"]),
        ("cp949", ["서울/거리 사진.jpg"]),
        ("cp1251", ["фото.jpg"]),
        ("cp1251", ["Отпуск/Москва 2.jpg"]),
        ("cp866", ["Комната/фото.jpg"]),
        ("cp1252", ["Übung.jpg", "forêt.jpg"]),
        ("cp437", ["Küche.jpg", "café.jpg"]),
        ("utf-8", ["写真.jpg", "фото.jpg"]),
    ],
)
def test_names_in_an_encoding_that_the_zip_does_not_tell(
    tmp_path: Path, encoding: str, names: list[str]
) -> None:
    assert unpacked(tmp_path, raw_zip([name.encode(encoding) for name in names])) == set(names)


def test_the_name_in_utf8_beside_the_other_is_taken_where_it_belongs_to_it(tmp_path: Path) -> None:
    raw, name = b"??.jpg".replace(b"??", b"\xcc\xa5"), "写真.jpg"

    def field(checked: bytes, text: str = name) -> bytes:
        content = b"\1" + struct.pack("<I", zlib.crc32(checked)) + text.encode()
        return struct.pack("<HH", 0x5855, 2) + b"xy" + struct.pack(
            "<HH", 0x7075, len(content)
        ) + content  # fmt: skip

    assert unpacked(tmp_path / "a", raw_zip([raw], field(raw))) == {name}
    assert unpacked(tmp_path / "b", raw_zip([raw], field(b"renamed.jpg"))) != {name}
    assert unpacked(tmp_path / "c", raw_zip([raw], b"\x75\x70\x05\x00\2abcd")) != {name}
    with pytest.raises(ImageError, match="plain files inside it"):
        unpacked(tmp_path / "d", raw_zip([raw], field(raw, "../../out.jpg")))


@pytest.mark.parametrize("name", ["..\\写真.jpg", "C:\\写真.jpg", "\\写真.jpg"])
def test_a_name_leads_out_in_no_encoding(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match="plain files inside it"):
        unpacked(tmp_path, raw_zip([name.encode("cp932")]))


def test_two_files_of_one_name_are_not_one(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="two files of one name"):
        unpacked(tmp_path, raw_zip([b"a\\b.jpg", b"a/b.jpg"]))


def test_bytes_that_are_no_text_are_some_name(tmp_path: Path) -> None:
    assert encoding_of([b"a.jpg"]) == "ascii"
    assert len(unpacked(tmp_path, raw_zip([bytes(range(0x80, 0xC0)) + b".jpg"]))) == 1
