"""The authors' checkpoints as data: how they name their tensors, and what is stated about them.

The names are regular (a level's prefix is the level above's with `_1` added), so rules with numbers
filled in give them all. Every name in the files begins with `module.`, since the authors trained
with DataParallel. Nothing else of the release is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import CheckpointError
from core.weights.model_info import TrainingCamera

ENCODER_NAME = "resnext101_32x8d"
WRAPPER = "module."  # DataParallel's
ENCODER = ("encoder.", "encoder.encoder.")  # the backbone's own names follow, the same in both
LEVELS = 4  # 1/8, 1/4, 1/2, 1/1
HEADS = (3, 2, 1, 2)  # convolutions in each level's head
COARSEST = 5  # convolutions of the coarsest level
BRANCHES = (3, 6, 12, 18)  # dilations, each a 1x1 and a 3x3

Block = tuple[str, str]


def _blocks() -> Iterable[tuple[Block, bool]]:
    """(our block, the release's) of every norm + convolution; True where the block upsamples."""
    for index, rate in enumerate(BRANCHES):
        for part in range(2):
            yield (f"aspp.branches.{index}.{part}", f"decoder.ASPP.aspp_d{rate}.{part}"), False
    yield ("aspp.merge", "decoder.ASPP.reduction2"), False
    for index in range(COARSEST):
        yield (f"decoder.coarsest.{index}", f"decoder.decoder1.{index}"), False
    for level in range(LEVELS):
        ours, theirs = f"decoder.levels.{level}", "decoder.decoder2" + "_1" * level
        yield (f"{ours}.up", f"{theirs}_up{level + 1}"), True
        if level < LEVELS - 1:  # the finest level has no skip to fuse
            yield (f"{ours}.fuse", f"{theirs}_reduc{level + 1}"), False
        yield (f"{ours}.refine", f"{theirs}_1"), False
        for index in range(HEADS[level]):
            yield (f"{ours}.head.{index}", f"{theirs}_{index + 2}"), False


def _prefixes() -> dict[str, str]:
    """Our module -> the release's, for every module that holds tensors below the encoder."""
    table = {"aspp.reduce": "decoder.ASPP.reduction1"}
    for (ours, theirs), upsamples in _blocks():
        norm, conv = ("norm", "conv") if upsamples else ("module.0", "module.2")
        table[f"{ours}.norm"] = f"{theirs}.{norm}"
        table[f"{ours}.conv"] = f"{theirs}.{conv}"
    return table


def release_key(name: str) -> str:
    """The release's name, without `module.`, of one of our network's tensors.

    Raises:
        CheckpointError: the release's network has no such tensor.
    """
    ours, theirs = ENCODER
    if name.startswith(ours):
        return theirs + name.removeprefix(ours)
    module, _, tensor = name.rpartition(".")
    if module not in _PREFIXES:
        raise CheckpointError(
            f"The authors' network has no tensor for {name!r}; expected the paper's network "
            "(level-5 decoder, dense ASPP). Import with its configuration."
        )
    return f"{_PREFIXES[module]}.{tensor}"


_PREFIXES = _prefixes()


@dataclass(frozen=True)
class Release:
    """What the paper and the release state about the files of one data set."""

    max_depth: float
    working_height: int
    camera: TrainingCamera
    training_data: str
    published: Mapping[str, Mapping[str, Mapping[str, float]]]  # norm -> data set -> metric


# Metrics as the paper and the release's page state them.
RELEASES: dict[str, Release] = {
    "kitti": Release(
        max_depth=80.0,
        working_height=352,
        camera=TrainingCamera(1242, 375, 721.5377, 721.5377),
        training_data="KITTI raw, Eigen training split: streets from a car",
        published={
            "batch": {
                "KITTI Eigen, cap 80 m": {
                    "abs_rel": 0.059,
                    "sq_rel": 0.201,
                    "rmse": 2.397,
                    "rmse_log": 0.090,
                    "delta1": 0.965,
                    "delta2": 0.995,
                    "delta3": 0.999,
                }
            },
            "group": {
                "KITTI Eigen, cap 80 m": {
                    "abs_rel": 0.059,
                    "sq_rel": 0.209,
                    "rmse": 2.489,
                    "rmse_log": 0.091,
                    "delta1": 0.961,
                    "delta2": 0.994,
                    "delta3": 0.999,
                }
            },
        },
    ),
    "nyu": Release(
        max_depth=10.0,
        working_height=432,
        camera=TrainingCamera(640, 480, 518.858, 519.470),
        training_data="NYU Depth V2, official training scenes: rooms",
        published={
            "batch": {
                "NYU Depth V2, 654 test images": {
                    "abs_rel": 0.105,
                    "rmse": 0.384,
                    "log10": 0.045,
                    "delta1": 0.895,
                    "delta2": 0.983,
                    "delta3": 0.996,
                }
            },
        },
    ),
}
