"""Training: recipes, augmentation that keeps depth right, and exact resumption."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data import Sample
from core.data.augment import AugmentConfig, training_view
from core.data.batches import Batches, DataSource, DrawOrder
from core.errors import ConfigError, ExportError
from core.model import ModelConfig
from core.train import loop as training
from core.train.config import LossConfig, OptimiserConfig, TrainConfig, read_config
from core.train.loop import train
from core.train.state import TrainState, learning_rates, save_state
from core.weights.checkpoint import load_checkpoint
from tests.core.full_disk import full_disk

CONFIGS = Path(__file__).parents[2] / "configs"
MODEL_AND_DATA = """
[model]
encoder = "efficientnet_lite0"
max_depth = 10.0
[[train]]
dataset = "nyu"
root = "nyu"
"""
STILL = AugmentConfig(rotation=0, flip=0, gain=(1, 1), brightness=(1, 1))


def frame(depth: float = 4.0, size: tuple[int, int] = (640, 480)) -> Sample:
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)
    metres = np.full((size[1], size[0]), depth, np.float32)
    return Sample(rgb, metres, 518.858, 519.47, 325.6, 253.7, "frame")


@pytest.fixture
def nyu_folder(tmp_path: Path) -> Path:
    """Six frames in the NYU layout: a ramp of depth under noise."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        for kind in ("rgb", "depth"):
            (tmp_path / "nyu" / split / kind).mkdir(parents=True)
        for index in range(count):
            rgb = rng.integers(0, 255, (480, 640, 3), np.uint8)
            ramp = np.linspace(1000, 6000 + 300 * index, 480).astype(np.uint16)
            folder = tmp_path / "nyu" / split
            Image.fromarray(rgb).save(folder / "rgb" / f"{index:04d}.jpg")
            Image.fromarray(np.repeat(ramp[:, None], 640, 1)).save(
                folder / "depth" / f"{index:04d}.png"
            )
    return tmp_path


def recipe(root: Path, out: Path) -> TrainConfig:
    return TrainConfig(
        name="tiny",
        model=ModelConfig("efficientnet_lite0", max_depth=10.0, decoder_width=128, focal=100.0),
        train=(DataSource("nyu", str(root / "nyu")),),
        val=(DataSource("nyu", str(root / "nyu"), "val"),),
        size=(96, 128),
        steps=5,
        batch=2,
        ema=0.9,
        save_every=2,
        val_every=5,
        imagenet=False,
        out=str(out),
        threads=1,
        augment=AugmentConfig(zoom=(1.0, 1.5), noise=4.0, gamma=(0.8, 1.2)),
        loss=LossConfig(levels=0.5, gradient=0.5, sobel=0.1, sobel_from=0.5),
        optimiser=OptimiserConfig(schedule="cosine", warmup=2, clip=5.0),
    )


def test_a_killed_run_resumes_to_the_same_weights(
    nyu_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(replace(recipe(nyu_folder, tmp_path / "whole"), drop_blocks=0.5))

    config = replace(recipe(nyu_folder, tmp_path / "broken"), drop_blocks=0.5)
    real = training.optimise
    done = 0

    def dying(*args: object) -> dict[str, float]:
        nonlocal done
        done += 1
        if done == 4:  # after the state of step 2, in the middle of the way to the next one
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "optimise", dying)
    with pytest.raises(KeyboardInterrupt):
        train(config)
    monkeypatch.setattr(training, "optimise", real)
    resumed = train(config, resume=True)

    expected, info = load_checkpoint(whole / "tiny-last.safetensors")
    got, _ = load_checkpoint(resumed / "tiny-last.safetensors")
    for key, value in expected.state_dict().items():
        assert torch.equal(value, got.state_dict()[key]), key
    assert info.working_height == 96
    assert info.supervised_levels
    assert info.config.focal == 100.0
    log = [json.loads(line) for line in (resumed / "log.jsonl").read_text().splitlines()]
    assert 0 < log[-1]["validation"]["rmse"] < 10


def test_training_learns_a_constant(nyu_folder: Path, tmp_path: Path) -> None:
    config = replace(
        recipe(nyu_folder, tmp_path / "out"),
        steps=20,
        val=(),
        augment=STILL,
        loss=LossConfig(),
        optimiser=OptimiserConfig(encoder_lr=1e-3, decoder_lr=3e-3, eps=1e-8),
    )
    folder = train(config)
    # Random pictures teach the mean depth and the ramp; the first loss is that of 0.5 * max_depth.
    log = json.loads((folder / "log.jsonl").read_text().splitlines()[0])
    assert log["silog"] < 4.5


def test_tensorboard_shows_the_figures_of_the_log(nyu_folder: Path, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = replace(recipe(nyu_folder, tmp_path / "out"), tensorboard=True)
    folder = train(config)
    shown = events.EventAccumulator(str(folder)).Reload()
    log = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    (figure,) = shown.Scalars("validation/rmse")
    assert (figure.step, figure.value) == (5, pytest.approx(log["validation"]["rmse"]))


def test_a_full_disk_keeps_the_last_state_and_says_so(tmp_path: Path) -> None:
    config = recipe(tmp_path, tmp_path)
    state, path = TrainState.start(training.build(config), config), tmp_path / "state.safetensors"
    path.write_bytes(b"the last one")
    with full_disk(20_000), pytest.raises(ExportError, match="state.safetensors could not be"):
        save_state(path, state)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(path.name, b"the last one")]


def test_zoom_divides_depth_without_a_canonical_focal() -> None:
    config = replace(STILL, zoom=(1.5, 1.5))
    _, depth = training_view(frame(4.0), (240, 320), None, config, np.random.default_rng(0))
    assert float(depth.mean()) == pytest.approx(4.0 / 1.5)


@pytest.mark.parametrize("zoom", [1.0, 1.6])
def test_canonical_focal_makes_depth_that_of_one_camera(zoom: float) -> None:
    # The view's focal length is 518.858 * 320 / (640 / zoom) = 259.429 * zoom pixels.
    config = replace(STILL, zoom=(zoom, zoom))
    _, depth = training_view(frame(4.0), (240, 320), 259.429, config, np.random.default_rng(0))
    assert float(depth.mean()) == pytest.approx(4.0 / zoom, rel=1e-5)


def test_flip_moves_picture_and_depth_together() -> None:
    sample = frame()
    sample.depth[:, :320] = 2.0
    sample.rgb[:, :320] = 0
    for flip in (0.0, 1.0):
        image, depth = training_view(
            sample, (240, 320), None, replace(STILL, flip=flip), np.random.default_rng(0)
        )
        dark = image.mean(0) < image.mean()
        assert float(depth[0][:, 10:150].mean()) == (4.0 if flip else 2.0)
        assert bool(dark[:, 10:150].float().mean() > 0.9) is not bool(flip)


def test_every_epoch_visits_every_frame_as_often_as_asked() -> None:
    sources = (DataSource("nyu", "a"), DataSource("nyu", "b", repeat=2))
    order = DrawOrder(sources, [3, 2], seed=1)
    first = sorted(order[n] for n in range(7))
    assert first == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 0), (1, 1), (1, 1)]
    assert sorted(order[n] for n in range(7, 14)) == first
    assert [order[n] for n in range(7)] != [order[n] for n in range(7, 14)]


def test_schedules_by_hand() -> None:
    paper = OptimiserConfig()
    # 1e-4 -> 1e-5 with power 0.5: half way 0.1 + 0.9 * sqrt(0.5).
    assert learning_rates(paper, 50, 100)[0] == pytest.approx(1e-4 * (0.1 + 0.9 * 0.5**0.5))
    cosine = OptimiserConfig(schedule="cosine", decoder_lr=1e-3, final=0.0, warmup=10)
    assert learning_rates(cosine, 50, 100)[1] == pytest.approx(5e-4)
    assert learning_rates(cosine, 0, 100)[1] == pytest.approx(1e-4)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes_are_readable(path: Path) -> None:
    assert read_config(path).name == path.stem


@pytest.mark.parametrize(
    "text",
    [
        "steps = 3",
        "name = 'x'\nspeed = 3\n" + MODEL_AND_DATA,
        "name = 'x'\nsize = [60, 80]\n" + MODEL_AND_DATA,
        "name = 'x'\nsize = [64, 96]\n" + MODEL_AND_DATA,
        "name = 'x'\nsteps = '3'\n" + MODEL_AND_DATA,
        "name = 'x'\naccumulate = 0\n" + MODEL_AND_DATA,
        "name = 'x'\nval_every = 0\n" + MODEL_AND_DATA,
        "name = 'x'\nprotocol = 'eigen'\n" + MODEL_AND_DATA,
        "name = 'x'\n" + MODEL_AND_DATA + "\n[optimiser]\nschedule = 'linear'",
        "this is not toml",
    ],
)
def test_unusable_recipes_are_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_config(path)


def test_a_recipe_is_its_base_but_for_what_it_says_itself(tmp_path: Path) -> None:
    own = "[loss]\ngradient = 2.0\nedges = 1.0\n"
    (tmp_path / "whole.toml").write_text(f'name = "whole"\nsteps = 7\n{MODEL_AND_DATA}{own}')
    (tmp_path / "next.toml").write_text('base = "whole.toml"\nname = "next"\n[loss]\nedges = 3.0')
    whole, after = (read_config(tmp_path / f"{name}.toml") for name in ("whole", "next"))
    assert after == replace(whole, name="next", loss=replace(whole.loss, edges=3.0))
    assert whole.loss.gradient == 2.0
    (tmp_path / "whole.toml").write_text('base = "next.toml"')
    with pytest.raises(ConfigError, match="not based on this one"):
        read_config(tmp_path / "next.toml")


def test_the_run_closes_on_calmer_views(nyu_folder: Path, tmp_path: Path) -> None:
    config = recipe(nyu_folder, tmp_path)
    wild = AugmentConfig(zoom=(3.0, 3.0), rotation=0, flip=0)
    plan = replace(config, augment=wild, closing=0.6, closing_augment=STILL).plan
    ramps = [Batches(plan).load(step)[1].amax((1, 2, 3)) for step in (2, 3)]
    # A third of the ramp is seen through the zoom of 3, all of it at the end.
    assert float(ramps[0].min() / ramps[1].min()) != pytest.approx(1, abs=0.1)
    still = Batches(replace(config, augment=STILL).plan).load(3)
    assert torch.equal(Batches(plan).load(3)[0], still[0])
