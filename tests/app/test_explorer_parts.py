"""What the explorer's pages are made of, without Streamlit."""

import json
import re

import numpy as np
import pytest
import torch

from app.explorer.figure_view import MAX_FIGURE_BYTES
from app.explorer.figures.pyramids import (
    borders,
    enlarged,
    level_errors,
    rebuild,
    rms,
)
from app.explorer.inputs import check_shape, suggested_scale
from app.explorer.offline_page import html_page
from app.explorer.page_scripts.datasets import Entry, MeasuredSet
from app.explorer.page_scripts.loss import forms, log_differences, punishment
from app.explorer.plots.charts import ERROR, MASK, Bar, bar_of, line_figure, scatter_figure
from app.explorer.plots.maps import Map, message
from app.explorer.plots.space import (
    MAX_POINTS,
    SceneWords,
    frustum,
    points_figure,
    surface_figure,
    upright,
)
from core.camera import from_fov, project
from core.errors import DataError
from core.evaluate.protocol import NYU
from core.train.losses import silog
from tests.app.explorer_app import unpacked

RNG = np.random.default_rng(3)


def half_pixel_bilinear(values):
    """Twice the size by hand: every output pixel mixes its two nearest rows and columns."""

    def along(array):
        padded = np.concatenate((array[:1], array, array[-1:]))
        result = np.empty((2 * len(array), *array.shape[1:]))
        result[0::2] = 0.25 * padded[:-2] + 0.75 * padded[1:-1]
        result[1::2] = 0.75 * padded[1:-1] + 0.25 * padded[2:]
        return result

    return along(along(values).T).T


@pytest.mark.parametrize("gains", [(1.0, 1.0, 1.0), (0.5, 0.0, 2.0)])
def test_the_sum_of_residuals_by_hand(gains):
    residuals = [RNG.uniform(0, 1, (2, 3)), RNG.uniform(-1, 1, (4, 6)), RNG.uniform(-1, 1, (8, 12))]
    levels = [r.astype(np.float32)[None, None] for r in residuals]
    steps = rebuild(levels, 7.5, gains)
    total = np.zeros((2, 3))
    for index, residual in enumerate(residuals):
        before = half_pixel_bilinear(total) if index else total
        total = gains[index] * residual + before
        depth = 7.5 / (1 + np.exp(-total))
        assert np.allclose(steps.depths[index], depth, atol=1e-5)
        assert np.allclose(steps.changes[index], depth - 7.5 / (1 + np.exp(-before)), atol=1e-5)


def test_enlarging_and_errors_per_level():
    coarse = RNG.uniform(1, 5, (3, 4)).astype(np.float32)
    assert np.allclose(enlarged(coarse, 6, 8), half_pixel_bilinear(coarse), atol=1e-6)
    assert enlarged(coarse, 3, 4) is coarse
    truth = np.full((3, 4), 2.0, np.float32)
    truth[0, 0] = 0
    errors = level_errors([np.full((3, 4), 3.0, np.float32)], truth)
    assert errors[0].abs_rel == pytest.approx(0.5)
    assert errors[0].rmse == pytest.approx(1.0)


def test_borders_lie_around_the_steps():
    depth = np.full((20, 30), 2.0, np.float32)
    depth[:, 15:] = 4.0
    near = borders(depth, 0.15, reach=1)
    assert near[:, 13:17].all()
    assert not near[:, :13].any()
    assert not near[:, 17:].any()
    assert not borders(np.ones((5, 5), np.float32), 0.1).any()
    assert rms(np.array([3.0, 4.0])) == pytest.approx(12.5**0.5)
    assert np.isnan(rms(np.array([1.0]), np.array([False])))


def test_the_three_forms_of_the_loss_by_hand():
    d = np.array([0.1, -0.2, 0.4])
    found = forms(d, 0.5)
    pairs = sum((a - b) ** 2 for a in d for b in d) / (2 * 9)
    assert found.pairwise == pytest.approx(pairs)
    assert found.pairwise == pytest.approx(np.var(d))
    assert found.alpha == pytest.approx(np.var(d) / 2)
    assert found.expanded == pytest.approx(0.21 / 3 - 0.5 * 0.1**2)
    assert forms(d, 1.0).expanded == pytest.approx(found.pairwise)
    assert found.shift == pytest.approx(0.1)


def test_the_loss_page_speaks_of_the_loss_that_trains():
    predicted = RNG.uniform(1, 5, (6, 7))
    truth = RNG.uniform(1, 5, (6, 7))
    truth[0] = 0
    d = log_differences(predicted, truth)
    assert np.isnan(d[0]).all()
    whole = d[np.isfinite(d)]
    tensor = torch.from_numpy(np.nan_to_num(d))[None, None]
    valid = torch.from_numpy(np.isfinite(d))[None, None]
    assert forms(whole, 0.85).silog == pytest.approx(float(silog(tensor, valid, 0.85)), rel=1e-5)


def test_the_pull_is_the_slope_of_the_loss():
    d = RNG.normal(0, 0.3, 50)
    pull, step = punishment(d, 0.7), 1e-6
    for index in (0, 17, 49):
        ahead, behind = d.copy(), d.copy()
        ahead[index] += step
        behind[index] -= step
        slope = (forms(ahead, 0.7).expanded - forms(behind, 0.7).expanded) / (2 * step)
        assert pull[index] / len(d) == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert punishment(d, 1.0).sum() == pytest.approx(0, abs=1e-9)


def drawn(*maps, total=None):
    words = dict.fromkeys(("in", "out", "whole", "save", "hint", "sum"), "")
    shown = [(item, "", {}) for item in maps]
    return message(shown, columns=2, name="a", photo="b", words=words, total=total)


def test_a_map_shows_pixels_as_they_are():
    values = RNG.uniform(-4, 9, (30, 40)).astype(np.float32)
    values[3, 4] = np.nan
    bar = bar_of(values, "m")
    sheet = unpacked(drawn(Map((400, 300), "", values, bar)))
    (shown,) = sheet["maps"]
    assert np.allclose(shown["values"], values, atol=13 / 65534, equal_nan=True)
    assert (shown["bar"]["low"], shown["bar"]["unit"]) == (bar.low, "m")
    assert sheet["size"] == [400, 300]
    flat = unpacked(drawn(Map((3, 2), "", np.full((2, 3), -7.5), bar)))["maps"][0]
    assert np.allclose(flat["values"], -7.5)
    large = RNG.uniform(1, 9, (1500, 2000)).astype(np.float32)
    sampled = unpacked(drawn(Map((2000, 1500), "", large, bar_of(large, "m"))))["maps"][0]
    rows, columns = (((np.arange(n) + 0.5) * 25 / 7).astype(int) for n in (420, 560))
    assert np.allclose(sampled["values"], large[np.ix_(rows, columns)], atol=1e-3)


def test_maps_of_one_kind_share_a_bar_and_maps_of_one_photo_its_picture():
    rgb, values = RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8), RNG.uniform(0, 1, (6, 8))
    metres, percent = Bar(0, 1, "m"), Bar(0, 1, "%", ERROR)
    maps = [
        Map((80, 60), title, values, bar, rgb)
        for title, bar in (("a", metres), ("b", metres), ("c", percent), ("d", MASK))
    ]
    sheet = unpacked(drawn(*maps))
    assert len({tuple(item["picture"]) for item in sheet["maps"]}) == 1
    assert [bar["unit"] for bar in sheet["bars"]] == ["m", "%", ""]
    assert [(bar["shared"], bar["silent"], bar["title"]) for bar in sheet["bars"]] == [
        (True, False, "a – b"), (False, False, ""), (False, True, ""),
    ]  # fmt: skip


def test_no_figure_is_too_large_for_the_screen():
    photo = RNG.integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    depth = RNG.uniform(1, 9, (3000, 4000)).astype(np.float32)
    bar, size = bar_of(depth[::50, ::50], "m"), (4000, 3000)
    points = RNG.normal(0, 1, (MAX_POINTS, 3))
    colours = RNG.integers(0, 256, (MAX_POINTS, 3), dtype=np.uint8)
    camera = from_fov(4000, 3000, 60)
    faces = RNG.integers(0, MAX_POINTS, (150_000, 3))
    figures = [
        points_figure(points, colours, None, intrinsics=camera, size=size),
        surface_figure(points, faces, colours, None, intrinsics=camera, size=size),
        scatter_figure(depth.ravel(), depth.ravel(), x="a", y="b"),
    ]
    for figure in figures:
        assert len(figure.to_json()) < MAX_FIGURE_BYTES
    assert len(drawn(*[Map(size, "", depth, bar, photo)] * 4)) < MAX_FIGURE_BYTES


def test_space_is_upright_and_not_mirrored():
    assert upright(np.array([[1.0, 2.0, 3.0]])).tolist() == [[1, 3, -2]]
    rotation = upright(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    camera = from_fov(40, 30, 70)
    line = frustum(camera, (40, 30), 2.0)
    corners, z = project(line[:4], camera)
    assert np.allclose(z, 2)
    assert np.allclose(corners, [[-0.5, -0.5], [39.5, -0.5], [39.5, 29.5], [-0.5, 29.5]], atol=1e-4)


def test_a_flight_begins_and_ends_where_the_photo_was_taken():
    camera, size = from_fov(40, 30, 70), (40, 30)
    points = RNG.uniform((-1, -1, 2), (1, 1, 4), (500, 3))
    colours = RNG.integers(0, 256, (500, 3), dtype=np.uint8)
    words = SceneWords("go", "no")
    figure = points_figure(points, colours, None, intrinsics=camera, size=size, words=words)
    scene = figure.layout.scene
    low, high = np.array([scene[axis].range for axis in ("xaxis", "yaxis", "zaxis")], float).T
    drawn = np.array([[trace.x, trace.y, trace.z] for trace in figure.data], dtype=object)
    for trace in drawn:
        for values, least, most in zip(trace, low, high, strict=True):
            assert least <= np.nanmin(values)
            assert np.nanmax(values) <= most
    # One metre is as long in every direction, whatever the box.
    metres = (high - low) / [scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z]
    assert np.allclose(metres, metres[0])

    def placed(vector):
        """Plotly's place in metres: from the middle of the box, in units of its proportions."""
        return np.array([vector.x, vector.y, vector.z]) * metres + (low + high) / 2

    cameras = [frame.layout.scene.camera for frame in figure.frames]
    eyes = np.array([placed(camera.eye) for camera in cameras])
    assert np.allclose(eyes[[0, -1]], 0, atol=1e-6)
    targets = np.array([placed(camera.center) for camera in cameras])
    assert np.allclose(targets, [0, np.median(points[:, 2]), 0], atol=1e-6)
    assert eyes[:, 0].min() < -0.2 < 0.2 < eyes[:, 0].max()
    assert eyes[:, 1].min() < -1
    assert np.linalg.norm(np.diff(eyes, axis=0), axis=1).max() < 0.3
    assert len(json.dumps([frame.to_plotly_json() for frame in figure.frames])) < 20_000
    play, stop = figure.layout.updatemenus[0].buttons
    assert (play.label, stop.label) == ("▶ go", "❚❚ no")
    page = html_page("offline", [("cloud", figure)])
    data = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert len(json.loads(data[1])["frames"]) == len(cameras)


def test_a_page_that_opens_offline():
    figure = line_figure({"</script>": ([0, 1], [2, 3])}, x="x", y="y")
    page = html_page("A & B", ["<p>words</p>", ("caption <b>", figure)], "zh")
    assert page.startswith('<!doctype html><html lang="zh">')
    assert "A &amp; B" in page
    assert "caption &lt;b&gt;" in page
    data = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert json.loads(data[1])["data"][0]["name"] == "</script>"
    assert "<link" not in page
    assert not re.search(r"<(script|img|iframe)[^>]*\bsrc=", page)
    assert "Plotly" not in html_page("text only", ["<p>words</p>"])


def test_ground_truth_must_have_the_photos_shape():
    check_shape(np.ones((30, 40), np.float32), (400, 300))
    with pytest.raises(DataError, match="30x40 pixels.*400x300"):
        check_shape(np.ones((40, 30), np.float32), (400, 300))
    assert suggested_scale("a.exr") == suggested_scale("a.NPY") == "metres"
    assert suggested_scale("a.png") == "nyu"


def test_frames_of_a_set_are_spread_and_each_is_shown_once():
    entries = tuple(Entry((), index, "val") for index in range(8))
    chosen = MeasuredSet(NYU, entries)
    assert chosen.pages(3) == 3
    shown = [[entry.index for entry in chosen.spread(page, 3)] for page in range(3)]
    assert shown == [[0, 3, 6], [1, 4, 7], [2, 5]]
