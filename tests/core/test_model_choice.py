"""The automatic choice: right where it was measured, honest about doubt, refused when stale."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.common.request import DepthRequest
from app.common.service import Studio
from app.common.summary import choice_sentence
from core.cli.main import DONE, FAILED, UNUSABLE, main
from core.cli.video import models_of
from core.engines.model_choice import ModelChooser, open_chooser
from core.errors import CheckpointError, EngineError
from core.images.decode import decode
from core.predictor import AutoPredictor, Predictor, load_predictor, models_of_run
from core.weights.checkpoint import find_model, load_checkpoint
from core.weights.choice_table import TABLE, Choice, ChoiceTable, write_table
from tests.tiny_checkpoint import save_tiny

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
OUTDOORS = {"building", "mountain_path", "old_town", "pavilion", "stream", "street"}
EITHER = {"porch"}  # outdoors, but all of it is a few metres away


class Redness:
    """An engine whose encoder's only feature is how red a photo is."""

    name, device, precision = "onnx", "cpu", "float32"

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        raise NotImplementedError

    def scene(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return image[0, :1].mean((1, 2))


TABLE_OF_RED = ChoiceTable("rooms", "streets", "0" * 64, (8.0,), 0.0, {})
RED, GREY, BLUE = (
    np.full((90, 120, 3), colour, np.uint8) for colour in ((250, 0, 0), (124, 0, 0), (0, 0, 250))
)


def test_the_side_of_the_line_chooses_and_near_it_is_doubt() -> None:
    choose = ModelChooser(TABLE_OF_RED, Redness())
    assert choose(RED) == Choice("streets", 1.0)
    assert choose(BLUE) == Choice("rooms", 0.0)
    assert not choose(RED).doubtful
    assert not choose(BLUE).doubtful
    assert choose(GREY).doubtful


def test_example_photos_get_their_model() -> None:
    choose = open_chooser()
    names = {path.stem for path in EXAMPLES.glob("*.jpg")} - EITHER
    choices = {name: choose(decode(EXAMPLES / f"{name}.jpg").rgb) for name in names}
    wrong = {n for n, c in choices.items() if (c.model == "lite-outdoor") != (n in OUTDOORS)}
    assert not {name for name in wrong if not choices[name].doubtful}
    assert len(wrong) <= 1


def test_auto_predicts_with_the_chosen_model_and_says_so() -> None:
    class Stub(Predictor):
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, image, **settings):  # type: ignore[no-untyped-def]
            real = Predictor(find_model("lite-indoor"), Flat())(image, **settings)
            return replace(real, settings={**real.settings, "stub": self.name})

    loaded: list[str] = []

    def load(name: str) -> Predictor:
        loaded.append(name)
        return Stub(name)

    predict = AutoPredictor(ModelChooser(TABLE_OF_RED, Redness()), load)
    stubs = [predict(photo).settings["stub"] for photo in (RED, RED, BLUE)]
    assert stubs == ["streets", "streets", "rooms"]
    assert loaded == ["streets", "rooms"]
    chosen = predict(RED).settings["chosen"]
    assert chosen == {"model": "streets", "outdoor": 1.0, "doubtful": False}


class Flat:
    """An engine that finds every photo flat."""

    name, device, precision = "torch", "cpu", "float32"

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        height, width = image.shape[2:]
        return [
            np.zeros((1, 1, height // 2**k, width // 2**k), np.float32) for k in (4, 3, 2, 1, 0)
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tiny models and a table that belongs to them."""
    for name in ("rooms", "streets"):
        save_tiny(tmp_path, name)
    info = find_model("rooms", tmp_path)
    channels = load_checkpoint(tmp_path / "rooms.safetensors")[0].encoder.channels[0]
    table = ChoiceTable("rooms", "streets", info.sha256, (0.1,) * channels, 0.0, {})
    write_table(tmp_path / TABLE, table)
    return tmp_path


def change(folder: Path, **values: object) -> None:
    table = json.loads((folder / TABLE).read_text())
    (folder / TABLE).write_text(json.dumps(table | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"encoder_sha256": "1" * 64}, "fitted to the weights 1111"),
        ({"weights": [0.1]}, "has 1 weights"),
        ({"weights": ["a"]}, "not usable"),
        ({"bias": float("nan")}, "not usable"),
        ({"outdoor": "moon"}, "no model 'moon'"),
        ({"indoor": 3}, "not usable"),
        ({"other": 1}, "not usable"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    folder: Path, values: dict[str, object], words: str
) -> None:
    change(folder, **values)
    with pytest.raises(CheckpointError, match=words):
        open_chooser(folder)


def test_without_a_table_there_is_no_choice(folder: Path) -> None:
    (folder / TABLE).unlink()
    with pytest.raises(CheckpointError, match="choose a model by hand"):
        open_chooser(folder)


def without(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        values = json.loads((folder / TABLE).read_text())
        del values[name]
        (folder / TABLE).write_text(json.dumps(values))

    return damage


def flipped(folder: Path) -> None:
    """One digit of a weight."""
    change(folder, bias=0.25)


def one_for_both(folder: Path) -> None:
    change(folder, outdoor="rooms")


def foreign(folder: Path) -> None:
    change(folder, encoder_sha256="2" * 64)


def damaged_model(folder: Path) -> None:
    path = folder / "streets.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def no_model(folder: Path) -> None:
    (folder / "streets.safetensors").unlink()


def cut(folder: Path) -> None:
    (folder / TABLE).write_bytes((folder / TABLE).read_bytes()[:40])


@pytest.mark.parametrize(
    "damage",
    [cut, flipped, one_for_both, foreign, damaged_model, no_model]
    + [without(name) for name in ("indoor", "weights", "bias", "measured", "sha256")],
)
def test_no_way_in_takes_a_model_where_the_choice_is_damaged(
    folder: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(folder)
    monkeypatch.setenv("LAPDEPTH_MODELS", str(folder))
    Image.fromarray(RED).save(folder / "red.png")
    studio = Studio(models=folder)
    names = studio.model_names()
    assert names[0] == "auto"
    ways_in: list[Callable[[], object]] = [
        lambda: load_predictor("auto"),
        lambda: models_of_run(None),
        lambda: models_of(None),
        lambda: studio.result(folder / "red.png", DepthRequest()),
        lambda: studio.chooser_for("auto"),
    ]
    for way in ways_in:
        with pytest.raises(CheckpointError, match=r"expected|restore|again") as told:
            way()
        assert "auto.json" in str(told.value) or "automatic choice" in str(told.value)
    assert main(["predict", str(folder / "red.png"), "--out", str(folder / "out")]) == UNUSABLE
    assert not (folder / "out").exists()
    assert studio.result(folder / "red.png", DepthRequest("rooms")).prediction.info.name == "rooms"


def test_a_table_that_is_put_right_is_taken_up(folder: Path) -> None:
    whole = (folder / TABLE).read_bytes()
    cut(folder)
    studio = Studio(models=folder)
    with pytest.raises(CheckpointError, match="not usable"):
        studio.chooser_for("")
    (folder / TABLE).write_bytes(whole)
    assert studio.chooser_for("") is not None


def test_where_nothing_can_choose_one_model_is_taken_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / TABLE).unlink()
    monkeypatch.setenv("LAPDEPTH_MODELS", str(folder))
    prediction = load_predictor("auto", engine="torch")(RED)
    assert prediction.info.name == "rooms"
    chosen = prediction.settings["chosen"]
    assert chosen["outdoor"] is None
    assert chosen["doubtful"]
    assert "no auto.json" in chosen["note"]
    assert "rooms was taken" in caplog.text
    Image.fromarray(RED).save(folder / "red.png")
    studio = Studio(models=folder)
    scene = studio.result(folder / "red.png", DepthRequest())
    assert scene.choice == Choice("rooms", None)
    assert studio.model_names() == ["rooms", "streets"]
    for lang in ("en", "zh"):
        assert "auto.json" in choice_sentence(scene.choice, lang)
    command = ["predict", str(folder / "red.png"), "--out", str(folder / "out"), "--save", "npy"]
    assert main(command) == DONE
    assert json.loads((folder / "out" / "red.json").read_text())["settings"]["chosen"] == chosen
    before = (folder / "out" / "red_depth.npy").stat().st_mtime_ns
    assert main(command) == DONE
    assert (folder / "out" / "red_depth.npy").stat().st_mtime_ns == before


def test_auto_takes_the_keywords_and_says_the_model() -> None:
    predict = load_predictor("auto", engine="torch")
    camera = (400.0, 400.0, 239.5, 179.5)
    prediction = predict(EXAMPLES / "street.jpg", resolution=192, flip=True, fov=70)
    assert prediction.info.name == prediction.settings["chosen"]["model"] == "lite-outdoor"
    assert prediction.settings["flip"]
    assert prediction.intrinsics.source == "given"
    assert prediction.settings["working_size"][1] == 192
    inside = predict(EXAMPLES / "room.jpg", intrinsics=camera)
    assert inside.info.name == "lite-indoor"
    assert inside.intrinsics.fx == 400
    with pytest.raises(EngineError, match="engine is 'fast'"):
        load_predictor("auto", engine="fast")


def test_the_commands_honour_the_folder_of_models(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAPDEPTH_MODELS", str(folder))
    broken = folder / "broken.safetensors"
    broken.write_bytes(b"x" * 100)
    (folder / "folder.safetensors").mkdir()
    (folder / "gone.safetensors").symlink_to(folder / "nothing")
    assert main(["models", "--json"]) == FAILED
    told = capsys.readouterr()
    assert [model["name"] for model in json.loads(told.out)["models"]] == ["rooms", "streets"]
    named = {entry["file"] for entry in json.loads(told.out)["broken"]}
    assert named == {path.name for path in folder.glob("[bfg]*.safetensors")}
    assert all(name in told.err for name in named)
    with pytest.raises(CheckpointError, match=r"broken\.safetensors is not a usable"):
        Studio(models=folder).predictor("broken")
    broken.unlink()
    (folder / "folder.safetensors").rmdir()
    (folder / "gone.safetensors").unlink()
    (folder / "registry.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"registry\.json cannot be read"):
        Studio(models=folder).predictor()
    monkeypatch.setenv("LAPDEPTH_MODELS", str(folder / "nowhere"))
    assert main(["models"]) == UNUSABLE
    assert "LAPDEPTH_MODELS is" in capsys.readouterr().err


def test_a_command_that_needs_one_model_says_so() -> None:
    with pytest.raises(CheckpointError, match="'auto' chooses a model for every photo.*one model"):
        find_model("auto")
