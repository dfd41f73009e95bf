"""Many photos of one request: how many, and how much may be packed into the zips among them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app import batch
from core.errors import ConfigError, ImageError


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
