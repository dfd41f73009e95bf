"""What the ablation trains."""

from __future__ import annotations

from dataclasses import fields

from core.train.config import read_config
from scripts.ablation import CONFIG, variants


def test_a_variant_differs_from_the_whole_network_by_one_thing() -> None:
    whole = read_config(CONFIG).model
    changed = {
        name: [f.name for f in fields(whole) if getattr(model, f.name) != getattr(whole, f.name)]
        for name, model in variants(whole).items()
    }
    assert changed == {
        "full": [],
        "no bands": ["bands"],
        "no dense ASPP": ["aspp_rates"],
        "no weight standardisation": ["weight_standardisation"],
        "one level": ["residuals"],
    }
