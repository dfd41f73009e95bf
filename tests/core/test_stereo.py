"""Two eyes on a picture with depth: sign and size of the disparity on a known scene."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.geometry.stereo import LAYOUTS, Rig, StereoSettings, shown

WIDTH, HEIGHT, FOCAL = 320, 60, 300.0
NEAR, FAR = 2.0, 8.0


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A red post at 2 m before a wall at 8 m with a green stripe."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    depth = np.full((HEIGHT, WIDTH), FAR, np.float32)
    rgb[:, 60:64] = (0, 255, 0)
    rgb[:, 150:170], depth[:, 150:170] = (255, 0, 0), NEAR
    return rgb, depth


def middle(picture: np.ndarray, channel: int) -> float:
    """Column of what has this colour."""
    row = picture[30].astype(float)
    weight = np.maximum(row[:, channel] - row[:, (channel + 1) % 3], 0)
    return float((weight * np.arange(WIDTH)).sum() / weight.sum())


@pytest.mark.parametrize("eyes", [0.063, 0.2])
def test_disparity_has_the_sign_and_size_of_two_cameras(eyes: float) -> None:
    rgb, depth = scene()
    rig = Rig.of(StereoSettings(eyes=eyes), FOCAL, NEAR, FAR)
    assert rig.screen == pytest.approx(3.2)
    left, right = rig.pictures(rgb, depth)
    # Two cameras a base apart: f * base / z, less what brings 3.2 m onto the screen.
    for channel, metres in ((0, NEAR), (1, FAR)):
        expected = FOCAL * eyes * (1 / metres - 1 / 3.2)
        assert middle(left, channel) - middle(right, channel) == pytest.approx(expected, abs=0.5)
        both = (middle(left, channel) + middle(right, channel)) / 2
        assert both == pytest.approx(middle(rgb, channel), abs=0.3)
    # In front of the screen the left eye sees it farther right.
    assert middle(left, 0) > middle(right, 0)
    assert middle(left, 1) < middle(right, 1)


def test_near_hides_far_and_holes_show_the_wall() -> None:
    rgb, depth = scene()
    rgb[:, 172:176] = (0, 0, 255)  # on the wall, just right of the post
    rig = Rig(FOCAL, 0.3, FAR)  # the wall on the screen: only the post moves, by 17 px each way
    left, right = rig.pictures(rgb, depth)
    assert not (left[30, :, 2] > 200).any()  # behind the post for the left eye
    assert (right[30, :, 2] > 200).sum() == 4
    for picture in (left, right):
        red = picture[30, :, 0] > 200
        assert red.sum() == 20  # the post is as wide as it was, without a crack
        assert set(np.unique(picture[30, ~red])) <= {0, 90, 255}
    assert (left[30, 140:160] == 90).all()  # what the camera did not see


def test_layouts() -> None:
    rgb, depth = scene()
    left, right = Rig(FOCAL, 0.1, 3.0).pictures(rgb, depth)
    for layout in LAYOUTS:
        settings = StereoSettings(layout)
        picture = shown(settings, left, right)
        assert picture.shape[1::-1] == settings.size(WIDTH, HEIGHT)
    full = shown(StereoSettings("full"), left, right)
    np.testing.assert_array_equal(full[:, :WIDTH], left)
    np.testing.assert_array_equal(full[:, WIDTH:], right)
    half = shown(StereoSettings("half"), left, right)
    assert half[30, :160, 0].argmax() == pytest.approx(left[30, :, 0].argmax() / 2, abs=1)
    glasses = shown(StereoSettings("anaglyph"), left, right)
    np.testing.assert_array_equal(glasses[..., 1:], right[..., 1:])


def test_what_has_no_depth_is_far_and_oddities_are_refused() -> None:
    rgb, depth = scene()
    depth[:, :40] = 0
    depth[:, 40:50] = np.nan
    for picture in Rig(FOCAL, 0.1, 3.0).pictures(rgb, depth):
        assert picture.shape == rgb.shape
    with pytest.raises(ConfigError, match="0\\.063"):
        StereoSettings(eyes=0)
    with pytest.raises(ConfigError, match="full, half, anaglyph"):
        StereoSettings("top")  # type: ignore[arg-type]
