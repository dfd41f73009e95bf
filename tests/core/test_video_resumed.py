"""Clips done before, interrupted, or with files of the user in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import ExportError
from core.predictor import Predictor
from core.video import run as run_module
from core.video import sequence
from core.video.run import VideoResult, predict_video
from core.video.sequence import VideoModels
from core.video.settings import VideoSettings
from tests.core.clips import noisy, write_clip
from tests.core.video_runs import INFO, ROOM, STREET, Flat, Shimmering, depths, starter
from tests.tiny_checkpoint import save_tiny


@pytest.fixture
def engine() -> Shimmering:
    return Shimmering()


@pytest.fixture
def run(
    tmp_path: Path, engine: Shimmering, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., VideoResult]:
    return starter(tmp_path, engine, monkeypatch)


def test_what_is_finished_is_skipped_and_other_settings_are_not(
    tmp_path: Path, run: Callable[..., VideoResult], engine: Shimmering
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


@pytest.mark.parametrize(
    ("asked", "moment"),
    [
        (VideoSettings(), ("depth", 11)),
        (VideoSettings(), ("video", 5)),
        (VideoSettings(save=("video",)), ("depth", 11)),
        (VideoSettings(save=("video",), quality="fast"), ("depth", 11)),
        (VideoSettings(save=("video",), quality="fast"), ("video", 5)),
    ],
    ids=("frames", "frames-video", "video", "fast", "fast-video"),
)
def test_an_interrupted_clip_goes_on_to_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[str, int], asked: VideoSettings
) -> None:
    monkeypatch.setattr(sequence, "EVERY", 4)
    clip = write_clip(tmp_path / "clip.mp4", noisy(ROOM, 9) + noisy(STREET, 9))
    engine = Flat()
    models = VideoModels((INFO.sha256,), lambda _: Predictor(INFO, engine))
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
    kept = 18 if stage == "video" else 8 if asked.quality == "full" else 9  # was stored last
    again = min(kept, 1)  # the first frame, for what the sidecar says of it
    if asked.quality == "full":
        first = 2 * (not asked.data)  # is seen once more, in both runs, at the clip's own size
        passes = (18 if stage == "video" else done) + 18 - kept + (again if asked.data else first)
        lost = engine.runs - passes
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
    engine: Shimmering,
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
