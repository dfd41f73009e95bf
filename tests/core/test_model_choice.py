"""The automatic choice: right where it was measured, honest about doubt, refused when stale."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.checkpoint import find_model, load_checkpoint
from core.errors import CheckpointError
from core.image import decode
from core.model_choice import (
    TABLE,
    Choice,
    ChoiceTable,
    ModelChooser,
    open_chooser,
    right_share,
    write_table,
)
from core.predictor import AutoPredictor, Predictor
from tests.tiny_checkpoint import save_tiny

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
OUTDOORS = {"building", "mountain_path", "old_town", "pavilion", "stream", "street"}
EITHER = {"porch"}  # outdoors, but all of it is a few metres away


class Redness(nn.Module):
    """An encoder whose only feature is how red a photo is."""

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image[:, :1]]


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

    def run(self, image: Tensor) -> list[Tensor]:
        height, width = image.shape[2:]
        return [torch.zeros(1, 1, height // 2**k, width // 2**k) for k in (4, 3, 2, 1, 0)]


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


def test_a_fitted_table_opens(folder: Path) -> None:
    assert open_chooser(folder).models == ("rooms", "streets")


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


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_a_damaged_table_is_refused(folder: Path, text: str) -> None:
    (folder / TABLE).write_text(text)
    with pytest.raises(CheckpointError, match="not usable"):
        open_chooser(folder)


def test_without_a_table_there_is_no_choice(folder: Path) -> None:
    (folder / TABLE).unlink()
    with pytest.raises(CheckpointError, match="choose a model by hand"):
        open_chooser(folder)


def test_shares_count_right_doubtful_and_wrong() -> None:
    choices = [Choice("o", 0.99), Choice("o", 0.6), Choice("i", 0.4), Choice("i", 0.01)]
    assert right_share(choices, outdoor=True) == {
        "photos": 4,
        "right": 0.5,
        "doubtful": 0.5,
        "wrong_without_doubt": 0.25,
    }


def test_the_shipped_table_says_how_it_was_measured() -> None:
    measured = open_chooser().table.measured
    assert all({"photos", "right", "doubtful"} <= set(share) for share in measured.values())
    assert asdict(open_chooser().table)["indoor"] == "lite-indoor"
