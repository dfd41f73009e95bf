"""Depth at the photo's size: smooth where it is smooth, with borders where the photo has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.imaging import upsample
from core.imaging.upsample import upsample_depth


def step_scene(factor: int = 8, column: int = 90) -> tuple[Tensor, Tensor, Tensor]:
    """A near wall left of `column` and a far one right of it, each of its own colour.

    Returns the true depth, the depth averaged over working pixels, and the photo.
    """
    truth = torch.full((96, 160), 4.0)
    truth[:, :column] = 2.0
    rgb = torch.full((96, 160, 3), 40, dtype=torch.uint8)
    rgb[:, :column] = 200
    low = functional.avg_pool2d(truth[None, None], factor)[0, 0]
    return truth, low, rgb


def bilinear(depth: Tensor, rgb: Tensor) -> Tensor:
    size = (rgb.shape[0], rgb.shape[1])
    return functional.interpolate(depth[None, None], size, mode="bilinear")[0, 0]


def test_depth_of_the_photos_size_passes_through() -> None:
    depth = torch.rand(20, 30) + 1
    assert upsample_depth(depth, torch.zeros(20, 30, 3, dtype=torch.uint8)) is depth


@pytest.mark.parametrize("column", [84, 88, 90, 93])
def test_a_border_falls_where_the_photo_has_it(column: int) -> None:
    truth, low, rgb = step_scene(column=column)
    error = (upsample_depth(low, rgb) - truth).abs().mean()
    assert error < 0.5 * (bilinear(low, rgb) - truth).abs().mean()


def test_texture_on_a_smooth_surface_leaves_no_trace() -> None:
    ramp = torch.linspace(3.0, 3.6, 20).expand(12, 20).contiguous()
    rng = np.random.default_rng(0)
    textured = torch.from_numpy(rng.integers(0, 256, (96, 160, 3), dtype=np.uint8))
    plain = torch.full_like(textured, 128)
    assert torch.equal(upsample_depth(ramp, textured), upsample_depth(ramp, plain))


def test_values_stay_between_those_around() -> None:
    generator = torch.Generator().manual_seed(0)
    depth = torch.rand(12, 20, generator=generator) * 8 + 1
    rgb = torch.randint(0, 256, (75, 133, 3), generator=generator, dtype=torch.uint8)
    full = upsample_depth(depth, rgb)
    assert full.shape == (75, 133)
    assert float(full.min()) >= float(depth.min())
    assert float(full.max()) <= float(depth.max())


def test_a_constant_stays_exactly_constant() -> None:
    full = upsample_depth(torch.full((6, 10), 2.5), torch.zeros(50, 91, 3, dtype=torch.uint8))
    assert torch.allclose(full, torch.full((50, 91), 2.5), rtol=1e-6)


def test_strips_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    _, low, rgb = step_scene()
    whole = upsample_depth(low, rgb)
    monkeypatch.setattr(upsample, "_STRIP_PIXELS", 160 * 7)
    assert torch.allclose(upsample_depth(low, rgb), whole, rtol=1e-6)


def test_a_photo_smaller_than_the_working_size_gets_averages() -> None:
    depth = torch.ones(64, 64)
    depth[:, ::2] = 3.0
    small = upsample_depth(depth, torch.zeros(16, 16, 3, dtype=torch.uint8))
    assert small.shape == (16, 16)
    assert float((small - 2).abs().max()) < 0.1


def test_one_side_larger_and_one_smaller() -> None:
    depth = torch.full((96, 32), 1.5)
    full = upsample_depth(depth, torch.zeros(400, 2, 3, dtype=torch.uint8))
    assert full.shape == (400, 2)
    assert torch.allclose(full, torch.full((400, 2), 1.5))
