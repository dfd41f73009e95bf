"""Lays out a Hugging Face Space: what the Dockerfile copies, the Dockerfile, and the Space's own.

    python -m scripts.space build/space
    hf upload USER/NAME build/space . --repo-type space

A Space shows one port, so it runs the depth page alone, and lets huggingface.co frame it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN = {"deploy/space/README.md": "README.md", "deploy/space/gitattributes": ".gitattributes"}
SETTINGS = {"LAPDEPTH_PAGES": "depth", "LAPDEPTH_FRAMES": "https://huggingface.co"}
_COPY = re.compile(r"^COPY ((?:[^\\\n]|\\\n)+)", re.MULTILINE)
# Hidden files of editors and systems stay behind; `.streamlit` belongs to the explorer.
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".[!s]*")


def copied(dockerfile: str) -> list[str]:
    """The paths that a Dockerfile copies from the repository."""
    lines = _COPY.findall(dockerfile)
    return [path for line in lines for path in line.replace("\\\n", " ").split()[:-1]]


def lay_out(target: Path) -> None:
    """Writes the Space.

    Args:
        target: a folder that does not exist yet.

    Raises:
        FileExistsError: it does.
    """
    target.mkdir(parents=True)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for path in copied(dockerfile):
        source, destination = ROOT / path, target / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, destination, ignore=_LEFT_OUT)
        else:
            shutil.copy(source, destination)
    settings = " \\\n    ".join(f"{name}={value}" for name, value in SETTINGS.items())
    (target / "Dockerfile").write_text(f"{dockerfile}\n# The Space's own.\nENV {settings}\n")
    shutil.copy(ROOT / ".dockerignore", target)
    for source, name in OWN.items():
        shutil.copy(ROOT / source, target / name)


def main() -> int:
    """Exit status 0; 1 where the folder is already there."""
    parser = argparse.ArgumentParser(prog="python -m scripts.space", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to; must not exist")
    folder: Path = parser.parse_args().folder
    try:
        lay_out(folder)
    except FileExistsError:
        print(f"{folder} is there already; expected a new folder: remove it.", file=sys.stderr)
        return 1
    print(f"wrote {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
