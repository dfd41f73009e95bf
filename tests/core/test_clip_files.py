"""Clips as cameras, phones and programs write them: kinds, orientations, times, and cut ones."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.common.request import DepthRequest
from app.common.runs import run_video
from app.common.service import Studio
from core.cli.main import main
from core.errors import VideoError
from core.video.reader import ClipReader, Frame
from core.video.sequence import check_length
from core.video.settings import VideoSettings
from tests.core.clips import QUARTER_TURN, noisy, read_clip, write_clip
from tests.tiny_checkpoint import picture, save_tiny

av = pytest.importorskip("av", reason="PyAV is not installed")

WIDTH, HEIGHT = 128, 96
ROOM = picture(WIDTH, HEIGHT, 1)
SHADES = [np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in range(20, 240, 20)]
UNEVEN = [0.0, 0.033, 0.066, 0.2, 0.233, 0.7, 0.733, 1.5, 1.533, 1.566, 2.4]
# A display matrix a, b, c, d, and what Pillow calls the same.
ORIENTATIONS = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    QUARTER_TURN: Image.Transpose.ROTATE_270,  # anticlockwise, so clockwise by 90
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}


def read(path: Path) -> tuple[list[Frame], ClipReader]:
    with ClipReader(path) as reader:
        return list(reader), reader


def times_of(frames: list[Frame]) -> list[float]:
    return [frame.time for frame in frames]


def levels_of(frames: list[Frame]) -> list[int]:
    return [round(float(frame.rgb.mean())) for frame in frames]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs `video` on a clip; gives the sidecar."""
    model = save_tiny(tmp_path)

    def run(clip: Path, *options: str) -> dict[str, Any]:
        arguments = ["video", str(clip), "--out", str(tmp_path / "out"), "--model", str(model)]
        assert main([*arguments, *options]) == 0
        told: dict[str, Any] = json.loads((tmp_path / "out" / f"{clip.stem}.json").read_text())
        return told

    return run


def oriented(transpose: Image.Transpose | None) -> np.ndarray[Any, Any]:
    image = Image.fromarray(ROOM)
    return np.asarray(image if transpose is None else image.transpose(transpose)).astype(int)


@pytest.mark.parametrize(
    ("suffix", "matrix"),
    [*((".mp4", matrix) for matrix in ORIENTATIONS), (".mkv", (-1, 0, 0, 1))],
    ids=str,
)
def test_every_orientation_comes_as_players_show_it(
    tmp_path: Path, suffix: str, matrix: tuple[int, ...]
) -> None:
    frames, reader = read(write_clip(tmp_path / f"clip{suffix}", [ROOM] * 2, matrix=matrix))
    shown = oriented(ORIENTATIONS[matrix])
    assert frames[0].rgb.shape == shown.shape
    assert (reader.info.height, reader.info.width) == shown.shape[:2]
    for frame in frames:
        assert np.abs(frame.rgb - shown).mean() < 4


def test_a_turn_by_another_angle_is_the_nearest_quarter(tmp_path: Path) -> None:
    """And a matrix may also enlarge."""
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 2, matrix=QUARTER_TURN)
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, section 8.3.2, version 0
    numbers = (-9000, 90000, 0, 80000, 12000, 0, 0, 0, 1 << 30)
    data[at : at + 36] = struct.pack(">9i", *numbers)
    clip.write_bytes(data)
    frames, _ = read(clip)
    assert np.abs(frames[0].rgb - oriented(Image.Transpose.TRANSPOSE)).mean() < 4


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (0, -1, -1, 0)], ids=str)
def test_depth_and_video_are_oriented_alike(
    tmp_path: Path, command: Callable[..., dict[str, Any]], matrix: tuple[int, ...],
) -> None:  # fmt: skip
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3, matrix=matrix)
    shown = oriented(ORIENTATIONS[matrix])
    height, width = shown.shape[:2]
    upright = write_clip(tmp_path / "upright.mp4", [shown.astype(np.uint8)] * 3)
    maps = []
    for path in (clip, upright):
        command(path, "--unsteady")
        depth = Image.open(tmp_path / "out" / f"{path.stem}_frames" / "000001.png")
        maps.append(np.asarray(depth).astype(float))
    assert maps[0].shape == (height, width)
    assert np.abs(maps[0] / maps[1] - 1).mean() < 0.02
    folder = tmp_path / "page"
    folder.mkdir()
    (made, _), _ = run_video(
        Studio(models=tmp_path), clip, DepthRequest(), folder,
        lambda stage, done, total: None,
    )  # fmt: skip
    for video in (tmp_path / "out" / "clip_depth.mp4", made):
        assert np.abs(read_clip(video)[0][:, :width] - shown).mean() < 9


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.avi", "libx264", "AVI"),
        ("a.avi", "mpeg4", "AVI"),
        ("a.ts", "libx264", "MPEG transport stream"),
        ("a.ts", "mpeg2video", "MPEG transport stream"),
        ("a.m2ts", "libx264", "MPEG transport stream"),
        ("a.mpg", "mpeg2video", "MPEG program stream"),
        ("a.mkv", "libx264", "WebM or Matroska"),
        ("a.webm", "libvpx", "WebM or Matroska"),
    ],
)
def test_further_kinds_are_told_by_content(
    tmp_path: Path, name: str, codec: str, container: str
) -> None:
    clip = write_clip(tmp_path / name, SHADES, 25, codec=codec if codec != "mpeg4" else None)
    if codec == "mpeg4":
        clip = write_old_avi(tmp_path / name)
    clip = clip.rename(tmp_path / "CLIP.dat")
    frames, reader = read(clip)
    assert reader.info.container == container
    assert reader.info.frames == len(SHADES)
    assert not reader.damaged
    assert levels_of(frames) == pytest.approx(range(20, 240, 20), abs=4)
    assert times_of(frames) == pytest.approx(np.arange(len(SHADES)) / 25, abs=2e-3)


def write_old_avi(
    path: Path, codec: str = "mpeg4", frames: list[np.ndarray[Any, Any]] = SHADES
) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for shade in frames:
            frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
            file.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_an_animation_is_a_clip_and_a_still_is_none(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moving{suffix}"
    durations = [40, 100, 300, 70, 50]
    stills = [Image.fromarray(shade) for shade in SHADES[:5]]
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=durations, **options)
    frames, reader = read(path)
    assert levels_of(frames) == pytest.approx([20, 40, 60, 80, 100], abs=1)
    assert times_of(frames) == pytest.approx([0, 0.04, 0.14, 0.44, 0.51])
    assert (reader.info.frames, reader.damaged) == (5, False)
    still = tmp_path / f"still{suffix}"
    stills[0].save(still)
    with pytest.raises(VideoError, match="still picture: use predict"):
        ClipReader(still)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (WIDTH, HEIGHT), (10, 20, 30, 0))
    clear.paste((200, 0, 0, 255), (0, 0, WIDTH // 2, HEIGHT))
    other = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 200, 255))
    clear.save(tmp_path / "a.png", save_all=True, append_images=[other], duration=100)
    frames, _ = read(tmp_path / "a.png")
    assert frames[0].rgb[5, 5].tolist() == [200, 0, 0]
    assert frames[0].rgb[5, -5].tolist() == [255, 255, 255]
    assert frames[1].rgb[5, -5].tolist() == [0, 0, 200]


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4", ".ts"])
def test_uneven_times_are_kept_and_nothing_is_called_damaged(
    tmp_path: Path, command: Callable[..., dict[str, Any]], suffix: str
) -> None:
    clip = write_clip(tmp_path / f"clip{suffix}", SHADES, 30, times=UNEVEN)
    told = command(clip)
    assert told["frames"] == len(UNEVEN)
    assert told["times"] == pytest.approx(UNEVEN, abs=2e-3)
    assert told["notes"] == []
    assert told["complete"]
    with av.open(str(tmp_path / "out" / "clip_depth.mp4")) as film:
        shown = [frame.time for frame in film.decode(video=0)]
    assert shown == pytest.approx(UNEVEN, abs=2e-3)


def test_what_a_trim_hides_is_not_missing(tmp_path: Path) -> None:
    """A phone trims by an edit list: the file keeps the other frames, players leave them out."""
    clip = write_clip(tmp_path / "clip.mp4", noisy(ROOM, 20))
    data = bytearray(clip.read_bytes())
    at = data.index(b"elst") + 12  # ISO 14496-12, section 8.6.6
    (ticks,) = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)
    _, shift = struct.unpack_from(">Ii", data, at)
    struct.pack_into(">Ii", data, at, 700, shift + ticks)
    clip.write_bytes(data)
    frames, reader = read(clip)
    assert len(frames) == reader.info.frames == 7
    assert not reader.damaged


def test_a_longer_sound_is_no_missing_picture(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as file:
        video, audio = file.add_stream("libx264", rate=10), file.add_stream("aac", rate=8000)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in SHADES:
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(video.encode(None))
        for index in range(40):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 8000, 1024 * index
            file.mux(audio.encode(silence))
        file.mux(audio.encode(None))
    frames, reader = read(path)
    assert (len(frames), reader.damaged) == (len(SHADES), False)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".gif"])
def test_a_clip_that_was_cut_short_says_so(
    tmp_path: Path, command: Callable[..., dict[str, Any]], suffix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """FFmpeg reads the frames that are left without a word."""
    clip = tmp_path / f"clip{suffix}"
    pictures = noisy(ROOM, 20)
    if suffix == ".gif":
        stills = [Image.fromarray(picture) for picture in pictures]
        stills[0].save(clip, save_all=True, append_images=stills[1:], duration=100)
    else:
        write_clip(clip, pictures, 25, faststart=suffix == ".mp4")
    clip.write_bytes(clip.read_bytes()[: int(0.65 * clip.stat().st_size)])
    told = command(clip, "--save", "frames")
    assert 0 < told["frames"] < 20
    assert not told["complete"]
    (note,) = told["notes"]
    assert "cut short or damaged, and what is missing has no depth" in note
    if suffix in (".mp4", ".avi"):
        assert note.startswith(f"{told['frames']} of about 20 frames could be decoded")
    assert note in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm"])
def test_a_clip_without_a_whole_frame_says_that_it_was_cut(tmp_path: Path, suffix: str) -> None:
    clip = write_clip(tmp_path / f"clip{suffix}", noisy(ROOM, 5))
    share = 0.7 if suffix == ".mp4" else 0.05  # this one's head is at its end
    clip.write_bytes(clip.read_bytes()[: int(share * clip.stat().st_size)])
    with pytest.raises(VideoError, match="cut short"):
        ClipReader(clip)


def test_what_a_phone_appends_is_no_cut(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", noisy(ROOM, 5))
    clip.write_bytes(clip.read_bytes() + b"\x40\0\0\0SEFT" + bytes(20))
    frames, reader = read(clip)
    assert (len(frames), reader.damaged) == (5, False)


def test_a_damaged_middle_costs_its_frames_only(tmp_path: Path) -> None:
    clip = write_old_avi(tmp_path / "clip.avi", "mjpeg", noisy(ROOM, 20))
    data = bytearray(clip.read_bytes())
    start, end = int(0.4 * len(data)), int(0.7 * len(data))
    data[start:end] = bytes(end - start)
    clip.write_bytes(data)
    frames, reader = read(clip)
    assert 10 < len(frames) < 20
    assert reader.damaged


def test_few_frames_over_a_long_time_are_not_too_many(tmp_path: Path) -> None:
    """Their number is counted, not guessed from the rate."""
    clip = write_clip(tmp_path / "clip.webm", SHADES, 30, times=[5 * time for time in UNEVEN])
    _, reader = read(clip)
    assert reader.info.frames == len(SHADES)
    check_length(reader.info, reader.info.surely, VideoSettings(most_frames=len(SHADES)))
    with pytest.raises(VideoError, match="about 11 frames, expected at most 10"):
        check_length(reader.info, reader.info.surely, VideoSettings(most_frames=10))
