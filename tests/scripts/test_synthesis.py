"""Rendered sets: developing, files, index, seeding, placing. No Blender."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.folder import FolderDataset
from scripts.synthesis.catalog import read_library
from scripts.synthesis.dataset import RenderedSet, encode_depth
from scripts.synthesis.denoise import denoise
from scripts.synthesis.develop import Camera, develop, draw_camera, jpeg
from scripts.synthesis.layout import Plan, footprint
from scripts.synthesis.motifs import motif
from scripts.synthesis.sheet import contact_sheet

NEUTRAL = Camera(0.18, 0.0, 1.0, (1.0, 1.0, 1.0), 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 95)


def frame(stem: str, width: int, height: int) -> dict[str, object]:
    return {"stem": stem, "fx": 30.0, "fy": 31.0, "cx": 15.5, "cy": 11.5} | {
        "width": width,
        "height": height,
    }


@pytest.mark.parametrize(("world", "scale"), [("rooms", 1000), ("streets", 256)])
def test_the_folder_dataset_reads_a_rendered_set(tmp_path: Path, world: str, scale: int) -> None:
    depth = np.linspace(0.5, 60, 24 * 32, dtype=np.float32).reshape(24, 32)
    depth[0, :5] = np.inf
    target = RenderedSet(tmp_path, world)
    picture = np.full((24, 32, 3), 90, np.uint8)
    target.write_frame("a_000003_0", jpeg(picture, 95), depth)
    credits_ = [dict.fromkeys(("model", "name", "author", "library", "licence"), "x")]
    target.finish(3, [frame("a_000003_0", 32, 24)], credits_)
    dataset = FolderDataset(tmp_path)
    sample = dataset[0]
    assert len(dataset) == 1
    assert (sample.fx, sample.fy, sample.cx, sample.cy) == (30.0, 31.0, 15.5, 11.5)
    assert (sample.depth[0, :5] == 0).all()
    assert np.abs(sample.depth - depth)[1:].max() <= 0.5 / scale + 1e-5
    with Image.open(tmp_path / "sky" / "a_000003_0.png") as mask:
        assert (np.asarray(mask) == 255).sum() == 5
    assert contact_sheet(tmp_path, 4).size[0] > 0
    assert not list(tmp_path.rglob(".part-*"))


def test_a_second_process_adds_its_seeds(tmp_path: Path) -> None:
    one, two = RenderedSet(tmp_path, "rooms"), RenderedSet(tmp_path, "rooms")
    picture = jpeg(np.zeros((24, 32, 3), np.uint8), 90)
    for seed, target in enumerate((one, two, one)):
        assert not target.finished(seed)
        target.write_frame(f"f{seed}", picture, np.ones((24, 32), np.float32))
        target.finish(seed, [frame(f"f{seed}", 32, 24)], [])
    assert RenderedSet(tmp_path, "rooms").finished(1)
    assert len(FolderDataset(tmp_path)) == 3


def test_depth_that_16_bits_cannot_hold_is_missing() -> None:
    depth = np.array([[0.0004, 0.001, 65.535, 65.6, np.inf]], np.float32)
    assert encode_depth(depth, 1000).tolist() == [[0, 1, 65535, 0, 0]]


def test_the_meter_brings_dark_and_bright_rooms_to_the_same_grey() -> None:
    grey = np.full((16, 16, 3), 0.5, np.float32)
    dark, bright = (develop(grey * f, NEUTRAL, random.Random(0)) for f in (0.01, 20))
    # 18 % reflectance is 118 of 255 in sRGB.
    assert np.abs(dark.astype(int) - 118).max() <= 1
    assert np.abs(bright.astype(int) - 118).max() <= 1


def test_white_balance_and_corners() -> None:
    orange = np.full((17, 17, 3), (0.6, 0.4, 0.2), np.float32)
    settings = {**vars(NEUTRAL), "balance": 0.0, "vignetting": 0.5}
    made = develop(orange, Camera(**settings), random.Random(0)).astype(int)
    assert np.ptp(made[8, 8]) <= 1  # grey in the middle
    assert made[0, 0].mean() < made[8, 8].mean() - 20


def test_a_camera_is_the_same_for_the_same_seed() -> None:
    light = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)

    def take(seed: str) -> bytes:
        rng = random.Random(seed)
        camera = draw_camera(rng)
        return jpeg(develop(light, camera, rng), camera.quality)

    assert take("rooms/1/0") == take("rooms/1/0")
    assert take("rooms/1/0") != take("rooms/1/1")
    with Image.open(io.BytesIO(take("rooms/1/0"))) as photo:
        assert photo.size == (30, 20)


@pytest.mark.parametrize("kind", ["paper", "stripes", "checks", "painting", "page", "screen"])
def test_motifs_come_from_the_seed(kind: str) -> None:
    one, two = (motif(random.Random(7), kind, (0.2, 0.3, 0.4), 1.5) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.min() >= 0
    assert one.max() <= 1
    assert one.std() > 0.001


def test_denoising_smooths_a_surface_and_keeps_its_border() -> None:
    noise = np.random.default_rng(1)
    depth = np.where(np.arange(40) < 20, 1.0, 3.0) * np.ones((30, 1))
    light = np.where(depth < 2, 1.0, 0.2)[..., None] * np.ones(3)
    noisy = (light * noise.gamma(8, 1 / 8, (30, 40, 1))).astype(np.float32)
    normal = np.broadcast_to(np.array([0, 0, 1], np.float32), noisy.shape)
    passes = {
        "Combined": noisy,
        "Denoising Albedo": np.ones_like(noisy),
        "Denoising Normal": normal,
        "Denoising Depth": depth.astype(np.float32),
    }
    noisy[12, 5], noisy[18, 9] = 400.0, 0.0  # a spark, and a pixel whose paths all met shadow
    clean = denoise(passes)
    assert clean[12, 5].max() < 2
    assert clean[18, 9].min() > 0.7
    for part in (np.s_[:, :20], np.s_[:, 20:]):
        assert clean[part].std() < 0.4 * 0.35 * light[part].mean()
        assert clean[part].mean() == pytest.approx(light[part].mean(), rel=0.1)
    assert clean[:, 19].mean() > 4 * clean[:, 20].mean()


def test_furniture_keeps_clear_of_doors_and_of_each_other() -> None:
    plan = Plan(4.0, 5.0, random.Random(3))
    plan.keep = {0: [(1.0, 2.0, 0.0)], 2: [(0.0, 4.0, 0.9)]}
    tall = [plan.against_wall((0.9, 0.4, 2.0)) for _ in range(12)]
    boxes = [footprint((0.9, 0.4, 2.0), spot) for spot in tall if spot is not None]
    assert len(boxes) >= 4
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        assert 0 <= x0 < x1 <= 4
        assert 0 <= y0 < y1 <= 5
        assert not (y0 < 0.1 and x0 < 2.0 and x1 > 1.0)  # the door
        assert not (y1 > 4.9 and x1 - x0 > 0.8)  # tall things before the window
        for a0, b0, a1, b1 in boxes[:k]:
            assert x1 <= a0 or x0 >= a1 or y1 <= b0 or y0 >= b1


def test_a_library_is_read_with_sizes_authors_and_licence(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sofa.obj").touch()
    text = (
        "license=Creative Commons Attribution 3.0 license  (c) somebody\n"
        "name#1=Sof\\u00e1\ncategory#1=Living room\nmodel#1=/lib/sofa.obj\nwidth#1=170\n"
        "depth#1=90\nheight#1=79\ndropOnTopElevation#1=41\ncreator#1=A. Author\n"
        "name#2=Gone\nmodel#2=/lib/gone.obj\nwidth#2=1\ndepth#2=1\nheight#2=1\ncreator#2=B\n"
    )
    (model,) = read_library(text, tmp_path)
    assert (model.name, model.size, model.top) == ("Sofá", (1.7, 0.9, 0.79), 0.41)
    assert (model.author, model.licence) == (
        "A. Author",
        "Creative Commons Attribution 3.0 license",
    )
