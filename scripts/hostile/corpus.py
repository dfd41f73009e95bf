"""All odd and broken files together: `python -m scripts.hostile.corpus FOLDER` writes them."""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.hostile.bmps import bmps
from scripts.hostile.ffmpeg import ffmpeg
from scripts.hostile.jpegs import jpegs
from scripts.hostile.others import others
from scripts.hostile.pngs import pngs
from scripts.hostile.same import same
from scripts.hostile.tiffs import tiffs
from scripts.hostile.written import written


def corpus() -> dict[str, bytes]:
    """Content by file name; nothing depends on chance."""
    files: dict[str, bytes] = {}
    for source in (written, pngs, tiffs, jpegs, others, same, bmps, ffmpeg):
        for name, data in source():
            if name in files:
                raise ValueError(f"two files of the name {name}")
            files[name.replace(";", "-")] = data
    return files


def main() -> None:
    """Writes the files into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    files = corpus()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    print(f"{len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB, in {folder}")


if __name__ == "__main__":
    main()
