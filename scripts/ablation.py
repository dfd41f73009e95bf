"""Trains the network with one of the paper's ideas left out at a time, and scores every run.

    python -m scripts.ablation --data ../shared/data --runs runs/ablation --out docs/ablation
    python -m scripts.reference

Every variant is trained by `configs/ablation.toml` from two seeds and scored on `nyu/val`; the
figures of each image go to VARIANT-seedN.csv. Runs that are finished are left alone and a run that
was cut off goes on where it stopped, so the script can be killed and started again, and the two
seeds (`--seeds 0`, `--seeds 1`) can be left to two cores.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.data import DATA_VARIABLE
from core.evaluate.report import write_csv
from core.evaluate.run import EvaluationRequest, run_evaluation
from core.model import ModelConfig
from core.train.config import read_config
from core.train.loop import train

CONFIG = Path(__file__).parents[1] / "configs" / "ablation.toml"
SEEDS = (0, 1)


def variants(whole: ModelConfig) -> dict[str, ModelConfig]:
    """The whole network, and what is left when one idea is taken out of it."""
    return {
        "full": whole,
        "no bands": replace(whole, bands=False),
        "no dense ASPP": replace(whole, aspp_rates=()),
        "no weight standardisation": replace(whole, weight_standardisation=False),
        "one level": replace(whole, residuals=False),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and does what is left to do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--out", type=Path, default=Path("docs/ablation"))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ[DATA_VARIABLE] = str(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    recipe = read_config(CONFIG)
    for seed in options.seeds:
        for variant, model in variants(recipe.model).items():
            name = f"{variant.replace(' ', '-')}-seed{seed}"
            table = options.out / f"{name}.csv"
            if table.exists():
                continue
            run = replace(recipe, name=name, model=model, seed=seed, out=str(options.runs))
            checkpoint = train(run, resume=True) / f"{name}.safetensors"
            result = run_evaluation(
                EvaluationRequest("nyu", options.data / "nyu", model=str(checkpoint))
            )
            write_csv(result, table)
            logging.info("%s: AbsRel %.4f", name, result.mean.abs_rel)


if __name__ == "__main__":
    main()
