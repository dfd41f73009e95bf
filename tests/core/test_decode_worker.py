"""Decoding in a process of its own: whatever happens in there costs one picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageError
from core.images.decode import decode
from core.images.decode_worker import DEFAULT_SECONDS, DecodeWorker, decode_isolated
from core.images.limits import DecodeLimits
from tests.core.pictures import encode, png, scene

SCENE = scene()
PICTURE = Image.fromarray(SCENE)
EXIF = Image.Exif()
EXIF[0x0112] = 6
EXIF.get_ifd(0x8769)[0xA405] = 28
VALID = {
    "jpeg": encode(PICTURE, "JPEG", exif=EXIF),
    "png": encode(PICTURE, "PNG"),
    "png16": png(np.arange(560, dtype=np.uint16).reshape(20, 28) * 117, 0),
    "gif": encode(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(180)]),
    "tiff": encode(PICTURE, "TIFF"),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[DecodeWorker]:
    worker = DecodeWorker("tests.core.broken_decoders:by_content", memory_bytes=2 * 2**30)
    yield worker
    worker.close()


def good_picture_works(worker: DecodeWorker) -> None:
    photo = worker.decode(VALID["jpeg"], name="good.jpg")
    assert np.array_equal(photo.rgb, decode(VALID["jpeg"]).rgb)


class TestWorker:
    def test_same_answer_as_in_this_process(self, worker: DecodeWorker) -> None:
        for kind in ("jpeg", "png16", "gif"):
            here = decode(VALID[kind], name="a")
            there = worker.decode(VALID[kind], name="a")
            assert np.array_equal(here.rgb, there.rgb)
            for field in (
                "focal_35mm",
                "focal_px",
                "format",
                "sha256",
                "name",
                "full_size",
                "notes",
            ):
                assert getattr(here, field) == getattr(there, field), field

    @pytest.mark.parametrize("crash", ["abort", "kill"])
    def test_crash(self, worker: DecodeWorker, crash: str) -> None:
        with pytest.raises(ImageError, match=r"evil.jpg made the picture decoder crash"):
            worker.decode(crash.encode(), name="evil.jpg")
        good_picture_works(worker)

    @pytest.mark.parametrize("how", ["hang", "spin"])
    def test_endless(self, worker: DecodeWorker, how: str) -> None:
        good_picture_works(worker)  # so that the start does not count
        started = time.monotonic()
        with pytest.raises(ImageError, match=r"slow.jpg took longer than 0.5 s to decode"):
            worker.decode(how.encode(), name="slow.jpg", seconds=0.5)
        assert time.monotonic() - started < 10
        good_picture_works(worker)

    def test_a_busy_machine_costs_time_and_no_picture(self, worker: DecodeWorker) -> None:
        good_picture_works(worker)
        assert worker.decode(b"starve", seconds=1).rgb.shape == (3, 4, 3)
        assert DEFAULT_SECONDS < 10

    def test_memory(self, worker: DecodeWorker) -> None:
        with pytest.raises(ImageError, match=r"huge.jpg"):
            worker.decode(b"memory", name="huge.jpg")
        good_picture_works(worker)

    def test_bug_is_logged_with_its_traceback(
        self, worker: DecodeWorker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(ImageError, match="crash"):
            worker.decode(b"bug")
        assert "KeyError: 'bug'" in caplog.text

    def test_native_chatter_does_not_disturb(
        self, worker: DecodeWorker, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert worker.decode(b"chatter").rgb.shape == (3, 4, 3)
        good_picture_works(worker)
        assert capfd.readouterr() == ("", "")

    def test_answers_are_not_believed(self, worker: DecodeWorker) -> None:
        with pytest.raises(ImageError, match="crash"):
            worker.decode(b"lie", limits=DecodeLimits(max_pixels=1000))
        good_picture_works(worker)

    def test_no_secrets_and_no_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LAPDEPTH_PASSWORD", "hunter2")
        worker = DecodeWorker("tests.core.broken_decoders:by_content")
        try:
            assert worker.decode(b"secrets").notes == ("none",)
            written = worker.decode(f"write {tmp_path}/file".encode())
            assert written.notes == ("OSError",)
        finally:
            worker.close()


class TestIsolated:
    def test_paths_bytes_and_errors(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.png"
        path.write_bytes(VALID["png"])
        for source in (path, str(path), VALID["png"], bytearray(VALID["png"])):
            photo = decode_isolated(source)
            assert np.array_equal(photo.rgb, decode(VALID["png"]).rgb)
        assert decode_isolated(path).name == "photo.png"
        with pytest.raises(ImageError, match=r"photo.png is a text file"):
            decode_isolated(b"text", name="photo.png")
        with pytest.raises(ImageError, match="empty"):
            decode_isolated(b"")

    def test_many_threads(self) -> None:
        expected = {kind: decode(data).rgb for kind, data in VALID.items()}
        wrong: list[str] = []

        def client(kind: str) -> None:
            if not np.array_equal(decode_isolated(VALID[kind]).rgb, expected[kind]):
                wrong.append(kind)

        threads = [threading.Thread(target=client, args=(kind,)) for kind in [*VALID] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
