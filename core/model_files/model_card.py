"""An installed model, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from core.model_files.model_info import ModelInfo


def facts(info: ModelInfo) -> dict[str, Any]:
    """All but the error model's tables, JSON-ready; the file's name without its folder."""
    about: dict[str, Any] = json.loads(info.to_json())
    file = info.path.name if info.path else None
    own = {"name": info.name, "file": file, "sha256": info.sha256}
    about["confidence"] = about.pop("error_model") is not None
    return own | {"max_depth": info.config.max_depth} | about


def card(info: ModelInfo) -> str:
    """A few lines of text for a terminal."""
    metric = "metric" if info.metric else "up to scale"
    config = info.config
    about = f"{metric}, up to {config.max_depth:g} m, {config.encoder}"
    lines = [
        f"{info.name}  ({about}, works at {info.working_height} px)",
        f"  licence   {info.licence}",
        f"  trained   {info.training_data}",
        *(f"  {key:<8}  {value}" for key, value in info.provenance.items()),
    ]
    for label, metrics in (("measured", info.measured), ("published", info.published)):
        lines += [f"  {label:<9} {name}: {_figures(value)}" for name, value in metrics.items()]
    return "\n".join([*lines, f"  sha256    {info.sha256}"])


def _figures(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{key} {_figures(inner)}" for key, inner in value.items())
