"""What the built package holds beside its code: the shipped models and the example photos.

In the repository they lie beside the packages; `core/weights/registry.py` finds them in both. What
else lies in `checkpoints/` (imported weights, for instance) is not packed.
"""

import json
from pathlib import Path

from setuptools import find_packages, setup

MODELS, EXAMPLES = "core._shipped.checkpoints", "core._shipped.assets"
NAMES = json.loads(Path("checkpoints/registry.json").read_text(encoding="utf-8"))

setup(
    packages=[*find_packages(include=["core*", "app*"]), MODELS, EXAMPLES],
    package_dir={MODELS: "checkpoints", EXAMPLES: "assets"},
    package_data={
        MODELS: ["auto.json", "registry.json", *(f"{name}.*" for name in NAMES)],
        EXAMPLES: ["README.md", "examples/*.jpg", "examples/depth/*"],
        "core.files": ["colormaps.json"],
        "app.common": ["texts/*", "static/*"],
        "app.depth_page": ["static/*"],
        "app.explorer": ["formulas.toml", "icon.svg", "static/*", ".streamlit/*"],
    },
)
