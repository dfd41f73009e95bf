"""Losses on borders and surfaces, on depth maps whose values are known by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.train.losses import edge_loss, normal_loss, surface_normals

HEIGHT, WIDTH, FOCAL = 96, 128, 120.0
U = torch.arange(WIDTH) - (WIDTH - 1) / 2


def step(column: int) -> Tensor:
    """(1, 1, h, w): 2 m before the column, 3 m from it on."""
    return torch.where(torch.arange(WIDTH) < column, 2.0, 3.0).expand(1, 1, HEIGHT, WIDTH)


def tilted(degrees: float) -> Tensor:
    """(1, 1, h, w): a plane through (0, 0, 2 m), turned about the vertical axis."""
    slope = math.tan(math.radians(degrees))
    return (2 / (1 - U / FOCAL * slope)).expand(1, 1, HEIGHT, WIDTH)


def everywhere(depth: Tensor) -> Tensor:
    return torch.ones_like(depth, dtype=torch.bool)


def test_an_edge_in_its_place_costs_least() -> None:
    truth = step(60)
    at = [float(edge_loss(step(60 + off), truth, everywhere(truth))) for off in (0, 1, 2)]
    flat = float(edge_loss(torch.full_like(truth, 2.5), truth, everywhere(truth)))
    assert at[0] < 0.05
    assert at[0] < at[1] < at[2]
    assert flat == pytest.approx(1.0, abs=0.01)


def test_an_edge_that_may_be_there_is_drawn() -> None:
    """Where the place is uncertain an L1 loss prefers no border; this one prefers to draw it."""
    truths = [step(60), step(61), step(62)]
    valid = everywhere(truths[0])
    drawn = sum(float(edge_loss(step(61), truth, valid)) for truth in truths)
    smooth = sum(float(edge_loss(step(61) * 0 + 2.5, truth, valid)) for truth in truths)
    assert drawn < smooth


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("degrees", [0.0, 15.0, 40.0])
def test_normals_of_a_plane(degrees: float, scale: int) -> None:
    normals = surface_normals(tilted(degrees).log(), scale, FOCAL)
    # z = 2 + x tan a: the normal towards the camera is (sin a, 0, -cos a).
    angle = math.radians(degrees)
    expected = torch.tensor([math.sin(angle), 0.0, -math.cos(angle)]).view(1, 3, 1, 1)
    assert torch.allclose(normals, expected.expand_as(normals), atol=0.02)


@pytest.mark.parametrize("degrees", [0.0, 20.0, 45.0])
def test_the_normal_loss_is_one_minus_the_cosine(degrees: float) -> None:
    truth = torch.full((1, 1, HEIGHT, WIDTH), 2.0)
    loss = float(normal_loss(tilted(degrees), truth, everywhere(truth), FOCAL))
    assert loss == pytest.approx(1 - math.cos(math.radians(degrees)), abs=0.01)


def test_normals_beside_true_edges_do_not_count() -> None:
    truth = step(64)
    blurred = torch.where((U + 0.5).abs() < 3, 2.5, truth)
    assert float(normal_loss(blurred, truth, everywhere(truth), FOCAL)) < 1e-3


@pytest.mark.parametrize("loss", ["edges", "normals"])
def test_gradients_are_finite_where_nothing_is_measured(loss: str) -> None:
    depth = torch.full((2, 1, HEIGHT, WIDTH), 2.0, requires_grad=True)
    nothing = torch.zeros(2, 1, HEIGHT, WIDTH)
    value = (
        edge_loss(depth, nothing, nothing > 0)
        if loss == "edges"
        else normal_loss(depth, nothing, nothing > 0, FOCAL)
    )
    value.backward()  # type: ignore[no-untyped-call]
    assert depth.grad is not None
    assert bool(torch.isfinite(depth.grad).all())
