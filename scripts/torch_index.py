"""Prints the package index that torch is best taken from; nothing where pip's own is the best.

On Linux pip's usual torch is built for NVIDIA graphics cards and needs several gigabytes. Without
such a card the index of PyTorch's makers for CPUs has a small one. Where that index cannot be
reached, as behind a company's mirror, pip's own settings decide.
"""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SECONDS = 5.0  # to wait for an answer
_CARDS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")  # the last: under WSL


def has_card(places: tuple[str, ...] = _CARDS) -> bool:
    """Whether an NVIDIA driver is loaded."""
    return any(Path(place).exists() for place in places)


def reached(index: str, seconds: float = SECONDS) -> bool:
    """Whether the index answers."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=seconds) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def main() -> None:
    """Prints the index, and on the other stream what is taken and why."""
    if not sys.platform.startswith("linux"):
        return
    if has_card():
        said = "there is an NVIDIA driver: torch comes from pip's own index, built for CUDA"
    elif reached(CPU_INDEX):
        sys.stdout.write(f"{CPU_INDEX}\n")
        said = f"there is no NVIDIA driver: the small torch for CPUs comes from {CPU_INDEX}"
    else:
        said = f"{CPU_INDEX} does not answer: torch comes from pip's own index"
    sys.stderr.write(f"torch: {said} (TORCH_INDEX=... names another)\n")


if __name__ == "__main__":
    main()
