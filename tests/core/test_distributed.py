"""Training on two processes, stopped in the middle and resumed."""

import os
import subprocess
import sys
from collections.abc import Callable
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


# One of two processes, told apart as by torchrun: a whole run, one that is stopped in its fourth
# step, and the rest of that one.
PROCESS = """
import os, sys
from pathlib import Path
from torch import distributed
from core.train import loop
from core.train.config import read_config
whole, killed, *ports = sys.argv[1:]
optimise, steps = loop.optimise, 0
def dying(*given):
    global steps
    steps += 1
    if steps == 4:
        raise KeyboardInterrupt
    return optimise(*given)
def run(recipe, **how):
    os.environ["MASTER_PORT"] = ports.pop()
    loop.train(read_config(Path(recipe)), **how)
run(whole)
loop.optimise = dying
try:
    run(killed)
except KeyboardInterrupt:
    distributed.destroy_process_group()
loop.optimise = optimise
run(killed, resume=True)
"""


def test_two_processes_stopped_and_resumed_give_the_same_weights(
    recipes: dict[str, Path], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    command = [sys.executable, "-c", PROCESS, *map(str, recipes.values())]
    command += [str(free_port()) for _ in range(3)]
    common = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2"}
    both = [subprocess.Popen(command, env=common | {"RANK": rank}) for rank in "01"]
    assert [process.wait(240) for process in both] == [0, 0]
    runs = tmp_path / "runs"
    expected = load_file(runs / "whole" / "whole-last.safetensors")
    got = load_file(runs / "killed" / "killed-last.safetensors")
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
