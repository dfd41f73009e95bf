"""Training on two processes under torchrun, killed in the middle and resumed."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from core.cli.main import UNUSABLE, main
from core.data.batches import Batches
from core.errors import ConfigError
from core.train.config import read_config

STEPS, SAVE_EVERY = 6, 2
RECIPE = """
name = "{name}"
out = "{out}"
size = [96, 128]
steps = 6
batch = 4
accumulate = 2
save_every = 2
imagenet = false
ema = 0.9
threads = 1
[model]
encoder = "efficientnet_lite0"
max_depth = 10.0
decoder_width = 128
[[train]]
dataset = "nyu"
root = "{root}"
"""


@pytest.fixture
def recipes(tmp_path: Path) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    for kind in ("rgb", "depth"):
        (tmp_path / "nyu" / "train" / kind).mkdir(parents=True)
    for index in range(6):
        folder = tmp_path / "nyu" / "train"
        rgb = rng.integers(0, 255, (120, 160, 3), np.uint8)
        Image.fromarray(rgb).save(folder / "rgb" / f"{index}.jpg")
        depth = rng.integers(1000, 6000, (120, 160)).astype(np.uint16)
        Image.fromarray(depth).save(folder / "depth" / f"{index}.png")
    paths = {}
    for name in ("whole", "killed"):
        paths[name] = tmp_path / f"{name}.toml"
        text = RECIPE.format(name=name, out=tmp_path / "runs", root=tmp_path / "nyu")
        paths[name].write_text(text)
    return paths


def start(recipe: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "core", "train", "--config", str(recipe), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, start_new_session=True)


def test_two_processes_killed_and_resumed_give_the_same_weights(
    recipes: dict[str, Path], tmp_path: Path
) -> None:
    whole = start(recipes["whole"])
    assert whole.wait(120) == 0

    state = tmp_path / "runs" / "killed" / "state.safetensors"
    killed = start(recipes["killed"])
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(30)
    assert not (state.parent / "killed-last.safetensors").exists(), "it was killed too late"

    resumed = start(recipes["killed"], "--resume")
    assert resumed.wait(120) == 0
    expected = load_file(tmp_path / "runs" / "whole" / "whole-last.safetensors")
    got = load_file(tmp_path / "runs" / "killed" / "killed-last.safetensors")
    assert expected.keys() == got.keys()
    assert all(torch.equal(value, got[key]) for key, value in expected.items())


def test_two_processes_learn_from_the_whole_batch(recipes: dict[str, Path], tmp_path: Path) -> None:
    # Without batch statistics (the encoder's are frozen), two halves of a batch give the gradient
    # of the whole; the decoder's norms see their own half, so only the data can be compared.
    plan = read_config(recipes["whole"]).plan
    whole, _ = Batches(plan).load(3)
    halves = [Batches(plan, rank, 2).load(3)[0] for rank in range(2)]
    assert torch.equal(torch.stack((halves[0], halves[1]), 1).flatten(0, 1), whole)


@pytest.mark.parametrize(
    ("batch", "accumulate"),
    [(4, 4), (6, 2), (1, 1)],
    ids=["fewer passes than asked", "passes of two sizes", "a process without images"],
)
def test_a_batch_without_equal_parts_is_refused(
    recipes: dict[str, Path], batch: int, accumulate: int
) -> None:
    """Its loss would be divided by the wrong number, or a process would wait for the other."""
    config = replace(read_config(recipes["whole"]), batch=4, accumulate=1)
    config.check_processes(2)
    with pytest.raises(ConfigError, match=f"batch {batch} and accumulate {accumulate} for 2"):
        replace(config, batch=batch, accumulate=accumulate).check_processes(2)


def test_every_process_refuses_it(
    recipes: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = recipes["whole"]
    recipe.write_text(recipe.read_text().replace("accumulate = 2", "accumulate = 4"))
    monkeypatch.setenv("WORLD_SIZE", "2")  # as torchrun tells it
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        assert main(["train", "--config", str(recipe)]) == UNUSABLE
        said = capsys.readouterr().err
        assert "batch 4 and accumulate 4 for 2 processes; expected a batch" in said
    assert not (tmp_path / "runs").exists()
