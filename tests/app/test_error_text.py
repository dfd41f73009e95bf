"""Errors on a page: the core's sentence alone in English, behind a Chinese one in Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.common.request import depth_request, space_options
from app.common.translations import INTERNAL, error_sentence, keys, of_core, t
from app.depth_page.form import by_labels
from core import errors
from core.camera import Intrinsics, check_pinhole, choose_intrinsics, from_fov
from core.geometry.find_scale import calibration_of
from core.geometry.measure import Measurer
from core.geometry.planes import fit_plane
from core.geometry.point_cloud import CloudOptions, cloud_from_depth
from core.geometry.provenance import SceneInfo
from core.images.decode import decode
from core.images.limits import DecodeLimits, check_size
from core.scale.calibration import Calibration
from core.scale.measurements import CameraHeight, KnownDepth, KnownLength
from core.video.reader import ClipReader
from tests.core import scenes
from tests.core.pictures import encode, scene

BLANK = re.compile(r"\{\w+\}")
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]
KINDS.remove(errors.DepthError)


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_says_first_what_kind_of_thing_went_wrong(kind: type[Exception]) -> None:
    words = error_sentence(kind("got, expected: remedy."), "zh")
    assert words.endswith("got, expected: remedy.")
    first = words.partition("got")[0]
    assert "内部" not in first
    others = {
        error_sentence(other("got"), "zh").removesuffix("got")
        for other in KINDS
        if other is not kind
    }
    assert first not in others


def test_a_bug_keeps_its_number_in_chinese() -> None:
    words = error_sentence(KeyError("x"), "zh")
    assert "内部出错" in words
    assert INTERNAL in words


JPEG = encode(Image.fromarray(scene(80, 120)), "JPEG")
AROUND = Intrinsics(1, 1, 0, 0, projection="equirectangular")
SIZED = SimpleNamespace(width=400, height=300, fx=300.0, fy=300.0)
SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))
RULER = Measurer(scenes.sphere((0, 0, 2), 1.0, 4.0).astype(np.float32), SCENE)
LIMITS = DecodeLimits(max_bytes=100, max_pixels=5000, max_side=200)


def _of_page(**values: Any) -> None:
    with by_labels():
        depth_request(**values)


def _camera(**known: Any) -> None:
    choose_intrinsics((400, 300), camera=SIZED, **known)


def _cloud(**options: Any) -> None:
    cloud_from_depth(RULER.depth, scenes.picture(), RULER.scene, CloudOptions(**options))


REFUSALS: dict[str, Callable[[], object]] = {
    "empty": lambda: decode(b"", name="a.jpg"),
    "large": lambda: decode(JPEG, name="a.jpg", limits=LIMITS),
    "pixels": lambda: check_size((100, 100), LIMITS, "a.jpg"),
    "tiny": lambda: check_size((100, 1), LIMITS, "a.jpg"),
    "long": lambda: check_size((300, 10), LIMITS, "a.jpg"),
    "narrow": lambda: check_size((3000, 2), DecodeLimits(), "a.jpg"),
    "kind": lambda: decode(b"%PDF-1.4", name="a.jpg"),
    "damaged": lambda: decode(JPEG[:300], name="a.jpg"),
    "header": lambda: decode(b"BM" + bytes(40), name="a.bmp"),
    "fov": lambda: _camera(fov=0.5),
    "sphere": lambda: _camera(fov=360),
    "vertical": lambda: from_fov(100, 4000, 150),
    "focal": lambda: _camera(given=(1, 1, 200, 150)),
    "stretch": lambda: _camera(given=(4100, 400, 200, 150)),
    "centre": lambda: _camera(given=(400, 400, 9000, 150)),
    "outside": lambda: _of_page(resolution="5"),
    "number": lambda: _of_page(resolution="high"),
    "degrees": lambda: _of_page(fov="wide"),
    "four": lambda: _of_page(intrinsics="1, 2"),
    "range": lambda: depth_request(near=5, far=2),
    "length": lambda: KnownLength((0, 0), (1, 1), 0.0),
    "depth": lambda: KnownDepth((0, 0), 0.0),
    "height": lambda: CameraHeight(0.0),
    "factor": lambda: Calibration(1e6, (KnownLength((0, 0), (1, 1), 1.0),)),
    "same": lambda: calibration_of(RULER, KnownLength((9, 9), (9, 9), 1.0)),
    "point": lambda: RULER.position(999, 5),
    "flat": lambda: RULER.area(0, 0, 95, 71),
    "none": lambda: _cloud(far=0.01),
    "voxel": lambda: _cloud(voxel=1e-9),
    "around": lambda: check_pinhole(
        Intrinsics(1, 1, 0, 0, projection="equirectangular"), "a stereo film"
    ),
    "few": lambda: fit_plane(np.zeros((2, 3))),
    "thinned": lambda: space_options(voxel=0.1, shape="surface"),
    "film": lambda: ClipReader(Path(__file__)),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_the_frequent_refusals_are_chinese_alone(name: str) -> None:
    with pytest.raises(errors.DepthError) as refused:
        REFUSALS[name]()
    words = error_sentence(refused.value, "zh")
    assert words == of_core(str(refused.value), "zh")
    assert "英文" not in words
    assert "expected" not in words


def test_the_other_sentences_of_the_table_are_still_in_the_code() -> None:
    written = set()
    for path in (*Path("core").rglob("*.py"), *Path("app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", "") for part in node.values)
                written.add("".join(part if isinstance(part, str) else "{}" for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
    everything = BLANK.sub("{}", "\n".join(written))
    rest = [
        key
        for key in keys()
        if key.startswith("core.") and not key.startswith("core.word.")
        and key.removeprefix("core.") not in REFUSALS
    ]  # fmt: skip
    assert len(rest) > 5
    gone = [key for key in rest if BLANK.sub("{}", t(key)) not in everything]
    assert not gone
