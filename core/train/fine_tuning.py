"""Fine-tuning on few frames: few weights are trained, and the result is blended with the start."""

from __future__ import annotations

from pathlib import Path

from core.data.augment import AugmentConfig
from core.data.batches import DataSource
from core.images.resize import working_size
from core.model import LapDepth
from core.train.config import LossConfig, OptimiserConfig, TrainConfig
from core.train.held_out import Parts, Usable
from core.weights.model_info import ModelInfo

BATCH, MOST_STEPS = 4, 600


def recipe(
    info: ModelInfo, data: Path, parts: Parts, usable: Usable, seed: int, out: Path
) -> TrainConfig:
    """How the decoder's norms and heads are trained, without the number of steps.

    Args:
        info: of the model to start from, its depth range already scaled.
        data: the folder of the frames.
        out: a folder for the run.
    """
    width, height = working_size(usable.shape, info.working_height)
    root = str(data.absolute())
    return TrainConfig(
        name="adapted",
        model=info.config,
        train=(DataSource("folder", root, frames=parts.learn),),
        val=(DataSource("folder", root, frames=parts.choose),),
        size=(height, width),
        batch=BATCH,
        steps=1,
        ema=0.97,
        save_every=MOST_STEPS,
        init=str(info.path),
        tune="light",
        out=str(out),
        seed=seed,
        protocol="folder",
        augment=AugmentConfig(
            zoom=(1.0, 1.15),
            # Turning takes nearest pixels: of a few measured points some would get lost.
            rotation=0.0 if usable.sparse else 1.5,
            gain=(0.93, 1.07),
            brightness=(0.8, 1.25),
            contrast=(0.85, 1.15),
            saturation=(0.8, 1.2),
            gamma=(0.85, 1.2),
            noise=2.0,
        ),
        loss=LossConfig(
            levels=0.5 if info.supervised_levels else 0.0,
            absolute=0.5,
            gradient=0.0 if usable.sparse else 0.5,
            equal_images=True,
        ),
        optimiser=OptimiserConfig(
            decoder_lr=1e-3, final=0.02, schedule="cosine", warmup=10, eps=1e-7, clip=5.0
        ),
    )


def mixed(old: LapDepth, new: LapDepth, mix: float) -> LapDepth:
    """The network with weights between those of two: `mix` 0 is the old one, 1 the new one."""
    trained = new.state_dict()
    between = LapDepth(old.config)
    between.load_state_dict({
        name: weight.lerp(trained[name], mix) if weight.is_floating_point() else weight
        for name, weight in old.state_dict().items()
    })  # fmt: skip
    return between.eval()
