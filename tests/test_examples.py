"""The example pictures: all accounted for, small, and true to the depth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

ASSETS = Path(__file__).resolve().parents[1] / "assets"
EXAMPLES = ASSETS / "examples"
PHOTOS = sorted(EXAMPLES.glob("*.jpg"))
WITH_DEPTH = sorted((EXAMPLES / "depth").glob("*.json"))
FREE = ("Apache-2.0", "CC BY 4.0", "CC BY 2.0", "CC0 1.0", "permission of the authors")


def read_depth(sidecar: Path) -> tuple[dict[str, float], NDArray[np.float64]]:
    facts = json.loads(sidecar.read_text())
    with Image.open(sidecar.parent / facts["depth"]) as picture:
        return facts, np.asarray(picture).astype(np.float64) / facts["scale"]


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.stem)
def test_each_picture_is_small_and_has_a_licence(photo: Path) -> None:
    assert photo.stat().st_size < 300_000
    with Image.open(photo) as picture:
        picture.load()
        assert picture.mode == "RGB"
        assert max(picture.size) <= 1024
    rows = [line for line in (ASSETS / "README.md").read_text().splitlines() if photo.name in line]
    assert len(rows) == 1, f"{photo.name} has {len(rows)} rows in assets/README.md"
    licence = rows[0].split("|")[5]
    assert any(free in licence for free in FREE), licence


def test_nothing_else_lies_there() -> None:
    names = {path.name for path in PHOTOS} | {"depth"}
    assert {path.name for path in EXAMPLES.iterdir()} == names
    with_depth = {f"{path.stem}{suffix}" for path in WITH_DEPTH for suffix in (".json", ".png")}
    assert {path.name for path in (EXAMPLES / "depth").iterdir()} == with_depth


@pytest.mark.parametrize("sidecar", WITH_DEPTH, ids=lambda path: path.stem)
def test_depth_fits_its_picture(sidecar: Path) -> None:
    facts, depth = read_depth(sidecar)
    with Image.open(EXAMPLES / f"{sidecar.stem}.jpg") as picture:
        assert picture.size == (facts["width"], facts["height"]) == depth.shape[::-1]
        tags = picture.getexif().get_ifd(0x8769)
    diagonal = np.hypot(*depth.shape) / np.hypot(36, 24)
    assert tags[0xA405] * diagonal == pytest.approx(facts["fx"], rel=0.02)
    assert (depth > 0).mean() > 0.9
    assert depth[depth > 0].min() > 1


@pytest.mark.parametrize(("name", "pitch"), [("room", 10.0), ("street", 2.0)])
def test_the_ground_is_a_plane_below_the_camera(name: str, pitch: float) -> None:
    """Unprojects the middle of the bottom rows: every point lies `camera_height` below."""
    facts, depth = read_depth(EXAMPLES / "depth" / f"{name}.json")
    rows = np.arange(depth.shape[0] - 20, depth.shape[0])
    columns = np.arange(700, 712) if name == "room" else np.arange(500, 560)
    v, u = np.meshgrid(rows, columns, indexing="ij")
    z = depth[v, u]
    down = (v - facts["cy"]) / facts["fy"] * z
    angle = np.deg2rad(pitch)
    height = down * np.cos(angle) + z * np.sin(angle)
    # The room's rug lies 12 mm above its floor; the depth is stored in steps of 1/scale metre.
    assert height == pytest.approx(facts["camera_height"], abs=0.012 + 1 / facts["scale"])
