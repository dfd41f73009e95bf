"""What is known of a photo gives it its scale: the right factor, and a wrong measurement named."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.camera import from_fov
from core.errors import CameraError
from core.geometry.find_scale import calibrated, calibration_of, profile_of
from core.geometry.measure import Measurer
from core.geometry.provenance import SceneInfo
from core.images.decode import decode
from core.prediction import Prediction
from core.predictor import Predictor
from core.scale.calibration import Measurement
from core.scale.measurements import CameraHeight, KnownDepth, KnownLength, SparseDepth
from tests.core import scenes
from tests.tiny_checkpoint import picture

SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))
TRUE_SCALE = 1.7  # of the world below: depth as a model sees it, times this, are metres


def room() -> np.ndarray:
    """A floor below the camera and a wall at 6 m, as a model sees them."""
    depth = scenes.plane((0.0, 0.0, 1.0), 6.0)
    floor = scenes.plane((0.0, 1.0, 0.2), 1.4)
    return np.where((floor > 0) & (floor < depth), floor, depth).astype(np.float32)


def ruler() -> Measurer:
    return Measurer(room(), SCENE)


def true_length(start: tuple[int, int], end: tuple[int, int], wrong: float = 1.0) -> KnownLength:
    return KnownLength(start, end, wrong * TRUE_SCALE * ruler().distance(start, end).distance)


LENGTHS = [
    true_length((20, 10), (60, 10)),
    true_length((5, 40), (80, 5)),
    true_length((30, 60), (70, 60)),
    true_length((10, 10), (10, 60)),
    true_length((25, 20), (60, 65)),
]


@pytest.mark.parametrize(
    "known",
    [
        LENGTHS[:1],
        LENGTHS,
        [KnownDepth((40, 10), 6 * TRUE_SCALE)],
        [CameraHeight(TRUE_SCALE * 1.4 / math.hypot(1, 0.2))],
        [LENGTHS[0], KnownDepth((40, 10), 6 * TRUE_SCALE)],
    ],
)
def test_every_kind_of_measurement_gives_the_true_scale(known: list[Measurement]) -> None:
    found = calibration_of(ruler(), *known)
    assert found.scale == pytest.approx(TRUE_SCALE, rel=1e-3)
    assert found.residuals == pytest.approx([0.0] * len(known), abs=5e-3)
    assert not found.notes


@pytest.mark.parametrize("wrong", [0.4, 1.6, 2.54, 100.0])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_wrong_one_among_five_is_named_and_left_out(place: int, wrong: float) -> None:
    known = list(LENGTHS)
    known[place] = replace(known[place], metres=known[place].metres * wrong)
    found = calibration_of(ruler(), *known)
    assert found.left_out == (place,)
    assert found.scale == pytest.approx(TRUE_SCALE, rel=1e-3)
    (note,) = found.notes
    assert note.startswith(f"The known length {place + 1} ({known[place].metres:g} m) says x")
    assert f"others say x{TRUE_SCALE:.3g}" in note
    used = [each["used"] for each in found.facts()["residuals"]]
    assert used == [i != place for i in range(5)]


@pytest.mark.parametrize(
    ("known", "match"),
    [
        ([LENGTHS[0], true_length((30, 60), (70, 60), 2.0)], r"length 1 x1.7, known length 2 x3.4"),
        ([true_length((20, 10), (60, 10), w) for w in (0.3, 1.0, 3.0)], "contradict each other"),
        ([true_length((20, 10), (60, 10), w) for w in (1, 1, 3, 3)], "contradict each other"),
        ([KnownDepth((40, 999), 2.0)], "outside the photo"),
        ([CameraHeight(9999.0)], "times as large"),
    ],
)
def test_what_contradicts_or_cannot_be_is_a_sentence(known: list[Measurement], match: str) -> None:
    with pytest.raises(CameraError, match=match):
        calibration_of(ruler(), *known)


@pytest.mark.parametrize("metres", [0.0, -1.0, math.nan, math.inf, 1e9])
def test_no_measurement_is_zero_negative_or_endless(metres: float) -> None:
    for make in (
        lambda m: KnownLength((1, 1), (9, 9), m),
        lambda m: KnownDepth((1, 1), m),
        CameraHeight,
        lambda m: SparseDepth.from_numbers([(1, 1, m)]),
    ):
        with pytest.raises(CameraError, match=r"0\.001 to 10000 m"):
            make(metres)


def test_a_height_without_a_floor_is_a_sentence() -> None:
    wall = Measurer(np.full((scenes.HEIGHT, scenes.WIDTH), 4.0, np.float32), SCENE)
    with pytest.raises(CameraError, match="No floor"):
        calibration_of(wall, CameraHeight(1.6))


def test_an_error_that_grows_with_distance_is_told() -> None:
    depth = room()
    depth[:, 60:] = 1.5
    near_far = [(20, 10), (30, 12), (65, 10), (80, 30), (40, 8), (70, 40)]
    known = []
    for u, v in near_far:
        z = float(depth[v, u])
        known.append(KnownDepth((u, v), z * (1.0 if z < 3 else 1.3)))
    (note,) = calibration_of(Measurer(depth, SCENE), *known).notes
    assert "grows with distance: from 1.5 to 6 m" in note
    assert "too short, by 30%" in note


@pytest.fixture(scope="module")
def plain(tiny_predictor: Predictor) -> Prediction:
    photo = decode(picture(128, 96))
    found = tiny_predictor(photo, intrinsics=from_fov(128, 96, 60))
    slope = np.linspace(1.0, 8.0, 128, dtype=np.float32)
    return replace(found, depth=np.tile(slope, (96, 1)))


def test_a_profile_of_exact_measurements_gives_their_metres(plain: Prediction) -> None:
    known = [KnownDepth((u, 40), 2.5 * float(plain.depth[40, u])) for u in (5, 40, 80, 120)]
    profile = profile_of("hall", [("a.jpg", plain, known)])
    assert profile.scale == pytest.approx(2.5, rel=0.01)
    assert profile.power == 1.0
    scaled = calibrated(plain, profile)
    assert np.allclose(scaled.depth, profile.scale * plain.depth)
    assert scaled.scale_facts()["source"] == "profile"
    assert scaled.known_settings()["profile"] == {"name": "hall", "sha256": profile.sha256}
    assert scaled.metric


def test_a_small_correction_from_one_measurement_is_trusted_less(plain: Prediction) -> None:
    one = KnownDepth((60, 40), 1.2 * float(plain.depth[40, 60]))
    alone = profile_of("one", [("a.jpg", plain, [one])])
    assert 1.03 < alone.scale < 1.17
    assert "one measurement" in alone.notes[0]
    assert calibrated(plain, one).scale == pytest.approx(1.2)
    five = [KnownDepth((u, 9), 1.2 * float(plain.depth[9, u])) for u in (9, 33, 60, 90, 120)]
    assert profile_of("five", [("a.jpg", plain, five)]).scale > alone.scale


def test_sparse_points_of_a_curved_scale_make_a_curved_profile(plain: Prediction) -> None:
    u = np.arange(4.0, 124.0, 4.0)
    seen = plain.depth[50, u.astype(int)].astype(np.float64)
    truth = 1.5 * seen * (seen / 3.0) ** 0.2
    sparse = SparseDepth(u, np.full_like(u, 50.0), truth)
    profile = profile_of("curved", [("a.jpg", plain, [sparse])])
    assert profile.power == pytest.approx(1.2, abs=0.03)
    scaled = calibrated(plain, profile)
    assert np.allclose(scaled.depth[50, u.astype(int)], truth, rtol=0.03)
    assert scaled.levels[-1].depth.shape == plain.levels[-1].depth.shape
    assert calibrated(scaled, KnownDepth((60, 40), 3.0)).depth[40, 60] == pytest.approx(3.0)


def test_measurements_of_the_photo_decide_over_a_profile(plain: Prediction) -> None:
    profile = profile_of("hall", [("a.jpg", plain, [KnownDepth((60, 40), 9.0)])])
    both = calibrated(plain, profile, KnownDepth((60, 40), 3.0))
    assert both.depth[40, 60] == pytest.approx(3.0)
    assert both.calibration is not None
    assert both.calibration.source == "profile and known depth"
    with pytest.raises(CameraError, match="leave the others out"):
        calibrated(plain, profile, profile)


def test_a_profile_of_another_model_is_refused(plain: Prediction) -> None:
    profile = profile_of("hall", [("a.jpg", plain, [KnownDepth((60, 40), 9.0)])])
    with pytest.raises(CameraError, match="holds for depth of other, this photo was predicted"):
        calibrated(plain, replace(profile, model="other"))
    (note,) = calibrated(plain, replace(profile, model_sha256="0" * 64)).notes
    assert "another version" in note


def test_calibrated_again_the_new_replaces_the_old(plain: Prediction) -> None:
    sparse = SparseDepth.from_numbers([(20, 20, 4.0), (90, 60, 9.0)])
    once = calibrated(plain, sparse)
    assert not np.array_equal(once.depth, plain.depth)
    again = calibrated(once, KnownDepth((60, 40), 3.0))
    assert np.array_equal(again.depth, calibrated(plain, KnownDepth((60, 40), 3.0)).depth)
    assert np.array_equal(again.uncalibrated().depth, plain.depth)
