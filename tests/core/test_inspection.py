import dataclasses

import pytest
import torch

from core.inspect.activations import (
    before_relu,
    block_input,
    blocks,
    compare_orders,
    filters,
    variant,
)
from core.inspect.features import (
    cascade_taps,
    principal_colours,
    spatial_pyramid_pool,
    strongest_channels,
    taps,
)
from core.inspect.inspection import Inspector
from core.inspect.receptive_field import cells_seen, receptive_field
from core.model import LapDepth, accumulate
from tests.tiny_checkpoint import calibrated, pictures, tiny_config


@pytest.fixture(scope="module", params=["dense", "classic"])
def inspector(request):
    rates = (3, 6, 12, 18) if request.param == "dense" else (1, 2)
    config = tiny_config(aspp=request.param, aspp_rates=rates, global_context=True)
    return Inspector(calibrated(config))


@pytest.fixture(scope="module")
def image():
    return pictures(1, 96, 128, 7)


def test_a_trace_holds_what_the_modules_pass_to_each_other(inspector, image):
    trace = inspector.trace(image)
    model = inspector.model
    with torch.inference_mode():
        assert torch.equal(trace.output.depth, model(image).depth)
        assert [f.shape[-2:] for f in trace.features] == [(6, 8), (12, 16), (24, 32), (48, 64)]
        assert torch.equal(model.aspp(trace.features[0]), trace.context)
        level = model.decoder.levels[1]
        assert torch.equal(trace.fused[1][:, -3:], trace.output.bands[2])
        feature = level.refine(trace.fused[1])
        residual = torch.tanh(level.head(feature) + 0.1 * trace.output.bands[2].mean(1, True))
    assert torch.allclose(residual, trace.output.residuals[2], atol=1e-6)


def test_looking_leaves_no_hook_behind(inspector, image):
    trace = inspector.trace(image)
    inspector.occlude(trace, 0)
    inspector.occlude_branches(trace)
    receptive_field(inspector, image, ["aspp"], 0.5, 0.5)
    for module in inspector.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


@pytest.mark.parametrize("level", range(4))
def test_hiding_an_input_changes_the_depth_as_a_network_without_it_would(inspector, image, level):
    trace = inspector.trace(image)
    effects = {effect.name: effect.change for effect in inspector.occlude(trace, level, "zero")}
    expected = {"feature", "skip", "residual", "band"} - ({"skip"} if level == 3 else set())
    assert set(effects) == expected
    assert all(change.abs().max() > 1e-4 for change in effects.values())
    bands = list(trace.output.bands)
    bands[level + 1] = torch.zeros_like(bands[level + 1])
    with torch.inference_mode():
        residuals = inspector.model.decoder(trace.context, trace.features[1:], bands[1:])
        depth = inspector.model.depth_of(accumulate(residuals)[-1])
    assert torch.allclose(depth - trace.output.depth, effects["band"], atol=1e-6)


def test_hiding_a_branch_from_aspp(inspector, image):
    trace = inspector.trace(image)
    names = [effect.name for effect in inspector.occlude_branches(trace, "zero")]
    assert names == ["reduced", *(f"branch{i}" for i in range(len(trace.branches))), "pooling"]
    by_mean = {e.name: e.change.abs().max() for e in inspector.occlude_branches(trace, "mean")}
    assert by_mean["pooling"] < 1e-5  # the same everywhere, so its mean is itself
    assert by_mean["reduced"] > 1e-4


def test_the_receptive_field_is_the_gradient(inspector, image):
    """Against finite differences, in float64 so that small steps can be told apart."""
    model = LapDepth(inspector.model.config).eval()
    model.load_state_dict(inspector.model.state_dict())
    model.double()
    picture = image.double()
    field = receptive_field(Inspector(model), picture, ["aspp"], 0.5, 0.5)["aspp"]
    y, x = divmod(int(field.argmax()), field.shape[1])

    def output(at):
        return float(model.aspp(model.encoder(at)[0])[0, :, 3, 4].sum())

    step, total = 1e-6, 0.0
    with torch.inference_mode():
        for channel in range(3):
            ahead, behind = picture.clone(), picture.clone()
            ahead[0, channel, y, x] += step
            behind[0, channel, y, x] -= step
            total += abs(output(ahead) - output(behind)) / (2 * step)
    assert total == pytest.approx(float(field[y, x]), rel=1e-4)


def test_dilated_branches_read_exactly_the_cells_of_their_rates():
    config = tiny_config(aspp="classic", aspp_rates=(1, 2))
    model = calibrated(config)
    feature = torch.randn(1, model.encoder.channels[0], 13, 15)
    for branch, rate in enumerate(config.aspp_rates):
        seen = cells_seen(model.aspp, feature, branch, 6, 7) > 0
        assert {(y - 6, x - 7) for y, x in seen.nonzero().tolist()} <= set(taps(rate))
        assert seen.sum() == 9


def test_dense_branches_read_the_cascade_of_rates():
    model = calibrated(tiny_config(aspp="dense", aspp_rates=(1, 2)))
    feature = torch.randn(1, model.encoder.channels[0], 13, 15)
    seen = cells_seen(model.aspp, feature, 1, 6, 7) > 0
    offsets = {(y - 6, x - 7) for y, x in seen.nonzero().tolist()}
    assert offsets == set(cascade_taps((1, 2), 1))
    assert len(offsets) == 49  # {-3..3} squared: the holes of rate 2 are filled by rate 1


def test_pooled_vectors_have_one_length_and_hold_the_largest_values():
    small, large = torch.randn(5, 4, 6), torch.randn(5, 17, 31)
    assert len(spatial_pyramid_pool(small)) == len(spatial_pyramid_pool(large)) == 5 * 21
    vector = spatial_pyramid_pool(large)
    assert torch.equal(vector[:5], large.amax((1, 2)))
    quarter = spatial_pyramid_pool(torch.arange(16.0).view(1, 4, 4), (2,))
    assert quarter.tolist() == [5, 7, 13, 15]


def test_principal_colours_find_the_directions_of_variation():
    v, u = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 30), indexing="ij")
    feature = torch.stack([5 * u, 5 * u, v, 0 * u])
    colours, shares = principal_colours(feature)
    assert colours.shape == (20, 30, 3)
    assert shares[0] > 0.95
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    red = colours[..., 0]
    assert torch.allclose(red, red[:1].expand_as(red), atol=1e-4)  # the first follows u alone
    assert red[0, -1] > 0.9
    flat, _ = principal_colours(torch.ones(3, 4, 4))
    assert (flat == 0.5).all()
    assert principal_colours(torch.randn(2, 5, 5))[0].shape == (5, 5, 3)
    assert strongest_channels(feature, 2).tolist() == [0, 1]


def test_variants_with_and_without_standardisation(inspector, image):
    model = inspector.model
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    without = variant(model, standardised=False)
    expected = LapDepth(dataclasses.replace(model.config, weight_standardisation=False)).eval()
    expected.load_state_dict(model.state_dict())
    with torch.inference_mode():
        assert torch.equal(without(image).depth, expected(image).depth)
        assert not torch.allclose(without(image).depth, model(image).depth)
    calibrated_here = variant(model, standardised=False, calibrate_on=image)
    before, _ = before_relu(calibrated_here, image)
    spreads = torch.tensor([units.spread for units in before])
    raw = torch.tensor([units.spread for units in before_relu(without, image)[0]])
    assert (spreads - 1).abs().mean() < (raw - 1).abs().mean()
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())


def test_units_count_what_relu_cuts_off(inspector, image):
    model = variant(inspector.model, standardised=True)
    name = "decoder.levels.0.refine"
    block = blocks(model)[name]
    with torch.no_grad():
        block.norm.weight[:4] = 0
        block.norm.bias[:4] = -1
    found = {units.name: units for units in before_relu(model, image)[0]}
    reached = block.norm(block_input(model, image, name))
    assert found[name].dead * found[name].channels >= 4
    assert found[name].zero == pytest.approx(float((reached <= 0).float().mean()))
    assert found[name].spread == pytest.approx(float(reached.std(correction=0)), rel=1e-4)
    assert list(found) == [n for n in found if n in blocks(model)]
    assert len(found) == len(blocks(model))


def test_both_orders_use_the_blocks_own_filters(inspector, image):
    name = "decoder.levels.0.refine"
    block = blocks(inspector.model)[name]
    x = block_input(inspector.model, image, name)
    orders = compare_orders(block, x, standardised=True)
    assert orders["post"].output_negative == 0
    assert orders["pre"].output_negative > 0
    assert orders["pre"].units.mean == pytest.approx(0, abs=1e-4)
    # A block whose norm already has this input's statistics does what "pre" does.
    with torch.inference_mode():
        weight, standard = filters(block)
        normed = (x - x.mean((0, 2, 3), keepdim=True)) / (
            x.var((0, 2, 3), keepdim=True, correction=0) + 1e-3
        ).sqrt()
        output = torch.nn.functional.conv2d(normed.relu(), standard, padding=1)
    assert float((output < 0).float().mean()) == pytest.approx(orders["pre"].output_negative)
    assert standard.flatten(1).mean(1).abs().max() < 1e-5
    assert standard.flatten(1).std(1) == pytest.approx(torch.ones(len(weight)), abs=1e-3)
