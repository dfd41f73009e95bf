"""What the browser edition needs of the program: models, sentences, colour maps, example photos.

    python -m scripts.web build/web

`make web` runs it before the page itself is built (docs/guides/web.md). Models are exported with
filters of float16 and every level, under a name that holds their hash, and taken as they are from
an earlier build of the same checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from app.common.translations import LANGUAGES, keys, t
from core import __version__
from core.engines.onnx_check import open_session
from core.engines.onnx_file import export_onnx
from core.files.colormap import COLORMAPS, SIGNED
from core.weights.checkpoint import find_model, load_checkpoint
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("lite-indoor", "lite-outdoor", "lite-free")
EXAMPLES = ("room", "books", "street")
# Sentences that the page shares with the others, beside its own.
SHARED = (
    *(f"studio.{key}" for key in ("title", "model", "colormap", "fov", "fov_info", "tab_depth")),
    *(f"studio.{key}" for key in ("tab_3d", "viewer", "settings", "files")),
    *(f"studio.{key}" for key in ("calibrate", "true_metres", "calibrate_apply", "calibrate_undo")),
    *(f"studio.{key}" for key in ("kind_color", "kind_ply", "kind_glb")),
    "photo_box.examples",
    *("view.canvas", "view.none", "view.depth", "view.photo"),
    *("explorer.supervised", "explorer.unsupervised"),
)
CHECK_SIZE = 96


def lay_out(target: Path, models: tuple[str, ...] = MODELS) -> None:
    """Writes `about.json`, `models/`, `examples/` and the icon.

    Args:
        target: the folder, made if it is missing.
        models: names, the first of which the page opens with.

    Raises:
        DepthError: a model that is missing or cannot be exported.
    """
    folder = target / "models"
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "version": __version__,
        "models": [_model(find_model(name), folder) for name in models],
        "texts": {lang: {key: t(key, lang) for key in _shown()} for lang in LANGUAGES},
        "colormaps": {name: each.table.tobytes().hex() for name, each in COLORMAPS.items()}
        | {"signed": SIGNED.table.tobytes().hex()},
    }
    for path in set(folder.iterdir()) - {target / model["file"] for model in about["models"]}:
        path.unlink()
    (target / "about.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    shutil.copy(ROOT / "app" / "explorer" / "icon.svg", target)
    examples = target / "examples"
    examples.mkdir(exist_ok=True)
    for name in EXAMPLES:
        shutil.copy(ROOT / "assets" / "examples" / f"{name}.jpg", examples)


def _shown() -> list[str]:
    """Keys of the sentences that the page may show."""
    return [*SHARED, *(key for key in keys() if key.startswith("web."))]


def _model(info: ModelInfo, folder: Path) -> dict[str, Any]:
    """A model's entry in `about.json`; its file is written unless it is there."""
    content = next(filter(None, map(_exported(info), folder.glob("*.onnx"))), None)
    if content is None:
        model, info = load_checkpoint(info.file)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "model.onnx"
            export_onnx(model, info, path, levels=True, half=True)
            content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    file = folder / f"{info.name}-{sha256[:16]}.onnx"
    file.write_bytes(content)
    camera = info.camera
    return {
        "name": info.name,
        "file": f"models/{file.name}",
        "bytes": len(content),
        "sha256": sha256,
        "checkpoint": info.sha256,
        "max_depth": info.config.max_depth,
        "focal": info.config.focal,
        "working_height": info.working_height,
        "supervised_levels": info.supervised_levels,
        "camera": {key: getattr(camera, key) for key in ("width", "height", "fx", "fy")},
        "licence": info.licence,
        "training_data": info.training_data,
        "check": _checked_depth(content),
    }


def _exported(info: ModelInfo) -> Any:
    """Reads a file, or gives None where it was made from another checkpoint or without halves."""

    def read(path: Path) -> bytes | None:
        content = path.read_bytes()
        graph = onnx.load_from_string(content)
        made_from = {prop.key: prop.value for prop in graph.metadata_props}
        half = any(each.name.endswith("_half") for each in graph.graph.initializer)
        return content if half and made_from.get("checkpoint_sha256") == info.sha256 else None

    return read


def _checked_depth(content: bytes) -> list[float]:
    """Depth at 1/16 of a picture that the page makes as well, to check its own arithmetic by."""
    y, x, c = np.indices((CHECK_SIZE, CHECK_SIZE, 3))
    picture = ((x * (c + 1) + y * 2) & 255).astype(np.uint8)
    image = normalised(picture)
    (depth,) = open_session(content).run(["level_16"], {"image": image})
    return [round(float(metres), 6) for metres in depth.ravel()]


def main() -> int:
    """Exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m scripts.web", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to")
    lay_out(parser.parse_args().folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
