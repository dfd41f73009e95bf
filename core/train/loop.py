"""Training: one resumable loop, on one process or on many (`torchrun`).

Every random draw comes from (seed, number of the draw), so a run that was killed continues from
its last state to the same weights it would have reached.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from core.atomic import check_own
from core.data import Sample
from core.data.augment import normalise
from core.data.batches import Batches, open_source
from core.engines.torch_engine import TorchEngine
from core.errors import ConfigError
from core.evaluate.metrics import DepthMetrics
from core.evaluate.protocol import PROTOCOLS
from core.evaluate.scoring import Estimate, evaluate
from core.model import LapDepth, LapDepthOutput, accumulate
from core.model.encoders import freeze_norm
from core.model.encoders.base import drop_blocks
from core.prediction import depth_of_levels
from core.train.config import TrainConfig
from core.train.losses import (
    absolute_loss,
    align_relative,
    edge_loss,
    gradient_loss,
    level_loss,
    log_difference,
    normal_loss,
    relative_loss,
    silog,
    sobel_loss,
)
from core.train.state import FILE, RunLog, TrainState, learning_rates, load_state, save_state
from core.weights.checkpoint import METADATA_KEY, SUFFIX, load_checkpoint, save_checkpoint
from core.weights.imagenet import load_imagenet_weights
from core.weights.model_info import ModelInfo, TrainingCamera

logger = logging.getLogger(__name__)

SATURATED = 0.95  # a residual beyond it sits in the flat part of tanh
LOG_EVERY = 20
DRAWS = 1 << 40  # seeds of a run's steps, apart from those of the next seed's
STATE = "state.safetensors"


def train(
    config: TrainConfig,
    *,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Runs a recipe to its end.

    Args:
        resume: continue from the run's last state, if there is one.
        progress: called with (steps done, steps in all).

    Returns:
        The run's folder: `state.safetensors`, `log.jsonl` (a line every 20 steps and after every
        validation), TensorBoard's events if the recipe asks for them, `NAME.safetensors` (the best
        by validation, else the last) and `NAME-last.safetensors`.

    Raises:
        DepthError: a recipe, dataset or state that cannot be used.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    rank, world, device = _join(config)
    folder = Path(config.out) / config.name
    folder.mkdir(parents=True, exist_ok=True)
    _check_free(folder, config.name)
    log = RunLog(folder, tensorboard=config.tensorboard and rank == 0)
    model = build(config).to(device)
    state = TrainState.start(model, config)
    if resume and (folder / STATE).exists():
        load_state(folder / STATE, state)
        logger.info("resumed at step %d", state.step)
    network: nn.Module = model
    if world > 1:
        if device.type == "cuda":
            for part in ("aspp", "decoder"):  # the encoder's norms are frozen
                synced = nn.SyncBatchNorm.convert_sync_batchnorm(getattr(model, part))  # type: ignore[no-untyped-call]
                setattr(model, part, synced)
        network = DistributedDataParallel(model)
    began, seen = time.monotonic(), 0
    for step, images, depths in Batches(config.plan, rank, world).from_step(state.step):
        to_training(config, model)
        rates = learning_rates(config.optimiser, step, config.steps)
        for group, rate in zip(state.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate
        torch.manual_seed(world * step + rank + config.seed * DRAWS)
        terms = optimise(config, network, state, images.to(device), depths.to(device))
        seen += len(images) * world
        if rank == 0:
            if state.step % LOG_EVERY == 0:
                speed = round(seen / (time.monotonic() - began), 2)
                log.write(state.step, {"images_per_s": speed, "lr": rates[1]} | terms)
            _keep(config, state, folder, log)
            if progress is not None:
                progress(state.step, config.steps)
        if world > 1:
            distributed.barrier()
    if world > 1:
        distributed.destroy_process_group()
    return folder


def build(config: TrainConfig) -> LapDepth:
    """The network at the start of a run: seeded, encoder pretrained, frozen parts frozen."""
    torch.manual_seed(config.seed)
    model = LapDepth(config.model)
    if config.init:
        start_from(model, config.init)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.imagenet and not config.init:
        load_imagenet_weights(model.encoder, config.encoder_weights or None)
    freeze_norm(model.encoder)
    if config.drop_blocks and not drop_blocks(model.encoder, config.drop_blocks):
        raise ConfigError(
            f"The recipe leaves out blocks of {config.model.encoder}, which has none that can be "
            "left out; expected an EfficientNet-Lite or a MobileNetV2. Remove drop_blocks."
        )
    for parameter in model.encoder.frozen_parameters():
        parameter.requires_grad_(False)
    _hold_still(config, model)
    if config.precision == "bf16" and not torch.cuda.is_available():
        _keep_depthwise_exact(model)
    return model


def to_training(config: TrainConfig, model: LapDepth) -> None:
    """Training mode, but for the norms that keep their statistics."""
    model.train()
    freeze_norm(model.encoder)  # the paper keeps the encoder's norms as pretrained
    if config.tune != "all":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _hold_still(config: TrainConfig, model: LapDepth) -> None:
    """Takes what the recipe does not train from the optimiser and from the backward pass."""
    if config.tune == "all":
        return
    model.encoder.requires_grad_(False)
    if config.tune == "decoder":
        return
    model.requires_grad_(False)
    for part in (model.aspp, model.decoder):
        for module in part.modules():
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                module.requires_grad_(True)
    for head in (model.decoder.coarsest, *(level.head for level in model.decoder.levels)):
        assert isinstance(head, nn.Module)  # noqa: S101 - for the type checker
        head.requires_grad_(True)


def start_from(model: LapDepth, checkpoint: str) -> None:
    """Takes over a checkpoint's weights; its depth range and focal length stay behind.

    Raises:
        CheckpointError: no such checkpoint.
        ConfigError: the checkpoint belongs to another network.
    """
    donor = load_checkpoint(checkpoint)[0]
    try:
        model.load_state_dict(donor.state_dict())
    except RuntimeError as error:
        raise ConfigError(
            f"The recipe starts from {checkpoint}, whose network has other parts ({donor.config}); "
            f"expected the recipe's {model.config}. Change [model] or init."
        ) from error


def total_loss(
    config: TrainConfig, output: LapDepthOutput, depths: Tensor, progress: float
) -> dict[str, Tensor]:
    """Every weighted term by name; their sum is what the optimiser sees.

    Args:
        output: the network's, of n images.
        depths: (n, 1, h, w), as `core.data.Sample.depth`.
        progress: share of the run that is done.
    """
    depths = align_relative(depths, output.depth, config.model.max_depth)
    valid = depths > 1e-3
    difference = log_difference(output.depth, depths, valid)
    weights = config.loss
    terms = {"silog": silog(difference, valid, equal_images=weights.equal_images)}
    if weights.levels:
        sums = accumulate(output.residuals)[:-1]
        coarse = [config.model.max_depth * torch.sigmoid(total) for total in sums]
        terms["levels"] = weights.levels * level_loss(
            coarse, depths, valid, equal_images=weights.equal_images
        )
    if weights.absolute:
        terms["absolute"] = weights.absolute * absolute_loss(difference, valid)
    if weights.relative:
        terms["relative"] = weights.relative * relative_loss(difference, valid)
    if weights.gradient:
        terms["gradient"] = weights.gradient * gradient_loss(difference, valid)
    if weights.sobel and progress >= weights.sobel_from:
        terms["sobel"] = weights.sobel * sobel_loss(output.depth, depths)
    if weights.edges:
        terms["edges"] = weights.edges * edge_loss(output.depth, depths, valid)
    if weights.normals:
        focal = (
            config.model.focal or config.card.camera_fx * config.size[0] / config.card.camera_height
        )
        terms["normals"] = weights.normals * normal_loss(output.depth, depths, valid, focal)
    return terms


def optimise(
    config: TrainConfig, network: nn.Module, state: TrainState, images: Tensor, depths: Tensor
) -> dict[str, float]:
    """One optimiser step on a batch; returns the loss terms and other figures for the log."""
    parts = config.accumulate
    figures: dict[str, float] = {}

    def add(key: str, value: Tensor) -> None:
        figures[key] = figures.get(key, 0.0) + float(value.detach()) / parts

    for image, depth in zip(images.chunk(parts), depths.chunk(parts), strict=True):
        nhwc = image.contiguous(memory_format=torch.channels_last)
        reduced = config.precision == "bf16"
        with torch.autocast(image.device.type, torch.bfloat16, enabled=reduced):
            output = network(nhwc)
        terms = total_loss(config, output, depth, state.step / config.steps)
        (torch.stack(list(terms.values())).sum() / parts).backward()  # type: ignore[no-untyped-call]
        for key, value in terms.items():
            add(key, value)
        residuals = torch.cat([r.flatten() for r in output.residuals[1:]])
        add("saturated", (residuals.abs() > SATURATED).float().mean())
    trained = [p for p in network.parameters() if p.requires_grad]
    limit = config.optimiser.clip or float("inf")
    figures["norm"] = float(nn.utils.clip_grad_norm_(trained, limit))
    state.optimiser.step()
    state.optimiser.zero_grad(set_to_none=True)
    if state.ema is not None:
        state.ema.update(state.model)
    state.step += 1
    return {key: round(value, 4) for key, value in figures.items()}


def validate(config: TrainConfig, weights: dict[str, Tensor]) -> DepthMetrics:
    """Scores weights on the recipe's validation set, without upsampling by edges or flips."""
    model = LapDepth(config.model).eval()
    model.load_state_dict(weights)
    engine = TorchEngine(model)  # the folded network, which is quicker
    dataset = open_source(config.val[0])
    if config.val_images:
        dataset = dataset[:: max(1, len(dataset) // config.val_images)]
    height, width = config.size

    def estimate(sample: Sample) -> Estimate:
        photo = Image.fromarray(sample.rgb)
        small = np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR))
        seen_focal = sample.fx * width / photo.width
        factor = seen_focal / config.model.focal if config.model.focal else 1.0
        residuals = engine.run(normalise(small)[None].numpy())
        metres = depth_of_levels(residuals, config.model.max_depth, factor)[-1]
        depth = Image.fromarray(metres[0, 0])
        return Estimate(np.asarray(depth.resize(photo.size, Image.Resampling.BILINEAR)))

    return evaluate(estimate, dataset, PROTOCOLS[config.protocol]).mean


def _check_free(folder: Path, name: str) -> None:
    """Lets a run write over an earlier one, and over nothing else.

    Raises:
        ConfigError: one of its files is there and is no file of a run.
    """
    check_own(folder / FILE, lambda head, _: not head or head.startswith(b'{"step": '))
    check_own(folder / STATE, lambda head, _: b'"__metadata__"' in head and b'"train"' in head)
    for stem in (name, f"{name}-last"):
        check_own(folder / f"{stem}{SUFFIX}", lambda head, _: METADATA_KEY.encode() in head)


def _keep(config: TrainConfig, state: TrainState, folder: Path, log: RunLog) -> None:
    """Saves what is due after a step: the state, and the checkpoints after a validation."""
    last = state.step == config.steps
    if config.val and (state.step % config.val_every == 0 or last):
        figures = validate(config, state.weights())
        log.write(state.step, {"validation": figures.as_dict()})
        if figures.abs_rel < state.best:
            state.best = figures.abs_rel
            _save(config, state, folder / f"{config.name}.safetensors")
    if state.step % config.save_every == 0 or last:
        save_state(folder / STATE, state)
    if last:
        _save(config, state, folder / f"{config.name}-last.safetensors")
        if not config.val:
            _save(config, state, folder / f"{config.name}.safetensors")


def _save(config: TrainConfig, state: TrainState, path: Path) -> None:
    card = config.card
    camera = TrainingCamera(card.camera_width, card.camera_height, card.camera_fx, card.camera_fy)
    info = ModelInfo(
        config=config.model,
        working_height=card.working_height or config.size[0],
        supervised_levels=config.loss.levels > 0,
        camera=camera,
        licence=card.licence,
        training_data=card.training_data,
        provenance={
            "origin": "trained with this project's own `train`",
            "recipe": f"{config.name}: {state.step} steps of {config.batch}, seed {config.seed}",
        },
    )
    save_checkpoint(path, state.weights(), info, half=True)


def _join(config: TrainConfig) -> tuple[int, int, torch.device]:
    """(rank, number of processes, device), joining the others where `torchrun` started us."""
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    config.check_processes(world)
    local = int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device(f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    if world > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return rank, world, device


def _keep_depthwise_exact(model: nn.Module) -> None:
    """Runs depthwise convolutions in float32 although the others run in bfloat16.

    On a CPU their backward pass is several times slower in bfloat16 than in float32.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:

            def forward(x: Tensor, inner: Callable[[Tensor], Tensor] = module.forward) -> Tensor:
                with torch.autocast("cpu", enabled=False):
                    return inner(x.float()).to(x.dtype)

            module.forward = forward  # type: ignore[assignment]
