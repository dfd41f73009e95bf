"""The map of the network: this photo's own tensors, and a way to the page about each."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.common.translations import t
from app.explorer.page_table import PAGES
from tests.app.explorer_app import HEIGHT, WIDTH, groups_of_maps, opened, sound

pytestmark = pytest.mark.usefixtures("explorer_models")


def test_the_map_shows_every_block_with_its_size_and_its_page() -> None:
    app = opened()
    before = len(app.get("page_link"))
    app.toggle(key="net").set_value(True)
    sound(app.run())
    captions = [entry.value for entry in app.main.caption]
    assert f"3 x {HEIGHT} x {WIDTH}" in captions
    for stride in (16, 8, 4, 2, 1):  # the residuals
        assert f"1 x {HEIGHT // stride} x {WIDTH // stride}" in captions
    for stride in (2, 4, 8, 16):  # the encoder's features
        size = f" x {HEIGHT // stride} x {WIDTH // stride}"
        assert any(words.endswith(size) and not words.startswith("1 x") for words in captions)
    assert len(app.get("page_link")) - before >= 1 + 4 + 5 + 4 + 5 + 1
    links = {entry.proto.page for entry in app.get("page_link")}
    assert links <= {*(page.key for page in PAGES), ""}
    assert app.query_params["net"] == "1"


def test_a_pixel_is_followed_back_to_the_photo() -> None:
    app = opened(net="1", px="75", py="25")
    groups = groups_of_maps(app)
    (path,) = (group for group in groups if group["name"] == "path")
    stages = [item["title"].partition(":")[0] for item in path["maps"]]
    assert stages == ["1/2", "1/4", "1/8", "1/16", "ASPP", t("map.depth", "en")]
    seen = [np.isfinite(item["values"]) for item in path["maps"]]
    for here in seen:  # strongest where the pixel is
        assert here[
            round(0.25 * HEIGHT) - 8 : round(0.25 * HEIGHT) + 8, round(0.75 * WIDTH) - 8 :
        ].any()
    shares = [here.mean() for here in seen[:4]]
    assert shares == sorted(shares)  # every stage of the encoder sees more than the one before
    # What 1/2 sees is the gradient of that feature, computed again.
    view = app.session_state["session view"]
    image = view.image.clone().requires_grad_(True)
    feature = view.inspector.model.encoder(image)[-1]
    height, width = feature.shape[-2:]
    feature[0, :, int(0.25 * height), int(0.75 * width)].sum().backward()
    assert image.grad is not None
    strength = image.grad[0].abs().sum(0)
    assert torch.equal(torch.from_numpy(seen[0]), strength > 1e-4 * strength.max())
    pins = {tuple(item["line"][0]) for group in groups for item in group["maps"] if item["line"]}
    assert pins == {(0.75 * WIDTH, 0.25 * HEIGHT, "")}  # in every block
    assert {tuple(group["maps"][0]["size"]) for group in groups} == {(WIDTH, HEIGHT)}
    app.slider(key="px").set_value(10)
    sound(app.run())
    (moved,) = (group for group in groups_of_maps(app) if group["name"] == "path")
    assert not np.array_equal(np.isfinite(moved["maps"][0]["values"]), seen[0])
