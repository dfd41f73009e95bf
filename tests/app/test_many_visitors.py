"""Twenty people at once on the depth page, each with a photo and settings of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.common.request import depth_request
from app.common.result import Result
from app.common.service import Studio
from app.common.translations import t
from core.images.decode import decode
from tests.app.visitor import MODELS, Visitor
from tests.tiny_checkpoint import save_tiny

VISITORS = 20  # more than the page library's memory has places; 17 have a profile of their own


def alone(studio: Studio, visitor: Visitor, folder: Path) -> Result:
    """What the visitor would have got without the others."""
    path = folder / visitor.name
    path.write_bytes(visitor.data)
    asked = visitor.set
    names = ("model", "resolution", "flip", "fov")
    settings = {name: asked[name] for name in names}
    profile = None if visitor.profile is None else visitor.profile.to_json()
    return studio.result(
        path, depth_request(**settings, known_length=visitor.length, profile=profile)
    )


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
        assert scaled == bool(visitor.length or visitor.profile)
        used = about["settings"]["profile"]
        assert used == (
            None
            if visitor.profile is None
            else {"name": visitor.profile.name, "sha256": visitor.profile.sha256}
        )
        others = [f"visitor-{n}." for n in range(VISITORS) if n != visitor.number]
        assert not any(other in json.dumps(about) + summary for other in others)
        visitor.http.close()
