"""Clips and a live camera on the page: files, bounds, and pictures that come too fast."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from app.common.cancellation import set_still_wanted
from app.common.request import DepthRequest
from app.common.runs import run_video
from app.common.service import Studio
from app.common.storage import Storage
from app.depth_page.live import LiveDepth, encoded_picture
from app.depth_page.video_tab import VideoHandlers
from core.errors import ConfigError, ExportError, ImageError, VideoError
from core.files.depth_maps import ColorSettings
from core.predictor import load_predictor
from tests.core.clips import noisy, write_clip
from tests.tiny_checkpoint import picture

WIDTH, HEIGHT = 128, 96
ROOM = picture(WIDTH, HEIGHT, 1)
SESSION = "abcdefgh"
REQUEST: Any = SimpleNamespace(session_hash="s", headers={"accept-language": "en"})


def told_nothing(*_args: Any, **_options: Any) -> None:
    """A progress bar that shows nothing."""


@pytest.fixture(scope="module")
def studio(tiny_models: Path) -> Studio:
    return Studio(models=tiny_models)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "my clip.mp4", noisy(ROOM, 4))


def as_sent(rgb: np.ndarray[Any, Any], kind: str = "JPEG") -> dict[str, Any]:
    """A picture as the page's camera sends it."""
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, kind)
    data = base64.b64encode(encoded.getvalue()).decode()
    return {"url": f"data:image/{kind.lower()};base64,{data}"}


def test_a_clip_becomes_a_video_and_a_zip(studio: Studio, clip: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    request = DepthRequest(colors=ColorSettings("viridis"))
    (video, frames), about = run_video(
        studio, clip, request, tmp_path, lambda *step: told.append(step)
    )
    assert told == [(stage, n, 4) for stage in ("depth", "video") for n in (1, 2, 3, 4)]
    assert video.name == "my_clip_depth.mp4"
    with zipfile.ZipFile(frames) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("my_clip.json")) == about
    assert names == [*(f"my_clip_frames/00000{n}.png" for n in (1, 2, 3, 4)), "my_clip.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my_clip.json",
        "my_clip_depth.mp4",
        "my_clip_frames.zip",
    ]


@pytest.mark.parametrize(
    ("layout", "size"), [("full", (256, 96)), ("half", (128, 96)), ("anaglyph", (128, 96))]
)
def test_the_tab_makes_a_stereo_film(
    studio: Studio, clip: Path, layout: str, size: tuple[int, int]
) -> None:
    with contextlib.closing(Storage()) as storage:
        sent = {"path": str(storage.keep(clip.name, clip.read_bytes()))}
        handlers = VideoHandlers(studio, storage)
        settings = ["tiny", "", False, "", None, "viridis", "auto", "", ""]
        _, files, _ = handlers.clip(
            REQUEST, told_nothing, sent, True, "full", layout, "0.07", *settings
        )
        film = Path(files["value"][2])
        assert film.name == "my_clip_stereo.mp4"
        with zipfile.ZipFile(files["value"][1]) as archive:
            about = json.loads(archive.read("my_clip.json"))["files"]["stereo"]
        assert about["asked"] == {"layout": layout, "eyes": 0.07}
        with av.open(str(film)) as opened:
            assert (opened.streams.video[0].width, opened.streams.video[0].height) == size
        for wrong in ("-1", "far"):
            with pytest.raises(ConfigError, match="Metres between the eyes"):
                handlers.clip(REQUEST, told_nothing, sent, True, "full", layout, wrong, *settings)
        with pytest.raises(ConfigError, match="stereo layout"):
            handlers.clip(REQUEST, told_nothing, sent, True, "full", "crossed", "", *settings)


def test_a_clip_stops_when_its_client_leaves(studio: Studio, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "request"
    folder.mkdir()
    stages = []

    def leave(stage: str, done: int, total: int | None) -> None:
        stages.append(done)
        shutil.rmtree(folder)

    with pytest.raises(ExportError, match="could not be written"):
        run_video(studio, clip, DepthRequest(), folder, leave)
    assert stages == [1]


def test_a_camera_s_picture_becomes_its_depth(studio: Studio, tiny_models: Path) -> None:
    live = LiveDepth(studio)
    view = live(SESSION, as_sent(ROOM, "PNG"), DepthRequest(colors=ColorSettings("grey")))
    depth = load_predictor(tiny_models / "tiny.safetensors")(ROOM).depth
    assert [view.near, view.far] == pytest.approx(np.percentile(depth, [1, 99]), rel=1e-3)
    drawn = np.asarray(Image.open(io.BytesIO(view.jpeg)).convert("L")).astype(float)
    wanted = 255 * (1 - np.clip((depth - view.near) / (view.far - view.near), 0, 1))
    assert np.abs(drawn - wanted).mean() < 5
    assert view.rate is None
    again = live(SESSION, as_sent(ROOM, "PNG"), DepthRequest(colors=ColorSettings("grey")))
    assert again.rate is not None


def test_more_cameras_than_a_room_holds_each_keep_their_past(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.depth_page.live._GAP", 60.0
    )  # a loaded machine takes long for all of them
    live, sent = LiveDepth(studio), as_sent(ROOM[::2, ::2].copy())
    for turn in range(2):
        for number in range(20):
            near = ColorSettings("grey", near=0.1 * number, far=9.0)
            view = live(f"camera{number}", sent, DepthRequest(resolution=96, colors=near))
            assert (view.near, view.far) == (0.1 * number, 9.0)
            assert turn == 0 or view.rate is not None


def test_one_camera_s_choice_of_a_model_holds_up_no_other(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, begun, goes_on = Studio(models=tiny_models), threading.Event(), threading.Event()

    def slowly(rgb: Any) -> Any:
        begun.set()
        goes_on.wait(30)
        return SimpleNamespace(model="tiny")

    monkeypatch.setattr(studio, "chooser_for", lambda name: slowly if name == "auto" else None)
    live, sent = LiveDepth(studio), as_sent(ROOM)
    with ThreadPoolExecutor(2) as pool:
        choosing = pool.submit(live, "a", sent, DepthRequest("auto"))
        assert begun.wait(30)
        try:
            other = pool.submit(live, "b", sent, DepthRequest("tiny"))
            assert other.result(60).model == "tiny"
            assert not choosing.done()
        finally:
            goes_on.set()
        assert choosing.result(60).model == "tiny"


def test_a_clip_stops_when_nobody_waits_for_it(studio: Studio, clip: Path, tmp_path: Path) -> None:
    stages: list[int] = []
    set_still_wanted(lambda: len(stages) < 2)
    try:
        with pytest.raises(VideoError, match="nobody waits"):
            run_video(
                studio, clip, DepthRequest(), tmp_path,
                lambda stage, done, total: stages.append(done),
            )  # fmt: skip
    finally:
        set_still_wanted(lambda: True)
    assert stages == [1, 2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        {"url": "https://example.org/a.jpg"},
        {"url": "data:text/html;base64,AAAA"},
        {"url": "data:image/jpeg;base64,%%%"},
        {"url": "data:image/jpeg;base64," + "A" * 1_300_000},
        {"url": "data:image/jpeg;base64,AAAA", "path": "/etc/passwd"},
    ],
    ids=["none", "text", "web", "html", "damaged", "large", "path"],
)
def test_what_is_no_camera_s_picture_is_refused(value: Any) -> None:
    with pytest.raises(ImageError, match="expected"):
        encoded_picture(value)


def test_pictures_that_come_too_fast_are_dropped_and_the_latest_is_shown(studio_url: str) -> None:
    config = httpx.get(f"{studio_url}/config", timeout=30).json()
    (stream,) = [d for d in config["dependencies"] if d["connection"] == "stream"]

    def body(width: int) -> dict[str, Any]:
        sent = as_sent(picture(width, HEIGHT, 1))
        data = [
            sent,
            "tiny",
            "448",
            None,
            "inferno",
            "auto",
            None,
            None,
        ]  # slow enough to be overtaken
        return {"data": data, "fn_index": stream["id"], "session_hash": SESSION}

    with httpx.Client(base_url=f"{studio_url}/gradio_api", timeout=60) as http:
        event = http.post("/queue/join", json=body(WIDTH)).json()["event_id"]
        widths: list[int] = []
        first, done = threading.Event(), threading.Event()

        def listen() -> None:
            with http.stream("GET", "/queue/data", params={"session_hash": SESSION}) as reply:
                for line in reply.iter_lines():
                    if "process_streaming" in line or "process_completed" in line:
                        widths.append(shown_width(json.loads(line.removeprefix("data: "))))
                        first.set()
                        if widths[-1] == 2 * WIDTH or "process_completed" in line:
                            break
            done.set()

        listener = threading.Thread(target=listen)
        listener.start()
        assert first.wait(60)
        for number in range(1, 41):
            wide = 2 * WIDTH if number == 40 else WIDTH
            assert http.post(f"/stream/{event}", json=body(wide)).status_code == 200
        assert done.wait(60)
        assert http.post(f"/stream/{event}", json={"data": 3}).status_code == 400
        assert http.post(f"/stream/{event}/close").status_code == 200
        listener.join(10)
    assert widths[-1] == 2 * WIDTH
    assert len(widths) < 30


def shown_width(message: dict[str, Any]) -> int:
    """The width of the picture in what the page is sent."""
    html = message["output"]["data"][0]
    encoded = re.search(r"base64,([^\"]+)", html if isinstance(html, str) else json.dumps(html))
    assert encoded is not None, message
    return int(Image.open(io.BytesIO(base64.b64decode(encoded[1]))).width)
