"""The explorer run by Streamlit's own tester: small models, small data sets, opening a page."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit import config
from streamlit.testing.v1 import AppTest

from app.explorer import cache
from app.explorer.figures.pyramids import rebuild
from app.explorer.session_view import STRIDES
from core.engines.model_choice import scene_features
from core.engines.torch_engine import TorchEngine
from core.weights.checkpoint import find_model, load_checkpoint, save_checkpoint
from core.weights.choice_table import ChoiceTable, write_table
from core.weights.confidence import FEATURES, ErrorModel
from tests.tiny_checkpoint import picture, save_tiny

config.set_option("runner.magicEnabled", False)  # as app/explorer/.streamlit/config.toml has it
MAIN = str(Path(cache.__file__).with_name("main.py"))
WIDTH, HEIGHT = 128, 96
SECONDS = 120


def png(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


PHOTO = png(picture(WIDTH, HEIGHT, 5))
GREY, RED = np.full((96, 128, 3), 100, np.uint8), np.full((96, 128, 3), (220, 20, 20), np.uint8)
TRUTH = np.random.default_rng(1).uniform(1.0, 9.0, (HEIGHT, WIDTH)).astype(np.float32)
SPARSE = np.where(np.random.default_rng(2).random(TRUTH.shape) < 0.04, TRUTH, np.float32(0))
# The expected error grows with the first sign; the other signs and units do nothing.
ERRORS = ErrorModel(
    (0.0,) * FEATURES, (1.0,) * FEATURES, ((0.3, *(0.0,) * (FEATURES - 1)),), (0.0,), (1.0,), -1.5
)


def write_models(folder: Path) -> None:
    """Two tiny models.

    "tiny" pools the whole photo and knows how unsure it is; "other" is normed by groups and has
    the classic ASPP. Grey photos choose "tiny", red ones "other".
    """
    path = save_tiny(folder, "tiny", 0, global_context=True)
    model, info = load_checkpoint(path)
    save_checkpoint(path, model.state_dict(), replace(info, error_model=ERRORS))
    save_tiny(folder, "other", 1, norm="group", aspp="classic", aspp_rates=(1, 6), focal=100.0)
    write_choice(folder)


def write_choice(folder: Path) -> None:
    """An automatic choice whose line through the features lies between a grey and a red photo."""
    info = find_model("tiny", folder)
    assert info.path is not None
    engine = TorchEngine(load_checkpoint(info.path)[0])
    grey, red = (scene_features(engine, photo) for photo in (GREY, RED))
    line = (red - grey) * 20 / ((red - grey) ** 2).sum()
    bias = -float(line @ (red + grey) / 2)
    weights = tuple(line.tolist())
    write_table(folder / "auto.json", ChoiceTable("tiny", "other", info.sha256, weights, bias, {}))


def write_frame(folder: Path, name: str, size: tuple[int, int], scale: int, seed: int) -> None:
    """A picture and its 16-bit depth of 1 to 9 metres, a tenth of it measured."""
    width, height = size
    rng = np.random.default_rng(seed)
    depth = rng.uniform(1.0, 9.0, (height, width))
    depth[rng.random(depth.shape) > 0.1] = 0
    for part, array in (
        ("rgb", picture(width, height, seed)),
        ("depth", (depth * scale).astype(np.uint16)),
    ):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(folder / part / f"{name}.png")


def write_nyu(folder: Path) -> None:
    for seed in range(4):
        write_frame(folder, f"{seed:05d}", (640, 480), 1000, seed)


def write_kitti(root: Path) -> None:
    """One frame of a city, one of a residential area, and one of another car."""
    index = {}
    for seed, scene in enumerate(("val/kitti_raw_0009", "train/kitti_odometry_06", "val/else")):
        write_frame(root / scene, "0000", (1240, 376), 256, seed)
        camera = {"fx": 720.0, "fy": 720.0, "cx": 619.5, "cy": 187.5}
        index[scene] = {"kind": "lidar sweep", "frames": [{"stem": "0000", **camera}]}
    (root / "index.json").write_text(json.dumps(index), encoding="utf-8")


def opened(page: str = "start", photo: bytes = PHOTO, **address: str) -> AppTest:
    """The app on one page with an uploaded photo."""
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    app.file_uploader(key="photo_file").set_value(("photo.png", photo, "image/png"))
    if page != "start":
        app.switch_page(f"page_scripts/{page}.py")
    app.run()
    sound(app)
    return app


def sound(app: AppTest) -> AppTest:
    """No exception and no error on the page."""
    assert not app.exception, [entry.message for entry in app.exception]
    assert not app.error, [entry.value for entry in app.error]
    return app


def unpacked(message: bytes, level: int = -1) -> dict[str, Any]:
    """The header of a group of maps, with arrays (NaN = none) in place of what is packed.

    Args:
        message: as the browser receives it.
        level: whose maps are wanted where the browser adds up the levels of a sum.
    """
    (length,) = struct.unpack("<I", message[:4])
    header: dict[str, Any] = json.loads(message[4 : 4 + length])

    def grid(packed: dict[str, Any]) -> np.ndarray[Any, Any]:
        start, size = packed["at"]
        data = zlib.decompress(message[4 + length + start : 4 + length + start + size])
        units = np.frombuffer(data, "<u2").reshape(packed["height"], packed["width"])
        return np.where(units > 0, packed["low"] + packed["step"] * units, np.nan)

    header |= header["rows"][level if "sum" in header else 0]
    parts = {}
    if "sum" in header:
        told = header["sum"]
        residuals = [grid(each).astype(np.float32)[None, None] for each in told["residuals"]]
        steps = rebuild(residuals, told["scale"], told["gains"])
        parts = {"depth": steps.depths[level], "change": steps.changes[level]}
    for item in header["maps"]:
        item["values"] = parts.get(item["part"], item["values"] and grid(item["values"]))
        item["bar"] = None if item["bar"] is None else header["bars"][item["bar"]]
    return header


def groups_of_maps(app: AppTest) -> list[dict[str, Any]]:
    """The maps on the page as they reach the browser, group by group."""
    stops = [entry.value for entry in app.select_slider if entry.key == "k"]
    level = STRIDES.index(stops[0]) if stops else -1
    return [unpacked(group.proto.bytes, level) for group in app.get("bidi_component")]


def maps_of(app: AppTest) -> dict[str, dict[str, Any]]:
    """The maps on the page by their titles."""
    return {item["title"]: item for group in groups_of_maps(app) for item in group["maps"]}


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def upload_truth(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader(key="truth_file").set_value((name, data, "application/octet-stream"))
    return app.run()


def npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
