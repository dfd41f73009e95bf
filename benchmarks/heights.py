"""How a model's metres shift when it sees photos at another height than its own.

python -m benchmarks.heights --model lite-indoor --photos "../shared/data/nyu/val/rgb/*.jpg"
"""

from __future__ import annotations

import argparse
import glob
import sys

import numpy as np

from core.predictor import load_predictor

SHARES = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 4 / 3, 3 / 2, 2.0, 8 / 3)


def main() -> None:
    """Prints the median depth at every height over that at the model's own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--photos", required=True, help="a pattern")
    parser.add_argument("--count", type=int, default=20, help="photos, evenly spread")
    options = parser.parse_args()
    files = sorted(glob.glob(options.photos, recursive=True))  # noqa: PTH207 - any pattern
    files = files[:: max(1, len(files) // options.count)][: options.count]
    predictor = load_predictor(options.model)
    own = predictor.info.working_height
    usual = [predictor(file).depth for file in files]
    sys.stdout.write(
        f"{options.model}, {len(files)} photos: height, share of {own}, median ratio, 10 %, 90 %\n"
    )
    for share in SHARES:
        height = round(own * share)
        if height < 96:
            continue
        ratios = [
            np.median(predictor(file, resolution=height).depth / depth)
            for file, depth in zip(files, usual, strict=True)
        ]
        low, middle, high = np.percentile(ratios, (10, 50, 90))
        sys.stdout.write(f"{height:5d} {share:5.2f} {middle:6.3f} {low:6.3f} {high:6.3f}\n")


if __name__ == "__main__":
    main()
