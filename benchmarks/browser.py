"""The browser edition against the program: depth of twenty photos, time of a pass, memory.

    make web && .venv/bin/python -m benchmarks.browser build/web > browser.json

Needs Chromium. The page is served from this machine and driven as a user would: a photo is
chosen, the 16-bit PNG (and for some the .ply) is downloaded and compared with `load_predictor`.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.photos import jpeg
from core.camera import project
from core.engines.onnx_engine import load_onnxruntime
from core.predictor import Predictor, load_model
from core.weights.network_input import normalised

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXAMPLES = Path(__file__).resolve().parents[1] / "assets" / "examples"
MODEL = "lite-indoor"
STEP = 0.001  # metres of the 16-bit PNG
WITH_POINTS = ("room.jpg", "porch.jpg", "turned-6.jpg")
PASSES = 5
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def photos(folder: Path) -> Iterator[Path]:
    """Twenty photos of all kinds, written one after the other."""
    for path in sorted(EXAMPLES.glob("*.jpg")):
        yield Path(shutil.copy(path, folder))
    garage = Image.open(EXAMPLES / "garage.jpg")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26  # 35 mm equivalent of the focal length
    for orientation in (6, 8, 3):
        exif[0x0112] = orientation
        path = folder / f"turned-{orientation}.jpg"
        garage.save(path, quality=92, exif=exif)
        yield path
    small = folder / "small.png"
    garage.resize((64, 64)).save(small)
    yield small
    grey = folder / "grey.jpg"
    garage.convert("L").save(grey)
    yield grey
    clear = folder / "transparent.png"
    cut = garage.convert("RGBA")
    cut.putalpha(Image.linear_gradient("L").resize(cut.size).point(lambda a: max(0, a - 60)))
    cut.save(clear)
    yield clear
    for name, size in (("12-megapixels", (4000, 3000)), ("50-megapixels", (8160, 6120))):
        large = folder / f"{name}.jpg"
        large.write_bytes(jpeg(*size))
        yield large


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """The page, ready for a photo, in a Chromium without a network of its own."""
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        page = browser.new_context(accept_downloads=True).new_page()
        page.set_default_timeout(600_000)
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        yield page
        browser.close()


def show(page: Page, photo: Path) -> tuple[float, float]:
    """Seconds from the choice of a photo to its depth, and milliseconds of the network's pass."""
    page.evaluate("delete document.body.dataset.shown")
    started = time.perf_counter()
    page.set_input_files("#file", photo)
    page.wait_for_selector("body[data-shown]")
    spent = time.perf_counter() - started
    said = page.get_attribute("body", "data-shown") or ""
    return spent, float(said.split()[-1])


def saved(page: Page, kind: str, count: int = 1) -> dict[str, bytes]:
    """The files that a button gives."""
    found: dict[str, bytes] = {}

    def keep(download: Any) -> None:
        found[download.suggested_filename] = Path(download.path()).read_bytes()

    page.on("download", keep)
    page.click(f"[data-file={kind}]")
    while len(found) < count:
        page.wait_for_timeout(50)
    page.remove_listener("download", keep)
    return found


def depth_of(files: dict[str, bytes]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Metres of a 16-bit PNG and its sidecar; NaN where there is none."""
    about = next(json.loads(data) for name, data in files.items() if name.endswith(".json"))
    stored = next(data for name, data in files.items() if name.endswith(".png"))
    steps = np.asarray(Image.open(io.BytesIO(stored))).astype(np.float32)
    return np.where(steps > 0, steps / about["depth"]["png_scale"], np.nan).astype(np.float32)


def compared(page: Page, photo: Path, predictor: Predictor) -> dict[str, Any]:
    """One photo in the page and in the program."""
    seconds, milliseconds = show(page, photo)
    wanted = predictor(photo)
    got = depth_of(saved(page, "depth16", 2))
    if not np.array_equal(np.isnan(got), np.isnan(wanted.depth)):  # also another size
        raise ValueError(f"{photo.name}: {got.shape} or its pixels without depth are not the same")
    off = (np.abs(got - wanted.depth) / wanted.depth)[np.isfinite(got)]
    result = {
        "photo": photo.name,
        "size": list(wanted.photo_size),
        "camera": wanted.intrinsics.source,
        "median_percent": 100 * float(np.median(off)),
        "p99_percent": 100 * float(np.percentile(off, 99)),
        "seconds": seconds,
        "pass_ms": milliseconds,
    }
    if photo.name in WITH_POINTS:
        result["points"] = _points(next(iter(saved(page, "ply").values())), wanted)
    sys.stderr.write(f"{json.dumps(result)}\n")
    return result


def _points(ply: bytes, wanted: Any) -> dict[str, float]:
    """The .ply's points against the program's at the pixels that they project into."""
    head, body = ply.split(b"end_header\n", 1)
    kind = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
    points = np.frombuffer(body, kind)
    if f"element vertex {len(points)}\n".encode() not in head:
        raise ValueError("the .ply holds another number of points than it says")
    uv, _ = project(points["xyz"], wanted.intrinsics)
    columns, rows = np.rint(uv).astype(int).T
    truth = wanted.depth[rows, columns]
    off = np.abs(points["xyz"][:, 2] - truth) / truth
    from core.geometry.masks import flying_pixels

    kept = int((~flying_pixels(wanted.depth) & np.isfinite(wanted.depth)).sum())
    return {
        "count": len(points),
        "program_count": kept,
        "pixel_off": float(np.abs(uv - np.rint(uv)).max()),
        "median_percent": 100 * float(np.median(off)),
        "p99_percent": 100 * float(np.percentile(off, 99)),
    }


def native_pass(predictor: Predictor, folder: Path) -> Callable[[], float]:
    """A pass of the same model in ONNX Runtime itself, one thread, in milliseconds."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    file = next((folder / "models").glob(f"{MODEL}-*.onnx"))
    session = onnxruntime.InferenceSession(file.read_bytes(), options)
    image = normalised(predictor(EXAMPLES / "room.jpg").working.rgb)
    names = [each.name for each in session.get_outputs() if each.name != "depth"]

    def run() -> float:
        started = time.perf_counter()
        session.run(names, {"image": image})
        return 1000 * (time.perf_counter() - started)

    run()
    return run


def measured(folder: Path, repeats: int) -> dict[str, Any]:
    """Everything, as JSON-ready values.

    Args:
        folder: of the built page.
        repeats: photos for the course of the memory.
    """
    predictor = load_model(MODEL, engine="onnx")
    with tempfile.TemporaryDirectory() as place, served(folder) as url:
        with opened(f"{url}?engine=wasm") as page:
            native = native_pass(predictor, folder)
            pairs = [(show(page, EXAMPLES / "room.jpg")[1], native()) for _ in range(PASSES)]
            rows = [compared(page, photo, predictor) for photo in photos(Path(place))]
        with opened(f"{url}?engine=wasm") as page:
            page.reload()  # a second visit: everything comes from the browser's cache
            page.wait_for_selector("body[data-ready]")
            page_threads = page.get_attribute("body", "data-ready")
            warm = [show(page, EXAMPLES / "room.jpg")[0] for _ in range(3)]
            files = sorted(EXAMPLES.glob("*.jpg"))
            memory = [_memory(page, files[k % len(files)]) for k in range(repeats)]
    ratios = [browser / own for browser, own in pairs]
    return {
        "pass": {"pairs_ms": pairs, "ratio_median": statistics.median(ratios)},
        "photos": rows,
        "drop_to_depth_warm_s": warm,
        "threads": page_threads,
        "memory_mb": memory,
    }


def _memory(page: Page, photo: Path) -> float:
    """Megabytes that the tab's process holds after a photo."""
    show(page, photo)
    told = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    pids = [each["id"] for each in told["processInfo"] if each["type"] == "renderer"]
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return round(max(pages) * PAGE_BYTES / 1e6, 1)


def main() -> int:
    """Exit status 0; 1 where a photo differs by more than the edition allows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("folder", type=Path, help="what `make web` has built")
    parser.add_argument("--repeats", type=int, default=100, help="photos for the memory's course")
    options = parser.parse_args()
    result = measured(options.folder, options.repeats)
    sys.stdout.write(f"{json.dumps(result, indent=1)}\n")
    worst = [max(row[key] for row in result["photos"]) for key in ("median_percent", "p99_percent")]
    return int(worst[0] > 0.5 or worst[1] > 3)


if __name__ == "__main__":
    sys.exit(main())
