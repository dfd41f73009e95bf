"""Videos: reading, steadying, cuts, what is written, and files that are no videos."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.cli.main import main
from core.errors import ConfigError, ExportError, VideoError
from core.files.colormap import colorize
from core.files.depth_maps import ColorSettings
from core.images.decode_process import read_header, read_into
from core.predictor import Predictor
from core.video.reader import ClipReader
from core.video.run import VideoResult, predict_video
from core.video.seen_frames import Glimpse, between
from core.video.sequence import VideoModels
from core.video.settings import VideoSettings
from core.video.temporal_smoothing import TemporalSmoother, mean_colours
from core.video.writer import FilmWriter
from tests.core.clips import QUARTER_TURN, noisy, read_clip, write_clip
from tests.core.full_disk import full_disk
from tests.core.video_runs import (
    ALONE,
    HEIGHT,
    INFO,
    ROOM,
    STREET,
    WIDTH,
    Shimmering,
    depths,
    starter,
)
from tests.tiny_checkpoint import picture, save_tiny


@pytest.fixture
def engine() -> Shimmering:
    return Shimmering()


@pytest.fixture
def run(
    tmp_path: Path, engine: Shimmering, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., VideoResult]:
    return starter(tmp_path, engine, monkeypatch)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_every_frame_is_read_in_order_and_in_time(tmp_path: Path, suffix: str) -> None:
    shades = [np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in (40, 90, 140, 190, 240)]
    with ClipReader(write_clip(tmp_path / f"clip{suffix}", shades)) as reader:
        frames = list(reader)
    assert (reader.info.width, reader.info.height) == (WIDTH, HEIGHT)
    assert reader.info.rate == pytest.approx(10)
    assert reader.info.frames == 5
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=2e-3)
    assert [round(float(frame.rgb.mean())) for frame in frames] == pytest.approx(
        [40, 90, 140, 190, 240], abs=3
    )


def test_oblong_pixels_are_shown_as_players_show_them(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 2, pixel=(4, 3))
    with ClipReader(clip) as reader:
        rgb = next(iter(reader)).rgb
    assert rgb.shape == (HEIGHT, round(WIDTH * 4 / 3), 3)
    assert (reader.info.height, reader.info.width) == rgb.shape[:2]
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 2, pixel=(4, 3), matrix=QUARTER_TURN)
    with ClipReader(clip) as reader:
        assert next(iter(reader)).rgb.shape == (round(WIDTH * 4 / 3), HEIGHT, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.mp4", b"no video at all" * 10),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n"),
        ("empty.mp4", b""),
        ("head.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
        ("head.webm", b"\x1a\x45\xdf\xa3" + b"\xff" * 200),
    ],
)
def test_what_is_no_video_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=f"{name}.* expected an MP4, MOV, WebM, MKV, AVI"):
        ClipReader(tmp_path / name)


def test_the_decoder_waits_for_a_slow_reader(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", noisy(np.tile(ROOM, (3, 3, 1)), 3))
    code = "import sys; from core.video import decode_child as d; d.FRAME_SECONDS = 1; "
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{code}d.serve(sys.argv[1], 1 << 32)",
            json.dumps([str(clip), None]),
        ],
        stdout=subprocess.PIPE,
    ) as decoder:
        assert decoder.stdout is not None
        read_header(decoder.stdout)
        time.sleep(2.5)  # a frame is larger than the pipe
        for _ in range(3):
            assert "time" in read_header(decoder.stdout)
            frame = np.empty((3 * HEIGHT, 3 * WIDTH, 3), np.uint8)
            read_into(decoder.stdout, frame.data.cast("B"))
        assert "end" in read_header(decoder.stdout)


def test_flicker_of_a_still_scene_is_at_least_halved_and_measured(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", noisy(ROOM, 12))
    given = run(clip, save=("frames",), steady=ALONE)
    alone = depths(tmp_path / "out" / "clip_frames")
    result = run(clip, save=("frames",))
    steadied = depths(tmp_path / "out" / "clip_frames")
    before, after = (np.abs(np.diff(maps, axis=0)).mean() for maps in (alone, steadied))
    assert after < 0.5 * before
    flicker = result.sidecar["flicker"]
    assert flicker["pairs"] == 11
    assert flicker["pixels"] > 0.9 * 11 * WIDTH * HEIGHT
    assert flicker["before_m"] == pytest.approx(before, rel=0.05)
    assert flicker["after_m"] == pytest.approx(after, rel=0.05)
    unsteadied = given.sidecar["flicker"]
    assert unsteadied["after_m"] == pytest.approx(unsteadied["before_m"], rel=1e-4)
    middle = np.mean(alone, axis=0)  # steadier, and no other depth
    assert np.abs(np.mean(steadied, axis=0) / middle - 1).mean() < 0.02


def test_a_cut_is_seen_and_followed_at_once(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [*noisy(ROOM, 6), *noisy(STREET, 4, seed=1)])
    run(clip, save=("frames",), steady=ALONE)
    alone = depths(tmp_path / "out" / "clip_frames")
    result = run(clip, save=("frames",))
    steadied = depths(tmp_path / "out" / "clip_frames")
    assert result.sidecar["cuts"] == [6]
    np.testing.assert_array_equal(steadied[6], alone[6])
    assert np.abs(steadied[5] - steadied[6]).mean() > 0.3  # the scenes do differ


@pytest.mark.parametrize("near", [1.5, 3.7])  # 3.7 m: only its colour tells it from 4 m
def test_what_moves_has_its_new_depth_in_the_same_frame(near: float) -> None:
    steadier = TemporalSmoother()
    for index in range(8):
        rgb, depth = ROOM.copy(), np.full((HEIGHT, WIDTH), 4.0, np.float32)
        left = 8 + 12 * index
        rgb[30:70, left : left + 24] = (250, 20, 20)
        depth[30:70, left : left + 24] = near
        result = steadier(rgb, depth, index / 30)
        assert result.cut == (index == 0)
        inside = result.depth[36:64, left + 6 : left + 18]
        np.testing.assert_allclose(inside, near, rtol=0.02)
        if index:
            uncovered = result.depth[36:64, left - 9 : left - 3]
            np.testing.assert_allclose(uncovered, 4.0, rtol=0.02)


def test_a_moving_camera_is_not_held_back() -> None:
    steadier = TemporalSmoother()
    wide = picture(4 * WIDTH, HEIGHT, 3)
    rng = np.random.default_rng(0)
    wide = np.clip(wide + rng.normal(0, 40, wide.shape), 0, 255).astype(np.uint8)
    for index in range(10):
        depth = np.full((HEIGHT, WIDTH), 5 - 0.2 * index, np.float32)  # it walks towards a wall
        result = steadier(wide[:, 9 * index : 9 * index + WIDTH], depth, index / 30)
    np.testing.assert_allclose(result.depth, depth, rtol=0.02)


def test_the_video_shows_frame_and_depth_in_one_range(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3 + [STREET] * 3)
    result = run(clip, colors=ColorSettings("viridis"))
    about = result.sidecar["files"]["video"]
    shown = read_clip(tmp_path / "out" / about["file"])
    stored = depths(tmp_path / "out" / "clip_frames")
    assert len(shown) == len(stored) == 6
    whole = np.concatenate([depth.ravel() for depth in stored])
    assert [about["near_m"], about["far_m"]] == pytest.approx(
        np.percentile(whole, [1, 99]), rel=0.01
    )
    for frame, depth, source in zip(shown, stored, read_clip(clip), strict=True):
        drawn = colorize(depth, "viridis", about["near_m"], about["far_m"])
        assert np.abs(frame[:, WIDTH:].astype(int) - drawn).mean() < 9
        assert np.abs(frame[:, :WIDTH].astype(int) - source).mean() < 9


class _Unchanging(Shimmering):
    def run(self, given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self.runs = 0
        return super().run(given)


def test_a_video_alone_shows_what_it_shows_beside_frames(
    tmp_path: Path,
) -> None:
    """Its depth is smoothed and stored at the network's size, and drawn at the clip's."""
    wide = [np.repeat(np.repeat(each, 3, 0), 3, 1) for each in noisy(ROOM, 5)]
    clip = write_clip(tmp_path / "clip.mp4", wide)
    colors = ColorSettings("grey", 0.5, 10.0)
    shown = []
    for save in (("video", "frames"), ("video",)):
        models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, _Unchanging()))
        asked = VideoSettings(save=save, colors=colors, resolution=96)
        predict_video(clip, tmp_path / "out" / "clip", models, replace(asked, overwrite=True))
        shown.append(np.array(read_clip(tmp_path / "out" / "clip_depth.mp4"), int))
    whole, alone = (each[:, :, 3 * WIDTH :] for each in shown)
    assert whole.std() > 2
    assert np.abs(whole - alone).mean() < 1.0


def test_fast_shows_the_network_five_frames_a_second_and_none_between_two_scenes(
    tmp_path: Path, run: Callable[..., VideoResult], engine: Shimmering
) -> None:
    """What moves keeps its border between them, and the rest goes evenly from one to the next."""
    wide = picture(2 * WIDTH, HEIGHT, 3)
    pan = [wide[:, 4 * index : 4 * index + WIDTH] for index in range(11)]
    clip = write_clip(tmp_path / "clip.mp4", [*pan, *noisy(255 - ROOM, 5)], rate=20)
    result = run(clip, save=("video",), quality="fast", resolution=96).sidecar
    assert result["cuts"] == [11]
    assert result["network_frames"] == [0, 4, 8, 10, 11, 15]
    assert engine.runs == 1 + 6  # one for the whole first frame
    assert (result["frames"], len(read_clip(tmp_path / "out" / "clip_depth.mp4"))) == (16, 16)
    with pytest.raises(ConfigError, match="save only video"):
        run(clip, save=("frames",), quality="fast")


def test_a_frame_between_two_that_the_network_saw_takes_what_looks_like_its_own() -> None:
    seen = []
    for index in range(3):  # a near thing moves to the right
        rgb, depth = np.full((96, 128, 3), 60, np.uint8), np.full((96, 128), 8.0, np.float32)
        inside = slice(16 + 32 * index, 48 + 32 * index)
        rgb[32:64, inside], depth[32:64, inside] = 220, 2.0 if index < 2 else 2.5
        seen.append((np.log(depth), Glimpse(mean_colours(rgb, 4), index / 10)))
    first, middle, last = seen
    middle_depth = np.exp(between(first, last, middle[1]))
    plain = np.exp((first[0] + last[0]) / 2)
    np.testing.assert_allclose(middle_depth[:24], 8.0, rtol=1e-5)
    uncovered = np.s_[36:60, 24:40]  # near in the first one only
    assert np.abs(plain[uncovered] - 8).mean() > 3.9
    np.testing.assert_allclose(middle_depth[uncovered], 8.0, rtol=0.1)
    early = Glimpse(first[1].cells, 0.05)
    still = np.exp(between(first, (first[0] + np.float32(0.4), last[1]), early))
    assert (still / np.exp(first[0])).min() >= 1 - 1e-6


def test_a_full_disk_ends_the_video_in_a_sentence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def write() -> None:
        with FilmWriter(tmp_path / "depth.mp4", 2 * WIDTH, HEIGHT, 25) as video:
            for index in range(9):
                video.write(video.frame(np.hstack((noise, noise)), index / 25))

    with full_disk(3000), pytest.raises(ExportError, match=r"depth\.mp4 could not be written"):
        write()


def test_a_clip_that_is_too_long_is_refused_before_the_work(
    tmp_path: Path, run: Callable[..., VideoResult], engine: Shimmering
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 5)
    with pytest.raises(VideoError, match="about 5 frames, expected at most 4"):
        run(clip, most_frames=4)
    assert engine.runs == 0


def test_the_command_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save_tiny(tmp_path)
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3)
    (tmp_path / "bad.mp4").write_text("no video")
    arguments = ["video", str(clip), str(tmp_path / "bad.mp4"), "--out", str(tmp_path / "out")]
    status = main([*arguments, "--model", str(model), "--save", "video", "--json"])
    printed = capsys.readouterr()
    assert status == 1
    assert "bad.mp4 is no video" in printed.err
    told = json.loads(printed.out)["clips"]
    assert told[0]["frames"] == 3
    assert told[0]["files"]["video"]["file"] == "clip_depth.mp4"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "clip.json",
        "clip_depth.mp4",
    ]
    assert "expected" in told[1]["error"]
    assert main([*arguments, "--save", "gif"]) == 2


# Light of a grey, white being 1, to the value that stands for it (ITU-R BT.2100; white: 203 cd/m2).
def _pq(light: float) -> float:
    power = (light * 203 / 10_000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def _hlg(light: float) -> float:
    scene = (light * 0.203) ** (1 / 1.2)
    if scene <= 1 / 12:
        return float((3 * scene) ** 0.5)
    return float(0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


@pytest.mark.parametrize(("name", "transfer", "curve"), [("PQ", 16, _pq), ("HLG", 18, _hlg)])
def test_a_high_dynamic_range_looks_as_bright_as_it_was(
    run: Callable[..., VideoResult],
    tmp_path: Path,
    name: str,
    transfer: int,
    curve: Callable[[float], float],
) -> None:
    shades = (60, 90, 120)  # sRGB, below what is bent
    values = [round(255 * curve(((n / 255 + 0.055) / 1.055) ** 2.4)) for n in shades]
    frames = [np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in values]
    clip = write_clip(tmp_path / "clip.mp4", frames, transfer=transfer)
    with ClipReader(clip) as reader:
        seen = [float(frame.rgb.mean()) for frame in reader]
        assert reader.info.dynamic_range == name
    assert seen == pytest.approx(shades, abs=4)
    assert f"A high dynamic range video ({name})" in " ".join(run(clip).sidecar["notes"])


def test_a_spherical_video_is_not_in_metres(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    """Google's Spherical Video V1: an XML box in the track."""
    data = write_clip(tmp_path / "round.mp4", [ROOM] * 3).read_bytes()
    xml = (
        b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#" xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">'
        b"<GSpherical:Spherical>true</GSpherical:Spherical>"
        b"<GSpherical:Stitched>true</GSpherical:Stitched>"
        b"<GSpherical:StitchingSoftware>camera</GSpherical:StitchingSoftware>"
        b"<GSpherical:ProjectionType>"
        b"equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>"
    )
    box = b"uuid" + bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + xml
    box = (len(box) + 4).to_bytes(4, "big") + box
    moov, trak = data.index(b"moov") - 4, data.index(b"trak") - 4
    assert moov > data.index(b"mdat")  # so that no offset into the data moves
    end = trak + int.from_bytes(data[trak : trak + 4], "big")
    grown = bytearray(data[:end] + box + data[end:])
    for at in (moov, trak):
        size = int.from_bytes(grown[at : at + 4], "big") + len(box)
        grown[at : at + 4] = size.to_bytes(4, "big")
    (tmp_path / "round.mp4").write_bytes(grown)
    for asked in ({}, {"save": ("video",)}, {"save": ("video",), "quality": "fast"}):
        told = run(tmp_path / "round.mp4", **asked).sidecar
        assert told["input"]["projection"] == "equirectangular"
        assert (told["model"]["metric"], told["depth"]["unit"]) == (False, "relative")
        assert "360-degree" in told["notes"][0]
