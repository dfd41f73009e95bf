"""Evaluations of predictors whose errors are known, and what a request opens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.camera import Intrinsics
from core.data import Sample
from core.errors import DataError
from core.evaluate.protocol import NYU, Protocol
from core.evaluate.run import (
    EvaluationRequest,
    open_test_set,
    predictor_estimator,
    run_evaluation,
    score_baselines,
)
from core.evaluate.scoring import Estimate, evaluate

PROTOCOL = Protocol("test", max_depth=10.0, range_edges=(0.0, 3.0, 10.0))


def frame(name: str, depth: float, size: tuple[int, int] = (8, 10)) -> Sample:
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    return Sample(rgb, np.full(size, depth, np.float32), 500.0, 510.0, 5.0, 4.0, name)


def wrong_by(factor: float) -> Any:
    return lambda sample: Estimate(sample.depth * factor)


def test_a_prediction_that_is_off_by_a_tenth() -> None:
    dataset = [frame("a", 2.0), frame("b", 4.0)]
    result = evaluate(wrong_by(1.1), dataset, PROTOCOL)
    assert result.mean.abs_rel == pytest.approx(0.1)
    assert result.mean.rmse == pytest.approx((0.2 + 0.4) / 2)
    assert result.mean.delta1 == 1.0
    # Only the scale was wrong.
    assert result.aligned.abs_rel == pytest.approx(0.0, abs=1e-6)
    assert [image.scale for image in result.images] == pytest.approx([1 / 1.1, 1 / 1.1])
    assert [(image.name, image.pixels) for image in result.images] == [("a", 80), ("b", 80)]
    assert [(b.label, b.pixels) for b in result.by_range] == [("0-3 m", 80), ("3-10 m", 80)]
    assert result.by_range[1].rmse == pytest.approx(0.4)
    assert result.by_border[-1].pixels == 160
    assert result.sparsification is None
    assert (result.skipped, result.worst) == ((), ())


def test_figures_of_every_drive() -> None:
    factors = {"val/one/0": 1.1, "val/one/1": 1.3, "val/two/0": 1.0}
    result = evaluate(
        lambda sample: Estimate(sample.depth * factors[sample.name]),
        [frame(name, 2.0) for name in factors],
        PROTOCOL,
    )
    errors = {scene: (count, row.abs_rel) for scene, (count, row) in result.by_scene.items()}
    assert errors == {"val/one": (2, pytest.approx(0.2)), "val/two": (1, pytest.approx(0))}
    assert evaluate(wrong_by(1.0), [frame("a", 2.0)], PROTOCOL).by_scene == {}


def test_the_worst_frames_come_first() -> None:
    factors = {"a": 1.1, "b": 1.4, "c": 1.2, "d": 1.3}
    dataset = [frame(name, 2.0) for name in factors]
    result = evaluate(
        lambda sample: Estimate(sample.depth * factors[sample.name]), dataset, PROTOCOL, worst=2
    )
    assert [example.result.name for example in result.worst] == ["b", "d"]
    assert result.worst[0].depth[0, 0] == pytest.approx(2.8)


def test_frames_without_truth_are_named() -> None:
    seen = []
    result = evaluate(
        wrong_by(1.0),
        [frame("empty", 0.0), frame("far", 12.0), frame("good", 2.0)],
        PROTOCOL,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert result.skipped == ("empty", "far")
    assert len(result.images) == 1
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(DataError, match="None of the 1 frames"):
        evaluate(wrong_by(1.0), [frame("empty", 0.0)], PROTOCOL)


@pytest.mark.parametrize(
    ("depth", "said"), [(np.ones((3, 3)), "photo's own size"), (np.full((8, 10), np.nan), "finite")]
)
def test_unusable_predictions(depth: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        evaluate(lambda _: Estimate(depth), [frame("a", 2.0)], PROTOCOL)


@dataclass
class RecordingPredictor:
    """Stands in for a loaded model: predicts its number and remembers what it was shown."""

    focal: float | None
    working_height: int
    with_confidence: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def info(self) -> Any:
        config = SimpleNamespace(focal=self.focal)
        return SimpleNamespace(config=config, working_height=self.working_height)

    def __call__(self, image: np.ndarray, **settings: Any) -> Any:
        self.calls.append({"image": image, **settings})
        depth = np.full(image.shape[:2], 3.0, np.float32)
        return SimpleNamespace(depth=depth, confidence=depth / 4 if self.with_confidence else None)


def test_a_focal_normalised_model_sees_the_whole_frame_and_its_camera() -> None:
    predictor = RecordingPredictor(focal=500.0, working_height=432)
    sample = frame("a", 2.0, (480, 640))
    estimate = predictor_estimator(predictor, NYU, flip=True, resolution=240)  # type: ignore[arg-type]
    assert estimate(sample).depth.shape == (480, 640)
    call = predictor.calls[0]
    assert call["image"] is sample.rgb
    assert call["intrinsics"] == Intrinsics(500.0, 510.0, 5.0, 4.0, "given")
    assert (call["flip"], call["resolution"]) == (True, 240)


def test_the_release_sees_its_window_pixel_for_pixel() -> None:
    predictor = RecordingPredictor(focal=None, working_height=432, with_confidence=True)
    sample = frame("a", 2.0, (480, 640))
    guess = predictor_estimator(predictor, NYU)(sample)  # type: ignore[arg-type]
    call = predictor.calls[0]
    np.testing.assert_array_equal(call["image"], sample.rgb[42:474, 40:616])
    assert (call["intrinsics"].cx, call["intrinsics"].cy) == (5.0 - 40, 4.0 - 42)
    shown = np.isfinite(guess.depth)
    rows, columns = np.nonzero(shown)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (42, 473, 40, 615)
    assert guess.confidence is not None
    assert (guess.confidence[shown] == 0.75).all()
    assert shown[NYU.counts(sample.depth)].all()
    # At another working height there is nothing to be had pixel for pixel.
    predictor_estimator(predictor, NYU, resolution=240)(sample)  # type: ignore[arg-type]
    assert predictor.calls[1]["image"].shape == (480, 640, 3)


def write_nyu(root: Path) -> Path:
    for split, depth in {"train": 2000, "val": 3000}.items():
        for number in range(2):
            for kind in ("rgb", "depth"):
                (root / split / kind).mkdir(parents=True, exist_ok=True)
            stem = f"{number:05d}.png"
            rgb = np.random.default_rng(number).integers(0, 255, (480, 640, 3)).astype(np.uint8)
            Image.fromarray(rgb).save(root / split / "rgb" / stem, compress_level=0)
            Image.fromarray(np.full((480, 640), depth, np.uint16)).save(
                root / split / "depth" / stem
            )
    return root


def test_requests_open_what_they_name(tmp_path: Path) -> None:
    request = EvaluationRequest("nyu", write_nyu(tmp_path))
    assert [sample.name for sample in open_test_set(request)] == ["00000", "00001"]
    assert len(open_test_set(replace(request, first=1))) == 1
    with pytest.raises(DataError, match="nyu, kitti, folder"):
        open_test_set(replace(request, dataset="imagenet"))
    with pytest.raises(DataError, match="at least 1"):
        run_evaluation(replace(request, first=0))


def test_baselines_are_fitted_on_the_training_split(tmp_path: Path) -> None:
    request = EvaluationRequest("nyu", write_nyu(tmp_path))
    scores = score_baselines(request, open_test_set(request), NYU)
    assert len(scores) == 5
    for figures in scores.values():
        assert figures.abs_rel == pytest.approx(1 / 3, abs=0.003)  # 2 m for 3 m
    with pytest.raises(DataError, match="no training split"):
        score_baselines(replace(request, dataset="folder"), [], NYU)


def test_levels_and_geometry_on_request() -> None:
    depth = np.where(np.arange(64) < 30, 2.0, 3.0) * np.ones((48, 1))
    sample = Sample(np.zeros((48, 64, 3), np.uint8), depth.astype(np.float32), 60, 60, 32, 24, "a")

    def coarse_then_right(frame: Sample) -> Estimate:
        return Estimate(frame.depth, levels=(np.full(depth.shape, 2.5), frame.depth))

    result = evaluate(coarse_then_right, [sample], PROTOCOL, geometry=True)
    assert result.geometry is not None
    assert result.geometry["edge_f1_0.5"] == 1.0
    assert [level.stride for level in result.levels] == [2, 1]
    assert result.levels[0].metrics.abs_rel == pytest.approx(np.mean(np.abs(2.5 - depth) / depth))
    assert [level.geometry["edge_f1_0.5"] for level in result.levels] == [0.0, 1.0]
    plain = evaluate(wrong_by(1.0), [sample], PROTOCOL)
    assert (plain.geometry, plain.levels) == (None, ())


def test_alignment_is_chosen() -> None:
    sample = frame("a", 2.0)
    sample.depth[:, 5:] = 4.0
    affine = lambda f: Estimate(f.depth / 2 + 0.7)  # noqa: E731
    assert evaluate(affine, [sample], PROTOCOL).aligned.abs_rel > 0.05
    fitted = evaluate(affine, [sample], PROTOCOL, alignment="scale_shift").aligned
    assert fitted.abs_rel == pytest.approx(0, abs=1e-6)


def folder_of_two(root: Path) -> None:
    (root / "rgb").mkdir()
    (root / "depth").mkdir()
    for stem in ("1", "2"):
        Image.new("RGB", (64, 48), (90, 120, 60)).save(root / "rgb" / f"{stem}.jpg")
    (root / "dataset.toml").write_text("camera = [60.0, 60.0, 31.5, 23.5]\nscale = 1.0\n")
    small = np.full((24, 32), 2.0, np.float32)  # a depth map of half the size
    Image.fromarray(small).save(root / "depth" / "1.tiff")


def test_a_missing_depth_map_costs_its_frame(tmp_path: Path) -> None:
    folder_of_two(tmp_path)
    dataset = open_test_set(EvaluationRequest("folder", tmp_path))
    result = evaluate(wrong_by(1.0), dataset, PROTOCOL)
    assert [(image.name, image.pixels) for image in result.images] == [("1", 64 * 48)]
    assert list(result.failed) == ["2"]
    assert "2.png" in result.failed["2"]


def test_depth_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder_of_two(tmp_path)
    Image.fromarray(np.ones((24, 24), np.float32)).save(tmp_path / "depth" / "2.tiff")
    result = evaluate(wrong_by(1.0), open_test_set(EvaluationRequest("folder", tmp_path)), PROTOCOL)
    assert "24x24" in result.failed["2"]
    assert "64x48" in result.failed["2"]
