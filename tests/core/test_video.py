"""Videos: reading, steadying, cuts, what is written, and files that are no videos."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from core.cli.main import main
from core.errors import ExportError, VideoError
from core.files.colormap import colorize
from core.files.outputs import ColorSettings
from core.images.decode_process import read_header, read_into
from core.predictor import Predictor
from core.video import run as run_module
from core.video import sequence
from core.video.reader import ClipReader
from core.video.run import VideoResult, predict_video
from core.video.sequence import VideoModels
from core.video.settings import VideoSettings
from core.video.temporal_smoothing import SmoothingSettings, TemporalSmoother
from core.video.writer import FilmWriter
from tests.core.clips import QUARTER_TURN, noisy, read_clip, write_clip
from tests.core.full_disk import full_disk
from tests.tiny_checkpoint import picture, save_tiny, tiny_config, tiny_info

WIDTH, HEIGHT = 128, 96
ROOM, STREET = picture(WIDTH, HEIGHT, 1), 255 - picture(WIDTH, HEIGHT, 2)
INFO = tiny_info(tiny_config()).saved_as(Path("tiny.safetensors"), "a" * 64)
ALONE = SmoothingSettings(0, 0)


class _Shimmering:
    """An engine whose depth follows the picture's brightness, with an error of its own each time:
    the whole map breathes, and every part of it shimmers."""

    name, device, precision = "shimmering", "cpu", "float32"

    def __init__(self) -> None:
        self.runs = 0

    def run(self, given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        image = torch.from_numpy(given)
        self.runs += 1
        draw = torch.Generator().manual_seed(self.runs)
        light = torch.nn.functional.avg_pool2d(image.mean(1, keepdim=True), 16)
        residuals = [0.5 * light + 0.05 * torch.randn(1, generator=draw)]
        for stride in (8, 4, 2, 1):
            shape = (len(image), 1, image.shape[2] // stride, image.shape[3] // stride)
            residuals.append(0.02 * torch.randn(shape, generator=draw))
        return [residual.numpy() for residual in residuals]


class _Flat(_Shimmering):
    """The same for the same picture, however often it is asked."""

    def run(self, given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        runs, self.runs = self.runs, int(np.abs(given).sum() * 1000) % 100_003
        residuals = super().run(given)
        self.runs = runs + 1
        return residuals


@pytest.fixture
def engine() -> _Shimmering:
    return _Shimmering()


@pytest.fixture
def run(
    tmp_path: Path, engine: _Shimmering, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., VideoResult]:
    """Predicts a clip into tmp_path/out/clip; keywords go to `VideoSettings`."""
    monkeypatch.setattr(sequence, "AT_ONCE", 1)  # the engine's errors come in the order of calls

    def start(clip: Path, **settings: Any) -> VideoResult:
        engine.runs = 0
        models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, engine))
        return predict_video(clip, tmp_path / "out" / "clip", models, VideoSettings(**settings))

    return start


def depths(folder: Path, scale: float = 1000.0) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(Image.open(path)) / scale for path in sorted(folder.glob("*.png"))]


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
        [sys.executable, "-c", f"{code}d.serve(sys.argv[1], 1 << 32)", clip],
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


def test_a_video_alone_shows_what_it_shows_beside_frames(
    tmp_path: Path,
) -> None:
    """Its depth is smoothed and stored at the network's size, and drawn at the clip's."""
    wide = [np.repeat(np.repeat(each, 3, 0), 3, 1) for each in noisy(ROOM, 5)]
    clip = write_clip(tmp_path / "clip.mp4", wide)
    colors = ColorSettings("grey", 0.5, 10.0)
    shown = []
    for save in (("video", "frames"), ("video",)):
        models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, _Flat(), 2))
        asked = VideoSettings(save=save, colors=colors, resolution=96)
        predict_video(clip, tmp_path / "out" / "clip", models, replace(asked, overwrite=True))
        shown.append(np.array(read_clip(tmp_path / "out" / "clip_depth.mp4"), int))
    whole, alone = (each[:, :, 3 * WIDTH :] for each in shown)
    assert whole.std() > 2
    assert np.abs(whole - alone).mean() < 1.0


def test_a_full_disk_ends_the_video_in_a_sentence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def write() -> None:
        with FilmWriter(tmp_path / "depth.mp4", 2 * WIDTH, HEIGHT, 25) as video:
            for index in range(9):
                video.add(np.hstack((noise, noise)), index / 25)

    with full_disk(3000), pytest.raises(ExportError, match=r"depth\.mp4 could not be written"):
        write()


def test_what_is_finished_is_skipped_and_other_settings_are_not(
    tmp_path: Path, run: Callable[..., VideoResult], engine: _Shimmering
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3)
    first = run(clip)
    assert not first.skipped
    again = run(clip)
    assert again.skipped
    assert engine.runs == 0
    assert again.sidecar == json.loads((tmp_path / "out" / "clip.json").read_bytes())
    assert not run(clip, fov=50.0).skipped
    assert not run(clip, fov=50.0, overwrite=True).skipped
    (tmp_path / "out" / "clip_depth.mp4").unlink()
    assert not run(clip, fov=50.0).skipped
    write_clip(clip, [ROOM] * 2)
    assert run(clip, fov=50.0).sidecar["frames"] == 2
    assert len(depths(tmp_path / "out" / "clip_frames")) == 2  # none of the longer clip is left


class _Killed(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("save", [("video", "frames"), ("video",)], ids=",".join)
@pytest.mark.parametrize("moment", [("depth", 11), ("video", 5)], ids=str)
def test_an_interrupted_clip_goes_on_to_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[str, int], save: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sequence, "EVERY", 4)
    clip = write_clip(tmp_path / "clip.mp4", noisy(ROOM, 9) + noisy(STREET, 9))
    engine = _Flat()
    models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, engine))
    asked = VideoSettings(save=save)
    whole = predict_video(clip, tmp_path / "whole" / "clip", models, asked).sidecar
    engine.runs = 0

    def kill(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == moment:
            raise _Killed

    stem = tmp_path / "out" / "clip"
    with pytest.raises(_Killed):
        predict_video(clip, stem, models, asked, kill)
    assert [path.name for path in stem.parent.iterdir()] == ["clip_frames.part"]
    (stem.parent / "clip_frames.part" / ".lapdepth-0.tmp").write_bytes(b"half")
    frames: list[int] = []
    result = predict_video(clip, stem, models, asked, lambda stage, done, _: frames.append(done))
    timing = "milliseconds_per_frame"
    assert {**result.sidecar, timing: 0} == {**whole, timing: 0}
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    stage, done = moment
    kept = 18 if stage == "video" else done // 4 * 4  # what was stored last
    again = min(kept, 1)  # the first frame, for what the sidecar says of it
    lost = engine.runs - ((18 if stage == "video" else done) + 18 - kept + again)
    assert 0 <= lost <= sequence.AT_ONCE  # they were worked on when the run was killed
    assert frames[0] == max(kept, 1)


def test_what_an_interrupted_run_left_is_not_used_for_another(
    tmp_path: Path, run: Callable[..., VideoResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "EVERY", 2)
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 6)
    left = tmp_path / "out" / "clip_frames.part"

    def interrupted() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(run_module, "replacing", _raise_killed)
            with pytest.raises(_Killed):
                run(clip)
        assert len(list(left.glob("*.png"))) == 6

    interrupted()
    assert run(clip, fov=50.0).sidecar["frames"] == 6  # other settings
    interrupted()
    write_clip(clip, [ROOM] * 3)  # another clip
    assert run(clip).sidecar["frames"] == 3
    assert len(list((tmp_path / "out" / "clip_frames").iterdir())) == 3
    write_clip(clip, [STREET] * 6)
    interrupted()
    cut_short = left / "000002.png"  # a power cut
    cut_short.write_bytes(cut_short.read_bytes()[:-4])
    assert run(clip).sidecar["frames"] == 6
    assert len(depths(tmp_path / "out" / "clip_frames")) == 6
    assert not left.exists()


def _raise_killed(*_: object) -> None:
    raise _Killed


def files(folder: Path) -> dict[str, bytes]:
    """All of them but the sidecar, which holds times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".json"
    }


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["clip_depth.mp4", "clip_frames/000001.png", "clip.json"])
def test_neither_a_video_nor_frames_of_the_user_are_replaced(
    tmp_path: Path,
    run: Callable[..., VideoResult],
    engine: _Shimmering,
    name: str,
    overwrite: bool,
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 2)
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(ExportError, match="no result of this program"):
        run(clip, overwrite=overwrite)
    assert own.read_bytes() == b"mine"
    assert engine.runs == 0


def test_an_unfinished_folder_of_the_user_is_left_alone(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 2)
    own = tmp_path / "out" / "clip_frames.part" / "letter.txt"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(ExportError, match="no frames of this program"):
        run(clip, overwrite=True)
    assert own.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["clip_depth.mp4", "clip_frames/000002.png"])
def test_a_damaged_result_is_made_again(
    tmp_path: Path, run: Callable[..., VideoResult], name: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3)
    run(clip)
    assert run(clip).skipped
    path = tmp_path / "out" / name
    before = path.read_bytes()
    path.write_bytes(before[:-20] + bytes(20))
    assert not run(clip).skipped
    assert path.read_bytes()[-20:] == before[-20:]


def test_what_other_settings_left_goes_and_what_is_alike_stays_described(
    tmp_path: Path, run: Callable[..., VideoResult]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [ROOM] * 3)
    run(clip, save=("video",))
    assert set(run(clip, save=("frames",)).sidecar["files"]) == {"video", "frames"}
    assert run(clip).skipped
    run(clip, save=("frames",), fov=50.0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "clip.json",
        "clip_frames",
    ]


def test_a_second_run_takes_no_result_for_a_clip_and_equal_names_both_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "clips"
    (folder / "b").mkdir(parents=True)
    write_clip(folder / "clip.mp4", [ROOM] * 2)
    write_clip(folder / "b" / "clip.mp4", [STREET] * 2)
    (folder / "notes.txt").write_text("holiday")
    model = ("--model", str(save_tiny(tmp_path)))
    given = [str(folder), "--out", str(folder), *model]  # the same folder: refused
    assert main(["video", *given]) == 2
    clips = [str(folder / "clip.mp4"), str(folder / "b")]
    for _ in range(2):
        assert main(["video", *clips, "--out", str(folder), *model]) == 0
        clips = [*sorted(map(str, folder.glob("*.mp4"))), str(folder / "b")]
    told = capsys.readouterr().out
    assert told.count("finished before") == 2
    found = [json.loads(path.read_bytes()) for path in folder.rglob("*.json")]
    assert len(found) == 2
    assert len({about["depth"]["png_scale"] for about in found}) == 1


def test_a_clip_that_is_too_long_is_refused_before_the_work(
    tmp_path: Path, run: Callable[..., VideoResult], engine: _Shimmering
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
    told = run(tmp_path / "round.mp4").sidecar
    assert told["input"]["projection"] == "equirectangular"
    assert (told["model"]["metric"], told["depth"]["unit"]) == (False, "relative")
    assert "360-degree" in told["notes"][0]
