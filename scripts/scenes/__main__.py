"""Writes the rendered examples: python -m scripts.scenes [NAME...] [--out DIR].

For every scene NAME: NAME.jpg (with the 35 mm equivalent focal length in its EXIF), depth/NAME.png
(uint16, exact z-depth times `scale` of depth/NAME.json, 0 where there is nothing) and
depth/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from scripts.scenes import room, street
from scripts.scenes.render import Camera, render_colour, render_depth

SCENES: dict[str, tuple[ModuleType, int]] = {"room": (room, 1000), "street": (street, 256)}
FOCAL_35MM = 0xA405
EXIF_IFD = 0x8769


def write(name: str, folder: Path) -> None:
    """Renders one scene and writes its three files."""
    module, scale = SCENES[name]
    scene, camera = module.build(), module.CAMERA
    depth = np.round(render_depth(scene, camera) * scale)
    if depth.max() > np.iinfo(np.uint16).max:
        raise ValueError(f"{name}: {depth.max() / scale:.1f} m do not fit 16 bits at {scale}/m")
    truth = folder / "depth"
    truth.mkdir(parents=True, exist_ok=True)
    Image.fromarray(depth.astype(np.uint16)).save(truth / f"{name}.png", optimize=True)
    colour = np.round(render_colour(scene, camera) * 255).astype(np.uint8)
    picture = Image.fromarray(colour)
    picture.save(folder / f"{name}.jpg", quality=88, exif=_exif(picture, camera))
    facts = {
        "depth": f"{name}.png",
        "scale": scale,
        "unit": "1/scale metre, z-depth; 0 = nothing there",
        "width": camera.width,
        "height": camera.height,
        "fx": camera.focal,
        "fy": camera.focal,
        "cx": (camera.width - 1) / 2,
        "cy": (camera.height - 1) / 2,
        "camera_height": module.FLOOR,
    }
    (truth / f"{name}.json").write_text(json.dumps(facts, indent=2) + "\n")


def _exif(picture: Image.Image, camera: Camera) -> Image.Exif:
    diagonal = math.hypot(camera.width, camera.height)
    exif = picture.getexif()
    exif.get_ifd(EXIF_IFD)[FOCAL_35MM] = round(camera.focal * math.hypot(36, 24) / diagonal)
    return exif


def main() -> None:
    """Renders the scenes that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*SCENES], metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("assets/examples"))
    arguments = parser.parse_args()
    for name in arguments.names:
        write(name, arguments.out)


if __name__ == "__main__":
    main()
