"""Many visitors of the explorer at once: each has his own, and what is kept is bounded in bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.dataframe_source_manager import DataframeSourceManager
from streamlit.testing.v1 import AppTest, app_test
from streamlit.testing.v1.util import patch_config_options

from app.common.request import DepthRequest
from app.explorer import cache
from app.explorer import memory as kept
from app.explorer.memory import Keeper, bytes_of
from app.explorer.session_view import SessionView
from core.prediction import Prediction
from core.predictor import Predictor
from tests.app.explorer_app import MAIN, SECONDS, png, sound
from tests.tiny_checkpoint import picture

VISITORS = 20
SETTINGS = [
    DepthRequest(),
    DepthRequest(resolution=96),
    DepthRequest(flip=True),
    DepthRequest(resolution=128, fov=70.0),
]


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch, explorer_models: Path) -> Keeper:
    """An empty memory of 100 MB in place of the program's; the models are installed."""
    assert explorer_models.is_dir()
    return use(Keeper(100_000_000), monkeypatch)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every pass through a network."""
    counted: list[int] = []
    run = Predictor.passed

    def counting(self: Predictor, *given: Any, **named: Any) -> Any:
        counted.append(1)
        return run(self, *given, **named)

    monkeypatch.setattr(Predictor, "passed", counting)
    return counted


def use(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    monkeypatch.setattr(kept, "keeper", lambda: keeper)
    return keeper


def photo(visitor: int, width: int = 160, height: int = 128) -> bytes:
    return png(picture(width, height, 100 + visitor))


def looked_at(data: bytes, name: str) -> Prediction:
    """What a run of a page asks for."""
    found = cache.decoded(hashlib.sha256(data).hexdigest(), name, data)
    info, _ = cache.model_for("tiny", found)
    return cache.predicted(found, info, DepthRequest())


def alone(data: bytes, request: DepthRequest) -> np.ndarray[Any, Any]:
    """The depth that one program for one photo gives."""
    return cache.studio().predictor("tiny")(data, **request.prediction).depth


def test_twenty_visitors_keep_their_photos(keeper: Keeper, passes: list[int]) -> None:
    photos = [photo(visitor) for visitor in range(VISITORS)]
    first = [looked_at(data, f"{i}.png") for i, data in enumerate(photos)]
    assert len(passes) == VISITORS
    for _ in range(3):
        again = [looked_at(data, f"{i}.png") for i, data in enumerate(photos)]
        assert all(one is other for one, other in zip(first, again, strict=True))
    assert len(passes) == VISITORS
    assert keeper.used < 100_000_000
    for data, prediction in zip(photos, first, strict=True):
        np.testing.assert_array_equal(prediction.depth, alone(data, DepthRequest()))


def test_large_photos_stay_within_the_bytes_and_need_no_second_pass(
    keeper: Keeper, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, count = use(Keeper(32_000_000), monkeypatch), 8
    photos = [photo(visitor, 1200, 900) for visitor in range(count)]
    mine = [looked_at(data, "a.png").depth[::97, ::97].copy() for data in photos]
    assert len(passes) == count
    for data, depth in zip(photos, mine, strict=True):
        found = looked_at(data, "a.png")
        np.testing.assert_array_equal(found.depth[::97, ::97], depth)
        assert small.used <= 32_000_000
    assert len(passes) == count
    assert small.used > 10_000_000


def test_a_photo_too_large_to_keep_is_shown_all_the_same(
    keeper: Keeper, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Keeper(2_000_000), monkeypatch)
    data = photo(1, 800, 600)
    for _ in range(2):
        np.testing.assert_array_equal(
            looked_at(data, "a.png").depth[::50], alone(data, DepthRequest())[::50]
        )
    assert len(passes) == 3  # one for both looks, two alone


def test_one_thread_computes_for_all_who_ask() -> None:
    keeper, calls, gate = Keeper(1_000_000), [], threading.Event()

    def make() -> str:
        calls.append(1)
        gate.wait(10)
        return "made"

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(keeper.get, "key", make) for _ in range(8)]
        gate.set()
        assert {one.result() for one in asked} == {"made"}
    assert len(calls) == 1


def test_a_failure_is_not_kept_and_nothing_is_too_small_to_keep() -> None:
    keeper = Keeper(1_000_000)

    def fail() -> None:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        keeper.get("key", fail)
    assert keeper.get("key", lambda: None) is None
    assert keeper.get("key", fail) is None


def test_what_was_computed_later_counts(keeper: Keeper) -> None:
    prediction = looked_at(photo(1), "a.png")
    before, held = bytes_of(prediction), keeper.used
    assert prediction.confidence is not None
    levels = sum(level.band.nbytes + level.residual.nbytes for level in prediction.levels)
    grown = prediction.confidence.nbytes + levels
    assert bytes_of(prediction) >= before + grown
    assert keeper.used >= held + grown


def test_what_is_shared_cannot_be_changed(keeper: Keeper) -> None:
    found = cache.truth_at("key", 4, 4, np.ones((8, 8), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 5
    assert cache.truth_at("key", 4, 4, np.zeros((8, 8), np.float32))[0, 0] == 1  # kept by its key


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets testers run in threads: each sets and removes the one Runtime of its process."""

    class Unset(Runtime):
        pass

    shared = MagicMock(spec=Runtime)
    shared.dataframe_source_mgr = DataframeSourceManager()
    shared.media_file_mgr = app_test.MediaFileManager(app_test.MemoryMediaFileStorage("/media"))
    shared.cache_storage_manager = app_test.MemoryCacheStorageManager()
    shared.bidi_component_registry = app_test.BidiComponentManager()
    monkeypatch.setattr(app_test, "Runtime", Unset)
    monkeypatch.setattr(Runtime, "_instance", shared)
    with patch_config_options({"global.appTest": True}):
        yield


def test_twenty_sessions_at_once_have_what_each_has_alone(
    keeper: Keeper, passes: list[int], sessions: None
) -> None:
    """Depth, scale, names, language and settings, value by value; two have the same photo."""
    together = threading.Barrier(VISITORS)

    def address(visitor: int) -> dict[str, str]:
        asked = SETTINGS[visitor % len(SETTINGS)]
        resolution, flip, fov = asked.resolution, asked.flip, asked.fov
        wanted = {"lang": ("en", "zh")[visitor % 2], "model": "tiny"}
        wanted |= {} if resolution is None else {"res": str(resolution)}
        wanted |= {"flip": "1"} if flip else {}
        return wanted | ({} if fov is None else {"fov": f"{fov:.1f}"})

    def visit(visitor: int) -> tuple[SessionView, str, int]:
        app = AppTest.from_file(MAIN, default_timeout=SECONDS)
        for name, value in address(visitor).items():
            app.query_params[name] = value
        together.wait(SECONDS)
        app.run()
        app.file_uploader(key="photo_file").set_value(
            (f"visitor-{visitor}.png", photo(visitor // 2), "image/png")
        )
        sound(app.run())
        before = len(passes)
        sound(app.run())
        return app.session_state["session view"], app.title[0].value, before

    with ThreadPoolExecutor(VISITORS) as pool:
        seen = list(pool.map(visit, range(VISITORS)))
    for visitor, (view, title, _) in enumerate(seen):
        settings = SETTINGS[visitor % len(SETTINGS)]
        assert view.request.prediction == settings.prediction
        assert view.photo.name == f"visitor-{visitor}.png"
        assert view.photo.sha256 == hashlib.sha256(photo(visitor // 2)).hexdigest()
        assert view.lang == ("en", "zh")[visitor % 2]
        assert title.isascii() == (view.lang == "en")
        np.testing.assert_array_equal(view.prediction.depth, alone(photo(visitor // 2), settings))
    # Once for every visitor, once for every setting of the example that was there first.
    assert len(passes) - 2 * VISITORS <= len(SETTINGS)
