"""Twenty people at once on the depth page, each with a photo and settings of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.common.request import depth_request
from app.common.result import Result
from app.common.service import Studio
from app.common.text import t
from core.files.colormap import COLORMAPS
from core.images.decode import decode
from tests.core.pictures import encode
from tests.tiny_checkpoint import picture, save_tiny

VISITORS = 20  # more sessions than the page library's memory has places
MODELS = ("tiny", "other")


class Visitor:
    """A browser on the page: its fields' values, and calls that send and receive them.

    Args:
        url: of the server.
        number: of the visitor; decides everything that is asked for.
    """

    def __init__(self, url: str, number: int) -> None:
        self.number = number
        self.lang = "zh" if number % 3 == 0 else "en"
        self.name = f"visitor-{number}.png"
        self.data = encode(Image.fromarray(picture(96 + 4 * number, 96, number)), "PNG")
        self.set: dict[str, Any] = {
            "model": MODELS[number % 2],
            "resolution": str((96, 112, 128)[number % 3]),
            "fov": str(40 + number) if number % 4 else "",
            "flip": number % 5 == 0,
            "colormap": list(COLORMAPS)[number % len(COLORMAPS)],
            "kinds": ["npy", "color"],
        }
        self.length = [10, 20, 80, 70, 1.0 + number] if number % 2 else None
        headers = {"accept-language": self.lang}
        self.http = httpx.Client(base_url=f"{url}/gradio_api", headers=headers, timeout=120)
        config = httpx.get(f"{url}/config", headers=headers, timeout=60).json()
        self.events = config["dependencies"]
        self.ids: dict[str, int] = {}
        self.values: dict[int, Any] = {}
        for part in config["components"]:
            self.values[part["id"]] = part["props"].get("value")
            if part["props"].get("elem_id"):
                self.ids[part["props"]["elem_id"]] = part["id"]
        self.values |= {self.ids[name]: value for name, value in self.set.items()}

    def event(self, name: str, kind: str) -> dict[str, Any]:
        """What the server does when something happens to a part of the page."""
        target = [self.ids[name], kind]
        found: dict[str, Any] = next(
            e for e in self.events if target in e["targets"] and e["backend_fn"]
        )
        return found

    def call(self, name: str, kind: str, **marked: Any) -> list[Any]:
        """Lets it happen, and fills the page with what comes back."""
        event = self.event(name, kind)
        session = f"visitor{self.number}"
        sent = [self.values[part] for part in event["inputs"]]
        if "ends" in marked:
            sent[-2:] = [marked["ends"], str(marked["metres"])]
        body = {"data": sent, "fn_index": event["id"], "session_hash": session}
        self.http.post("/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "/queue/data", params={"session_hash": session}) as reply:
            for line in reply.iter_lines():
                if "process_completed" in line:
                    break
        message = json.loads(line.removeprefix("data: "))
        assert message["success"], message
        output: list[Any] = message["output"]["data"]
        for part, value in zip(event["outputs"], output, strict=True):
            update = isinstance(value, dict) and value.get("__type__") == "update"
            if not update:
                self.values[part] = value
            elif "value" in value:
                self.values[part] = value["value"]
        return output

    def visit(self) -> Visitor:
        """A photo, the length where one is known, then the files."""
        sent = self.http.post("/upload", files={"files": (self.name, self.data)})
        photo = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
        self.values[self.ids["photo"]] = photo
        self.call("photo", "change")
        if self.length:
            ends = [self.length[:2], self.length[2:4]]
            self.call("calibrate-apply", "click", ends=ends, metres=self.length[4])
            self.call("photo", "change")
        self.call("make-files", "click")
        return self

    def files(self) -> dict[str, bytes]:
        """The files' names and contents."""
        paths = [entry["path"] for entry in self.values[self.ids["files"]]]
        return {Path(path).name: self.http.get(f"/file={path}").content for path in paths}


def alone(studio: Studio, visitor: Visitor, folder: Path) -> Result:
    """What the visitor would have got without the others."""
    path = folder / visitor.name
    path.write_bytes(visitor.data)
    asked = visitor.set
    names = ("model", "resolution", "flip", "fov")
    settings = {name: asked[name] for name in names}
    return studio.result(path, depth_request(**settings, known_length=visitor.length))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two models")
    for seed, name in enumerate(MODELS):
        save_tiny(folder, name=name, seed=seed)
    return folder


def test_everybody_gets_what_he_asked_for(
    serve: Callable[..., str], models: Path, tmp_path: Path
) -> None:
    url = serve("gradio", LAPDEPTH_MODELS=str(models), LAPDEPTH_MODEL=MODELS[0])
    studio = Studio(default_model=MODELS[0], models=models, decoder=decode)
    with ThreadPoolExecutor(VISITORS) as pool:
        came = list(pool.map(lambda number: Visitor(url, number).visit(), range(VISITORS)))
    for visitor in came:
        scene, files = alone(studio, visitor, tmp_path), visitor.files()
        stem = Path(visitor.name).stem
        assert sorted(files) == [f"{stem}.json", f"{stem}_color.png", f"{stem}_depth.npy"]
        (tmp_path / "depth.npy").write_bytes(files[f"{stem}_depth.npy"])
        depth = np.load(tmp_path / "depth.npy")
        np.testing.assert_allclose(depth, scene.prediction.depth, rtol=1e-5)
        about = json.loads(files[f"{stem}.json"])
        assert about["input"]["name"] == visitor.name
        assert about["model"]["name"] == visitor.set["model"]
        assert about["intrinsics"]["fx"] == pytest.approx(scene.prediction.intrinsics.fx)
        summary = visitor.values[visitor.ids["summary"]]
        assert f"<dt>{t('summary.accuracy', visitor.lang)}</dt>" in summary
        scaled = f"<dt>{t('summary.scale', visitor.lang)}</dt>" in summary
        assert scaled == bool(visitor.length)
        others = [f"visitor-{n}." for n in range(VISITORS) if n != visitor.number]
        assert not any(other in json.dumps(about) + summary for other in others)
        visitor.http.close()
