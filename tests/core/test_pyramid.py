"""The Laplacian pyramid and the coarse-to-fine sum."""

import pytest
import torch

from core.model.pyramid import accumulate, laplacian_pyramid, reconstruct


def test_reconstruction_is_exact() -> None:
    image = torch.rand(2, 3, 64, 96, dtype=torch.float64)
    bands = laplacian_pyramid(image)
    assert [tuple(band.shape[2:]) for band in bands] == [
        (4, 6),
        (8, 12),
        (16, 24),
        (32, 48),
        (64, 96),
    ]
    assert torch.allclose(reconstruct(bands), image, atol=1e-14)


def test_bands_of_a_flat_image_are_zero() -> None:
    low, *bands = laplacian_pyramid(torch.full((1, 3, 32, 32), 0.25))
    assert torch.allclose(low, torch.full_like(low, 0.25))
    assert all(float(band.abs().max()) < 1e-7 for band in bands)


def test_finest_band_by_hand() -> None:
    # One bright pixel in a 16x16 black image. Its 2x2 cell averages to 1/4; bilinear doubling
    # gives the pixel 0.75 * 0.75 of its own cell's value, its neighbours being black.
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 4, 4] = 1.0
    band = laplacian_pyramid(image, levels=2)[1]
    assert float(band[0, 0, 4, 4]) == pytest.approx(1 - 0.25 * 0.75 * 0.75)


def test_accumulate_by_hand() -> None:
    residuals = [torch.full((1, 1, 2**k, 2**k), float(k + 1)) for k in range(3)]
    assert [float(total.mean()) for total in accumulate(residuals)] == [1.0, 3.0, 6.0]
    assert [float(t.mean()) for t in accumulate(residuals, [1.0, 0.0, 2.0])] == [1.0, 1.0, 7.0]
