"""Importing the authors' checkpoints, against their names and network written out by hand.

Their files cannot be had here, so the tests make state_dicts with the names and shapes of
the release, and a plain functional version of the network that reads those names.
"""

import io
import itertools
import json
import pickle
import shutil
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everybody writes it

from core.errors import CheckpointError
from core.model import LapDepth, ModelConfig
from core.model.encoders import ENCODERS
from core.model.encoders.resnet import ResNet, ResNetSpec
from core.weights import release as importer
from core.weights import release as release_reader
from core.weights.checkpoint import find_model, list_models, load_checkpoint
from core.weights.registry import pin_checkpoint
from core.weights.release import import_release
from core.weights.release_keys import release_key

# Every norm + convolution of the release's decoder: name, channels in, out, kernel.
BLOCKS = [
    ("ASPP.aspp_d3.0", 512, 256, 1),
    ("ASPP.aspp_d3.1", 256, 256, 3),
    ("ASPP.aspp_d6.0", 768, 256, 1),
    ("ASPP.aspp_d6.1", 256, 256, 3),
    ("ASPP.aspp_d12.0", 1024, 256, 1),
    ("ASPP.aspp_d12.1", 256, 256, 3),
    ("ASPP.aspp_d18.0", 1280, 256, 1),
    ("ASPP.aspp_d18.1", 256, 256, 3),
    ("ASPP.reduction2", 1536, 512, 3),
    ("decoder1.0", 512, 256, 3),
    ("decoder1.1", 256, 128, 3),
    ("decoder1.2", 128, 64, 3),
    ("decoder1.3", 64, 32, 3),
    ("decoder1.4", 32, 1, 3),
    ("decoder2_up1", 512, 256, 3),
    ("decoder2_reduc1", 768, 252, 1),
    ("decoder2_1", 256, 256, 3),
    ("decoder2_2", 256, 128, 3),
    ("decoder2_3", 128, 64, 3),
    ("decoder2_4", 64, 1, 3),
    ("decoder2_1_up2", 256, 128, 3),
    ("decoder2_1_reduc2", 384, 124, 1),
    ("decoder2_1_1", 128, 128, 3),
    ("decoder2_1_2", 128, 64, 3),
    ("decoder2_1_3", 64, 1, 3),
    ("decoder2_1_1_up3", 128, 64, 3),
    ("decoder2_1_1_reduc3", 128, 60, 1),
    ("decoder2_1_1_1", 64, 64, 3),
    ("decoder2_1_1_2", 64, 1, 3),
    ("decoder2_1_1_1_up4", 64, 60, 3),
    ("decoder2_1_1_1_1", 64, 64, 3),
    ("decoder2_1_1_1_2", 64, 32, 3),
    ("decoder2_1_1_1_3", 32, 1, 3),
]
# The encoder's stages: blocks, channels of the 3x3, channels out. 32 groups.
RESNEXT101 = [(3, 256, 256), (4, 512, 512), (23, 1024, 1024)]
# The same names in a quarter of the size: one channel instead of eight in a group.
NARROW = [(3, 32, 256), (4, 64, 512), (23, 128, 1024)]
Stages = list[tuple[int, int, int]]


def decoder_block(name: str) -> tuple[str, str]:
    """The full names of a decoder block's norm and convolution."""
    inner = (".norm", ".conv") if "_up" in name else (".module.0", ".module.2")
    return f"decoder.{name}{inner[0]}", f"decoder.{name}{inner[1]}"


def release_shapes(norm: str, stages: Stages = RESNEXT101) -> dict[str, tuple[int, ...]]:
    """Names (without `module.`) and shapes of an authors' file."""
    shapes: dict[str, tuple[int, ...]] = {}

    def put_norm(name: str, channels: int, kind: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (channels,)
        if kind == "batch":
            shapes[f"{name}.running_mean"] = shapes[f"{name}.running_var"] = (channels,)
            shapes[f"{name}.num_batches_tracked"] = ()

    root = "encoder.encoder"
    shapes[f"{root}.conv1.weight"] = (64, 3, 7, 7)
    put_norm(f"{root}.bn1", 64, "batch")
    before = 64
    for stage, (blocks, inner, outputs) in enumerate(stages, 1):
        for index in range(blocks):
            block = f"{root}.layer{stage}.{index}"
            convs = [(inner, before, 1, 1), (inner, inner // 32, 3, 3), (outputs, inner, 1, 1)]
            for number, shape in enumerate(convs, 1):
                shapes[f"{block}.conv{number}.weight"] = shape
                put_norm(f"{block}.bn{number}", shape[0], "batch")
            if index == 0:
                shapes[f"{block}.downsample.0.weight"] = (outputs, before, 1, 1)
                put_norm(f"{block}.downsample.1", outputs, "batch")
            before = outputs
    shapes["decoder.ASPP.reduction1.weight"] = (512, 1024, 1, 1)
    for name, inputs, outputs, kernel in BLOCKS:
        its_norm, conv = decoder_block(name)
        put_norm(its_norm, inputs, norm)
        shapes[f"{conv}.weight"] = (outputs, inputs, kernel, kernel)
    return shapes


def picture() -> Tensor:
    """A normalised image, (2, 3, 32, 48)."""
    return torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(6))


def random_release(norm: str) -> dict[str, Tensor]:
    """Random weights of the narrow network, calibrated so that its tanhs do not saturate."""
    generator = torch.Generator().manual_seed(5)
    fans = {decoder_block(name)[0]: inputs * kernel**2 for name, inputs, _, kernel in BLOCKS}
    state = {}
    for name, shape in release_shapes(norm, NARROW).items():
        owner, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked":
            state[name] = torch.randint(1, 1000, (), generator=generator)
        elif kind == "running_var" or (kind == "weight" and len(shape) == 1):
            scale = fans.get(owner, 1) ** -0.5 if kind == "weight" else 1
            state[name] = (torch.rand(shape, generator=generator) + 0.5) * scale
        elif len(shape) == 1:
            state[name] = torch.randn(shape, generator=generator) * 0.02
        else:
            fan = shape[1] * shape[2] * shape[3]
            state[name] = torch.randn(shape, generator=generator) * fan**-0.5 + 0.01
    with torch.inference_mode():
        release_depth(state, picture(), 1.0, calibrate=True)
    return {name: tensor.clone() for name, tensor in state.items()}


def release_depth(
    state: dict[str, Tensor], image: Tensor, max_depth: float, *, calibrate: bool = False
) -> Tensor:
    """The network of the paper, straight from the release's names.

    With `calibrate`, BatchNorm's statistics in `state` are set to this image's on the way.
    """

    def norm(x: Tensor, name: str, eps: float) -> Tensor:
        weight, bias = state[name + ".weight"], state[name + ".bias"]
        if name + ".running_mean" in state:
            if calibrate:
                state[name + ".running_mean"] = x.mean((0, 2, 3))
                state[name + ".running_var"] = x.var((0, 2, 3)) + 0.01
            mean, var = state[name + ".running_mean"], state[name + ".running_var"]
            return F.batch_norm(x, mean, var, weight, bias, eps=eps)
        return F.group_norm(x, x.shape[1] // 16, weight, bias, eps=1e-5)

    def encoder(x: Tensor) -> list[Tensor]:
        def unit(x: Tensor, conv: str, bn: str, **options: int) -> Tensor:
            x = F.conv2d(x, state[f"encoder.encoder.{conv}.weight"], **options)
            return norm(x, f"encoder.encoder.{bn}", 1e-5)

        x = unit(x, "conv1", "bn1", stride=2, padding=3).relu()
        features = [x]
        x = F.max_pool2d(x, 3, 2, 1)
        for stage, (blocks, _, _) in enumerate(NARROW, 1):
            for index in range(blocks):
                block = f"layer{stage}.{index}"
                stride = 2 if stage > 1 and index == 0 else 1
                y = unit(x, f"{block}.conv1", f"{block}.bn1").relu()
                y = unit(y, f"{block}.conv2", f"{block}.bn2", stride=stride, padding=1, groups=32)
                y = unit(y.relu(), f"{block}.conv3", f"{block}.bn3")
                if index == 0:
                    x = unit(x, f"{block}.downsample.0", f"{block}.downsample.1", stride=stride)
                x = (x + y).relu()
            features.append(x)
        return features

    def standardised(weight: Tensor) -> Tensor:
        weight = weight - weight.mean((1, 2, 3), keepdim=True)
        return weight / (weight.flatten(1).std(1).view(-1, 1, 1, 1) + 1e-5)

    def block(x: Tensor, name: str, rate: int = 1) -> Tensor:
        its_norm, conv = decoder_block(name)
        x = norm(x, its_norm, 1e-3).relu()
        weight = standardised(state[conv + ".weight"])
        x = up(x) if "_up" in name else x
        return F.conv2d(x, weight, padding=rate * (weight.shape[-1] // 2), dilation=rate)

    def up(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear")

    half, quarter, eighth, x = encoder(image)
    sizes = [image]
    for _ in range(4):
        sizes.append(F.interpolate(sizes[-1], scale_factor=0.5, mode="bilinear"))
    bands = [fine - up(coarse) for fine, coarse in itertools.pairwise(sizes)]

    seen = [F.conv2d(x, standardised(state["decoder.ASPP.reduction1.weight"]))]
    for rate in (3, 6, 12, 18):
        inner = block(torch.cat(seen, 1), f"ASPP.aspp_d{rate}.0")
        seen.append(block(inner, f"ASPP.aspp_d{rate}.1", rate))
    x = block(torch.cat(seen, 1), "ASPP.reduction2")

    head = x
    for index in range(5):
        head = block(head, f"decoder1.{index}")
    residual = total = head.sigmoid()
    levels = [
        (
            "decoder2_up1",
            "decoder2_reduc1",
            "decoder2_1",
            ["decoder2_2", "decoder2_3", "decoder2_4"],
        ),
        ("decoder2_1_up2", "decoder2_1_reduc2", "decoder2_1_1", ["decoder2_1_2", "decoder2_1_3"]),
        ("decoder2_1_1_up3", "decoder2_1_1_reduc3", "decoder2_1_1_1", ["decoder2_1_1_2"]),
        ("decoder2_1_1_1_up4", "", "decoder2_1_1_1_1", ["decoder2_1_1_1_2", "decoder2_1_1_1_3"]),
    ]
    skips = [eighth, quarter, half, None]
    for (rise, fuse, refine, heads), skip, band in zip(levels, skips, bands[::-1], strict=True):
        x = block(x, rise)
        x = x if skip is None else block(torch.cat((x, skip), 1), fuse)
        x = head = block(torch.cat((x, up(residual), band), 1), refine)
        for name in heads:
            head = block(head, name)
        residual = torch.tanh(head + 0.1 * band.mean(1, keepdim=True))
        assert float((residual.abs() > 0.95).double().mean()) < 0.1, "saturated: proves little"
        total = residual + up(total)
    return max_depth * total.sigmoid()


def saved(state: dict[str, Tensor], path: Path) -> Path:
    """A file as DataParallel's state_dict is saved, with the version notes PyTorch adds."""
    wrapped = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    wrapped._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    torch.save(wrapped, path)
    return path


@pytest.mark.parametrize(("norm", "count"), [("batch", 763), ("group", 664)])
def test_the_map_is_a_bijection(norm: str, count: int) -> None:
    with torch.device("meta"):
        ours = LapDepth(ModelConfig("resnext101_32x8d", 80.0, norm=norm)).state_dict()
    theirs = release_shapes(norm)
    assert len(ours) == len(theirs) == count
    assert {release_key(name): tuple(t.shape) for name, t in ours.items()} == theirs


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("release")
    yield folder
    shutil.rmtree(folder)  # hundreds of megabytes, which pytest would keep for three runs


CASES = {
    "kitti, group": ("group", 80.0, 352, (1242, 375, 721.5377, 721.5377), 0.961),
    "nyu": ("batch", 10.0, 432, (640, 480, 518.858, 519.470), 0.895),
}


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ResNetSpec((3, 4, 23, 3), groups=32, group_width=1)
    monkeypatch.setitem(ENCODERS, "narrow", partial(ResNet, spec))
    monkeypatch.setattr(importer, "ENCODER_NAME", "narrow")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("case", CASES)
def test_import_is_exact(case: str, scratch: Path) -> None:
    """The whole way: a pickled file -> `import_release` -> `load_checkpoint` -> depth."""
    norm, max_depth, height, camera, delta1 = CASES[case]
    dataset = case.split(",")[0]
    state = random_release(norm)
    source = saved(state, scratch / "LDRN.pkl")
    info = import_release(source, dataset, "mine", scratch / case)

    assert sorted(path.name for path in (scratch / case).iterdir()) == [
        "mine.json",
        "mine.safetensors",
    ]
    model, loaded_info = load_checkpoint(scratch / case / "mine.safetensors")
    assert loaded_info == info == find_model("mine", scratch / case)
    assert (info.config.norm, info.config.max_depth, info.working_height) == (
        norm,
        max_depth,
        height,
    )
    assert (info.camera.width, info.camera.height, info.camera.fx, info.camera.fy) == camera
    assert [table["delta1"] for table in info.published.values()] == [delta1]
    assert not info.supervised_levels
    assert "GPL-3.0" in info.licence
    assert info.provenance["source_sha256"] == importer.file_sha256(source)
    assert json.loads((scratch / case / "mine.json").read_text())["sha256"] == info.sha256

    weights = model.state_dict()
    assert len(weights) == len(state)
    assert all(torch.equal(value, state[release_key(name)]) for name, value in weights.items())

    image = picture().double()
    exact = {name: t.double() if t.is_floating_point() else t for name, t in state.items()}
    with torch.inference_mode():
        expected = release_depth(exact, image, max_depth)
        depth = model.double()(image).depth.double()
    assert float(expected.std()) > 0.02 * max_depth
    # Our levels pass float32 between them, whatever the weights' type.
    assert float(((depth - expected) / expected).abs().max()) < 1e-6


@pytest.fixture
def plain_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Tensor]:
    """A right set of tensors, without values, that the importer gets whatever the file holds."""
    state = {
        name: torch.empty(shape, device="meta") for name, shape in release_shapes("batch").items()
    }
    monkeypatch.setattr(importer, "_read_tensors", lambda *_: state)
    (tmp_path / "LDRN.pkl").write_bytes(b"anything")
    return state


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"decoder.decoder2_1_1_reduc3.module.2.weight": None},
            "reduc3.module.2.weight is missing",
        ),
        ({"decoder.decoder2_1_1_1_up4.norm.bias": None}, "up4.norm.bias is missing"),
        ({"encoder.encoder.layer4.0.conv1.weight": (1, 1)}, "layer4.0.conv1.weight is unexpected"),
        (
            {"decoder.decoder1.4.module.2.weight": (2, 32, 3, 3)},
            r"\[2, 32, 3, 3\], expected \[1, 32",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    plain_reader: dict[str, Tensor], tmp_path: Path, change: dict[str, Any], told: str, wrapper: str
) -> None:
    for name, shape in change.items():
        plain_reader.pop(name, None)
        if shape:
            plain_reader[name] = torch.empty(shape, device="meta")
    renamed = {wrapper + name: tensor for name, tensor in plain_reader.items()}
    plain_reader.clear()
    plain_reader.update(renamed)
    with pytest.raises(CheckpointError, match=rf"LDRN\.pkl is not the authors' network.*{told}"):
        import_release(tmp_path / "LDRN.pkl", "nyu", "mine", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_old_files_have_no_counters() -> None:
    shapes = release_shapes("group")
    state = {
        name: torch.empty(shape, device="meta")
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked")
    }
    weights = importer._rename(state, ModelConfig("resnext101_32x8d", 80.0, norm="group"), "x.pkl")
    assert len(weights) == len(shapes) == 664
    counters = [t for name, t in weights.items() if name.endswith("num_batches_tracked")]
    assert len(counters) == 94
    assert all(t.dtype == torch.int64 and t.item() == 0 for t in counters)


class Harm:
    """A pickle that makes a file as soon as a careless reader loads it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    source, mark = tmp_path / "LDRN.pkl", tmp_path / "mark"
    torch.save({"module.encoder.encoder.conv1.weight": Harm(mark)}, source)
    with pytest.raises(CheckpointError, match=r"LDRN\.pkl .*nothing in it was executed"):
        import_release(source, "nyu", "mine", tmp_path / "out")
    assert not mark.exists()
    assert list((tmp_path / "out").iterdir()) == []
    torch.load(source, weights_only=False)
    assert mark.exists(), "the file does no harm, so the test shows nothing"


def harm(path: Path) -> None:
    path.write_bytes(pickle.dumps({"module.encoder.encoder.conv1.weight": Harm(path / "mark")}))


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><title>Quota exceeded</title>")


def nested(path: Path) -> None:
    torch.save({"state_dict": {"x": torch.zeros(3)}}, path)


def cut_short(path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(3000)}, buffer)
    path.write_bytes(buffer.getvalue()[:6000])


def repeated(path: Path) -> None:
    torch.save({"x": torch.zeros(1).expand(1 << 20, 1 << 20)}, path)


def packed(path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(1 << 20)}, buffer)
    with (
        zipfile.ZipFile(buffer) as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in plain.infolist():
            small.writestr(entry.filename, plain.read(entry))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (harm, "not a plain pickled state_dict; nothing in it was executed"),
        (web_page, "not a plain pickled state_dict|cannot be read by PyTorch"),
        (nested, "holds 'state_dict' of type dict"),
        (cut_short, "cannot be read by PyTorch"),
        (repeated, "states tensors of 4398046511104"),
        (packed, "would unpack to"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_files_that_are_no_state_dict(make: Any, told: str, tmp_path: Path) -> None:
    make(tmp_path / "file.pkl")
    with pytest.raises(ValueError, match=told):
        release_reader.read_tensors(tmp_path / "file.pkl")


def test_the_reader_reads_both_formats(tmp_path: Path) -> None:
    state = {"a": torch.randn(3, 4), "b": torch.tensor(7), "c": torch.randn(4, 3).t().half()}
    torch.save(state, tmp_path / "zip.pkl")
    torch.save(state, tmp_path / "old.pkl", _use_new_zipfile_serialization=False)
    for name in ("zip.pkl", "old.pkl"):
        read = release_reader.read_tensors(tmp_path / name)
        assert read.keys() == state.keys()
        assert all(torch.equal(read[key], state[key]) for key in state)


@pytest.mark.parametrize(
    ("source", "dataset", "name", "told"),
    [
        ("LDRN.pkl", "cityscapes", "mine", "'cityscapes'; expected one of .*kitti.*nyu"),
        ("LDRN.pkl", "nyu", "../mine", "model name"),
        ("LDRN.pkl", "nyu", "registry", "model name"),
        ("LDRN.pkl", "nyu", "auto", "model name"),
        ("nosuch.pkl", "nyu", "mine", r"nosuch\.pkl is not a file"),
        ("empty.pkl", "nyu", "mine", "0 bytes"),
    ],
)
def test_unusable_arguments(
    tmp_path: Path, source: str, dataset: str, name: str, told: str
) -> None:
    (tmp_path / "LDRN.pkl").write_bytes(b"anything")
    (tmp_path / "empty.pkl").touch()
    with pytest.raises(CheckpointError, match=told):
        import_release(tmp_path / source, dataset, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("narrow")
def test_names_that_are_taken(tmp_path: Path, plain_reader: dict[str, Tensor]) -> None:
    shapes = release_shapes("batch", NARROW)
    plain_reader.clear()
    for name, shape in shapes.items():
        counter = name.endswith("num_batches_tracked")
        plain_reader[name] = torch.zeros(shape, dtype=torch.int64 if counter else torch.float32)
    source, out = tmp_path / "LDRN.pkl", tmp_path / "out"
    first = import_release(source, "nyu", "mine", out)
    assert import_release(source, "nyu", "mine", out) == first  # the same file again: no harm

    (tmp_path / "other.pkl").write_bytes(b"another")
    with pytest.raises(CheckpointError, match=r"'mine' already.*another file"):
        import_release(tmp_path / "other.pkl", "nyu", "mine", out)
    assert list_models(out) == [first]

    path = out / "mine.safetensors"
    path.write_bytes(path.read_bytes()[:-1])  # broken: importing anew is the remedy
    assert list_models(out) == []
    again = import_release(tmp_path / "other.pkl", "nyu", "mine", out)
    assert list_models(out) == [again]

    pin_checkpoint(path)
    with pytest.raises(CheckpointError, match="ships with this program"):
        import_release(tmp_path / "other.pkl", "nyu", "mine", out)
    shutil.rmtree(out)
