"""Depth at the photo's size: smooth where it is smooth, with borders where the photo has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core import threads as core_threads
from core.images import upsample
from core.images.resize import cubic, resample
from core.images.upsample import Guide, upsample_depth


def upsampled(depth: Tensor, rgb: Tensor) -> Tensor:
    guide = Guide(rgb.numpy(), (depth.shape[1], depth.shape[0]))
    return torch.from_numpy(upsample_depth(depth.numpy(), guide))


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


@pytest.mark.parametrize("column", [84, 88, 90, 93])
def test_a_border_falls_where_the_photo_has_it(column: int) -> None:
    truth, low, rgb = step_scene(column=column)
    error = (upsampled(low, rgb) - truth).abs().mean()
    assert error < 0.5 * (bilinear(low, rgb) - truth).abs().mean()


def test_texture_on_a_smooth_surface_leaves_no_trace() -> None:
    ramp = torch.linspace(3.0, 3.6, 20).expand(12, 20).contiguous()
    rng = np.random.default_rng(0)
    textured = torch.from_numpy(rng.integers(0, 256, (96, 160, 3), dtype=np.uint8))
    plain = torch.full_like(textured, 128)
    assert torch.equal(upsampled(ramp, textured), upsampled(ramp, plain))


def test_values_stay_between_those_around() -> None:
    generator = torch.Generator().manual_seed(0)
    depth = torch.rand(12, 20, generator=generator) * 8 + 1
    rgb = torch.randint(0, 256, (75, 133, 3), generator=generator, dtype=torch.uint8)
    full = upsampled(depth, rgb)
    assert full.shape == (75, 133)
    assert float(full.min()) >= float(depth.min())
    assert float(full.max()) <= float(depth.max())


def test_pieces_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    _, low, rgb = step_scene()
    whole = upsampled(low, rgb)
    monkeypatch.setattr(upsample, "_AT_A_TIME", 7)
    assert torch.equal(upsampled(low, rgb), whole)


def test_the_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    depth = torch.rand(48, 64, generator=generator) * 8 + 1
    rgb = torch.randint(0, 256, (601, 803, 3), generator=generator, dtype=torch.uint8)
    monkeypatch.setattr(upsample, "_AT_A_TIME", 5000)
    results = []
    for threads in (1, 2):
        monkeypatch.setattr(core_threads, "usable_threads", lambda count=threads: count)
        results.append(upsampled(depth, rgb))
    assert torch.equal(*results)


def by_the_definition(depth: Tensor, bounds: Tensor, rgb: Tensor, seen: Tensor) -> Tensor:
    """What the module's text says, pixel by pixel; step 2 alone, on top of cubic interpolation."""
    (h, w), (height, width) = depth.shape, rgb.shape[:2]
    full = torch.from_numpy(resample(depth.numpy(), height, width, cubic)).double()
    around = functional.pad(bounds[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    low = around.unfold(0, 3, 1).unfold(1, 3, 1).amin((2, 3))
    high = around.unfold(0, 3, 1).unfold(1, 3, 1).amax((2, 3))
    share = ((torch.log(high / low) - 0.05) / 0.10).clamp(0, 1)
    for y in range(height):
        for x in range(width):
            v = min(max((y + 0.5) * h / height - 0.5, 0), h - 1)
            u = min(max((x + 0.5) * w / width - 0.5, 0), w - 1)
            seen_share, total, mean = 0.0, 0.0, 0.0
            for row, down in ((int(v), 1 - v % 1), (min(int(v) + 1, h - 1), v % 1)):
                for column, right in ((int(u), 1 - u % 1), (min(int(u) + 1, w - 1), u % 1)):
                    unlike = (rgb[y, x].double() - seen[row, column].double()) / 255
                    like = math.exp(-float(unlike @ unlike) / (2 * 0.1**2)) + 1e-3
                    seen_share += down * right * float(share[row, column])
                    total += down * right * like
                    mean += down * right * like * float(depth[row, column])
            if seen_share > 0:
                value = (1 - seen_share) * float(full[y, x]) + seen_share * mean / total
                place = int((y + 0.5) * h / height), int((x + 0.5) * w / width)
                full[y, x] = min(max(value, float(low[place])), float(high[place]))
    return full.float()


@pytest.mark.parametrize("size", [(31, 45), (16, 20), (17, 61), (41, 23)])
def test_it_is_what_it_says(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    depth = 4 + 0.2 * torch.rand(16, 20, generator=generator)
    depth[5:9, 8:] = 7.0
    depth[12:, :5] = 2.0
    rgb = torch.randint(0, 256, (*size, 3), generator=generator, dtype=torch.uint8)
    seen = torch.randint(0, 256, (16, 20, 3), generator=generator, dtype=torch.uint8)
    given = [each.numpy() for each in (depth, rgb, seen)]
    got = torch.from_numpy(upsample._Upsampling(*given).full(depth.numpy()))
    assert torch.allclose(got, by_the_definition(depth, depth, rgb, seen), rtol=1e-5)


def test_a_photo_smaller_than_the_working_size_gets_averages() -> None:
    depth = torch.ones(64, 64)
    depth[:, ::2] = 3.0
    small = upsampled(depth, torch.zeros(16, 16, 3, dtype=torch.uint8))
    assert small.shape == (16, 16)
    assert float((small - 2).abs().max()) < 0.1
