"""The browser edition in a real headless Chromium: the program's numbers, offline, by itself."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.browser import saved
from core.predictor import Predictor
from tests.conftest import Visit
from tests.core.pictures import encode, png_header
from tests.tiny_checkpoint import picture
from tests.web.conftest import node
from tests.web.reference import photo_with, write_reference

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# Filters of float16, and a network of random weights, which magnifies their rounding.
CLOSE = 0.02


def photo(width: int = 320, height: int = 240, **options: Any) -> bytes:
    return encode(Image.fromarray(picture(width, height, seed=4)), "PNG", **options)


def choose(page: Page, data: bytes, name: str) -> None:
    """Gives the page a file, and waits until it has answered."""
    page.evaluate("delete document.body.dataset.shown")
    page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": data})
    page.wait_for_selector(f"body[data-shown^='{name}']")


def depth_of(files: dict[str, bytes], name: str) -> NDArray[np.float64]:
    about = json.loads(files[f"{name}.json"])
    steps = np.asarray(Image.open(io.BytesIO(files[f"{name}_depth16.png"])))
    assert about["files"]["depth16"]["scale"] == about["depth"]["png_scale"]
    return np.where(steps > 0, steps / about["depth"]["png_scale"], np.nan)


def off(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Relative difference of depth that 99 % of the pixels stay below."""
    assert got.shape == wanted.shape
    assert (np.isnan(got) == np.isnan(wanted)).all()
    return float(np.nanpercentile(np.abs(got - wanted) / wanted, 99))


@pytest.mark.usefixtures("node_packages")
def test_its_types_hold_and_its_own_tests_pass(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    node("npm", "run", "--silent", "types")
    write_reference(tmp_path / "reference.json")
    said = node("npm", "test", "--silent", LAPDEPTH_REFERENCE=str(tmp_path / "reference.json"))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    counts = re.search(r"Tests\s+(.*)", plain)
    assert counts is not None, plain
    assert "skipped" not in counts[1]
    record_property("vitest", counts[1].strip())


@pytest.fixture
def shown(opened: Visit) -> Iterator[Page]:
    """The page with a photo, its first tab in front."""
    if not (opened.page.get_attribute("body", "data-shown") or "").startswith("room.png"):
        choose(opened.page, photo(), "room.png")
    opened.page.click("[data-tab=depth]")
    yield opened.page
    assert opened.errors == []
    assert opened.foreign == []


def test_metres_under_the_pointer_are_the_programs(shown: Page, program: Predictor) -> None:
    wanted = program(photo()).depth
    box = shown.locator("#depth").bounding_box()
    assert box is not None
    for u, v in ((20, 30), (160, 120), (300, 200)):
        x, y = (u + 0.5) / 320 * box["width"], (v + 0.5) / 240 * box["height"]
        shown.mouse.move(box["x"] + x, box["y"] + y)
        told = re.fullmatch(r"([\d.]+) m at pixel (\d+), (\d+)", shown.inner_text("#readout"))
        assert told is not None
        assert (int(told[2]), int(told[3])) == (u, v)
        assert float(told[1]) == pytest.approx(wanted[v, u], rel=CLOSE, abs=0.0051)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("landscape.png", photo()),
        ("portrait.png", photo(150, 260)),
        ("tiny.png", photo(64, 64)),
        ("large.jpg", encode(Image.fromarray(picture(1500, 1100)), "JPEG", quality=95)),
        ("turned.jpg", photo_with("JPEG", (320, 240), {"focal35": 26, "orientation": 6})),
        ("mirrored.webp", photo_with("WEBP", (320, 240), {"focal35": 40, "orientation": 5})),
        ("grey.png", encode(Image.fromarray(picture(200, 160)).convert("L"), "PNG")),
    ],
)
def test_files_hold_the_programs_depth(
    opened: Visit, program: Predictor, name: str, data: bytes
) -> None:
    choose(opened.page, data, name)
    files, wanted = saved(opened.page, "depth16", 2), program(data)
    stem = name.split(".")[0]
    assert off(depth_of(files, stem), wanted.depth) < CLOSE
    about = json.loads(files[f"{stem}.json"])
    assert about["intrinsics"] == pytest.approx(wanted.intrinsics.to_dict())
    assert about["focal_scale"] == pytest.approx(wanted.focal_scale)
    assert about["model"]["sha256"] == program.info.sha256
    assert about["settings"]["working_size"] == wanted.settings["working_size"]
    assert opened.errors == []


def test_transparent_pixels_have_no_depth(opened: Visit, program: Predictor) -> None:
    image = Image.fromarray(picture(200, 160)).convert("RGBA")
    alpha = np.full((160, 200), 255, np.uint8)
    alpha[:40], alpha[40:60] = 0, 120
    image.putalpha(Image.fromarray(alpha))
    data = encode(image, "PNG")
    choose(opened.page, data, "cut.png")
    assert off(depth_of(saved(opened.page, "depth16", 2), "cut"), program(data).depth) < CLOSE


def test_points_and_surface_are_the_programs(
    shown: Page, program: Predictor, tmp_path: Path
) -> None:
    import open3d
    import trimesh

    wanted = program(photo())
    path = tmp_path / "room.ply"
    path.write_bytes(saved(shown, "ply")["room.ply"])
    points = np.asarray(open3d.io.read_point_cloud(str(path)).points)
    camera = wanted.intrinsics
    columns = np.rint(points[:, 0] / points[:, 2] * camera.fx + camera.cx).astype(int)
    rows = np.rint(points[:, 1] / points[:, 2] * camera.fy + camera.cy).astype(int)
    assert len(np.unique(rows * 320 + columns)) == len(points) > 0.5 * 320 * 240
    truth = wanted.depth[rows, columns]
    assert np.percentile(np.abs(points[:, 2] - truth) / truth, 99) < CLOSE
    scene = trimesh.load(io.BytesIO(saved(shown, "glb")["room.glb"]), file_type="glb")
    (surface,) = scene.geometry.values()
    assert len(surface.faces) > 0.5 * 320 * 240
    assert surface.vertices[:, 2].max() < 0  # in front of the camera, z backward


def test_a_known_length_scales_the_files(shown: Page, program: Predictor) -> None:
    box = shown.locator("#depth").bounding_box()
    assert box is not None
    for x, y in ((0.2, 0.3), (0.8, 0.7)):
        shown.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    told = re.search(r"([\d.]+) m between", shown.inner_text("#readout"))
    assert told is not None
    shown.fill("#length", str(3 * float(told[1])))
    shown.click("#rescale")
    assert "Scaled by" in shown.inner_text("#camera")
    files = saved(shown, "depth16", 2)
    about = json.loads(files["room.json"])
    factor = about["scale"]["factor"]
    assert factor == pytest.approx(3, rel=0.01)  # the page shows its length in centimetres
    assert off(depth_of(files, "room") / factor, program(photo()).depth) < CLOSE
    assert about["scale"]["source"] == "known length"
    shown.click("#undo")
    assert "Scaled" not in shown.inner_text("#camera")


def test_levels_go_from_coarse_to_fine(shown: Page) -> None:
    shown.click("[data-tab=levels]")
    for index, stride in enumerate((16, 8, 4, 2, 1)):
        shown.evaluate(
            "(value) => { const slider = document.querySelector('#level'); slider.value = value;"
            " slider.dispatchEvent(new Event('input')); }",
            index,
        )
        assert f"R{5 - index} (1/{stride})" in shown.inner_text("#level-depth-note")
        size = shown.evaluate("[...'wh'].map((s) => document.querySelector('#level-residual')"
                              "[{w: 'width', h: 'height'}[s]])")  # fmt: skip
        assert size == [128 // stride, 96 // stride]


def test_the_keyboard_reads_and_measures(shown: Page) -> None:
    shown.focus("#depth")
    for key in ("ArrowRight", "Enter", "ArrowLeft", "ArrowUp", "Enter"):
        shown.keyboard.press(key)
    assert "between the two points" in shown.inner_text("#readout")
    shown.keyboard.press("Escape")
    assert "between" not in shown.inner_text("#readout")


def test_the_points_can_be_looked_at(shown: Page, shot: Callable[[Page, str], None]) -> None:
    shown.click("[data-tab=space]")
    shown.wait_for_selector("#space canvas")
    colours = """() => {
      const brush = new OffscreenCanvas(64, 64).getContext("2d");
      brush.drawImage(document.querySelector("#space canvas"), 0, 0, 64, 64);
      return new Set(brush.getImageData(0, 0, 64, 64).data).size;
    }"""
    for _ in range(100):
        if shown.evaluate(colours) > 20:
            break
        shown.wait_for_timeout(100)
    else:
        pytest.fail("the 3D view stays empty")


BROKEN = encode(Image.fromarray(picture(320, 240)), "JPEG")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("half.jpg", BROKEN[: len(BROKEN) // 2], "damaged or cut short"),
        ("half.png", photo()[:2000], "damaged or cut short"),
        ("noise.jpg", BROKEN[:600] + bytes(100) + b"\xff\xd9", "damaged or cut short"),
        ("notes.jpg", b"Dear diary, nothing was photographed today.", "no picture"),
        ("empty.png", b"", "is empty"),
        ("scan.tif", encode(Image.fromarray(picture(64, 48)), "TIFF"), "does not read"),
        ("huge.png", png_header(30_000, 20_000), "at most 100 megapixels"),
    ],
)
def test_what_is_no_photo_gets_one_sentence(
    opened: Visit, name: str, data: bytes, said: str
) -> None:
    choose(opened.page, data, name)
    sentence = opened.page.inner_text("#error")
    assert said in sentence
    assert name in sentence
    assert sentence.endswith(".")


def test_a_good_photo_takes_the_sentence_away(opened: Visit) -> None:
    choose(opened.page, b"", "empty.png")
    assert opened.page.is_visible("#error")
    choose(opened.page, photo(), "room.png")
    assert not opened.page.is_visible("#error")


def test_a_live_camera_shows_depth_and_stops(opened: Visit) -> None:
    page = opened.page
    choose(page, photo(), "before.png")
    page.click("[data-tab=depth]")
    page.click("#live")
    page.wait_for_selector("body[data-frames]")
    assert "pictures a second" in page.inner_text("#live-told")
    page.evaluate("delete document.body.dataset.shown")
    page.click("#shutter")
    page.wait_for_selector("body[data-shown^=camera]")
    assert page.is_visible("#depth")
    assert not page.is_visible("#panel-live")


def test_another_model_is_loaded_when_it_is_wanted(shown: Page) -> None:
    shown.evaluate("delete document.body.dataset.shown")
    shown.select_option("#model", "second")
    shown.wait_for_selector("body[data-shown]")
    assert json.loads(saved(shown, "depth16", 2)["room.json"])["model"]["name"] == "second"
    shown.select_option("#model", "tiny")
    shown.click("#language")
    assert shown.inner_text("[data-tab=depth]") == "深度"
    shown.click("#language")


def test_without_a_network_it_works_from_the_second_visit_on(
    opened: Visit, site: str, program: Predictor
) -> None:
    page = opened.page
    opened.page.context.set_offline(True)
    try:
        page.goto(site)
        page.wait_for_selector("body[data-ready]")
        choose(page, photo(), "offline.png")
        files = saved(page, "depth16", 2)
    finally:
        opened.page.context.set_offline(False)
    assert off(depth_of(files, "offline"), program(photo()).depth) < CLOSE
    assert page.evaluate("crossOriginIsolated")  # then WebAssembly may use threads
    assert opened.errors == []
    assert opened.foreign == []


def test_lapdepth_js_gives_depth_to_other_pages(opened: Visit, program: Predictor) -> None:
    result = opened.page.evaluate(
        """async (bytes) => {
          const { predict } = await import("./lapdepth.js");
          const depth = await predict(new Blob([new Uint8Array(bytes)]), { fov: 60 });
          return { ...depth, data: [...depth.data], levels: depth.levels.map((l) => l.width) };
        }""",
        list(photo()),
    )
    wanted = program(photo(), fov=60)
    got = np.reshape(result["data"], (result["height"], result["width"]))
    assert off(got, wanted.depth) < CLOSE
    assert result["levels"] == [8, 16, 32, 64, 128]
    assert result["intrinsics"]["source"] == "given"


def test_on_a_phone_nothing_is_cut_off(browser: Browser, site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(site)
    page.wait_for_selector("body[data-ready]", timeout=120_000)
    choose(page, photo(150, 260), "portrait.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#depth").bounding_box()
    assert box is not None
    assert box["width"] > 300
    context.close()
