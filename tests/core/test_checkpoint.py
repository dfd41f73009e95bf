"""Checkpoints: exact round trips, and every way a file can be wrong."""

import json
import logging
import os
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from core.errors import CheckpointError, ExportError
from core.model import LapDepth, ModelConfig
from core.weights import checkpoint, registry
from core.weights.checkpoint import (
    find_model,
    list_models,
    load_checkpoint,
    save_checkpoint,
    scan_models,
)
from core.weights.model_info import ModelInfo, TrainingCamera
from core.weights.registry import pin_checkpoint

CONFIG = ModelConfig("efficientnet_lite0", max_depth=10.0, decoder_width=128)
INFO = ModelInfo(
    config=CONFIG,
    working_height=288,
    supervised_levels=True,
    camera=TrainingCamera(640, 480, 518.858, 519.470),
    licence="Apache-2.0",
    training_data="a test",
    provenance={"origin": "made by a test", "recipe": "none"},
    measured={"nyu/val": {"delta1": 0.5, "images": 200}},
)


@pytest.fixture(scope="module")
def model() -> LapDepth:
    torch.manual_seed(0)
    return LapDepth(CONFIG).eval()


@pytest.fixture(scope="module")
def content(model: LapDepth, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "small.safetensors"
    save_checkpoint(path, model, INFO, half=True)
    return path.read_bytes()


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    path.write_bytes(content)
    return path


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes a file's header and leaves its tensors' bytes."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def rewrite_info(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes what a file says about itself."""

    def in_header(header: dict[str, Any]) -> None:
        info = json.loads(header["__metadata__"]["lapdepth"])
        change(info)
        header["__metadata__"]["lapdepth"] = json.dumps(info)

    rewrite(path, in_header)


def test_float32_comes_back_bit_for_bit(model: LapDepth, tmp_path: Path) -> None:
    saved = save_checkpoint(tmp_path / "full.safetensors", model, INFO)
    loaded, info = load_checkpoint(tmp_path / "full.safetensors")
    assert info == saved
    assert info == replace(
        INFO, name="full", path=tmp_path / "full.safetensors", sha256=info.sha256
    )
    assert not loaded.training
    original = model.state_dict()
    assert list(loaded.state_dict()) == list(original)
    assert all(torch.equal(value, original[key]) for key, value in loaded.state_dict().items())
    image = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        assert torch.equal(loaded(image).depth, model(image).depth)


def test_half_keeps_norms_exact_and_filters_to_half_precision(model: LapDepth, path: Path) -> None:
    with safe_open(path, "pt") as file:
        types = {key: file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118
    loaded, _ = load_checkpoint(path)
    for key, value in loaded.state_dict().items():
        original = model.state_dict()[key]
        assert value.dtype == original.dtype
        if original.ndim > 1:
            assert types[key] == torch.float16
            assert torch.equal(value, original.half().float())
        else:
            assert types[key] == original.dtype
            assert torch.equal(value, original)


@pytest.mark.parametrize("pin", ["registry", "sidecar"])
def test_a_file_that_is_not_the_pinned_one_is_refused(path: Path, pin: str) -> None:
    expected = load_checkpoint(path)[1].sha256
    if pin == "registry":
        assert pin_checkpoint(path) == expected
    else:
        path.with_suffix(".json").write_text(json.dumps({"sha256": expected}))
    assert load_checkpoint(path)[1].sha256 == expected

    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # the last bit of a weight: no check but the hash can see it
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"small\.safetensors .*[0-9a-f]{{64}}.*{expected}"):
        load_checkpoint(path)
    assert list_models(path.parent) == []
    assert expected in scan_models(path.parent).broken[0].problem


@pytest.mark.parametrize("text", ['{"small": {}}', '{"small": "abc"}', "{", '{"small": null', "[]"])
def test_a_damaged_registry_lets_nothing_through(path: Path, text: str) -> None:
    (path.parent / "registry.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"registry\.json"):
        load_checkpoint(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def endless_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])


def overlap(path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        one, two, *_ = (key for key in header if header[key].get("shape") == [96])
        header[one]["data_offsets"] = header[two]["data_offsets"]

    rewrite(path, change)


def huge_shape(path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["encoder.conv_stem.weight"]["shape"] = [1 << 40, 1 << 40]

    rewrite(path, change)


def foreign_type(path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["encoder.conv_stem.weight"]["dtype"] = "I16"  # as wide as the float16 stored there

    rewrite(path, change)


def nan(path: Path) -> None:
    state = load_file(path)
    state["encoder.bn0.weight"][3] = torch.nan
    save_file(state, path, {"lapdepth": INFO.to_json()})


def lacking(path: Path) -> None:
    state = load_file(path)
    del state["decoder.levels.2.refine.conv.weight"]
    save_file(state, path, {"lapdepth": INFO.to_json()})


def no_information(path: Path) -> None:
    save_file(load_file(path), path)


def other_width(path: Path) -> None:
    rewrite_info(path, lambda info: info["config"].update(decoder_width=160))


def unknown_encoder(path: Path) -> None:
    rewrite_info(path, lambda info: info["config"].update(encoder="nosuch"))


def newer_version(path: Path) -> None:
    rewrite_info(path, lambda info: info.update(version=99))


def no_camera(path: Path) -> None:
    rewrite_info(path, lambda info: info.pop("camera"))


DAMAGES: dict[Callable[[Path], None], str] = {
    cut: "header is damaged .*not fully covered",
    empty: "header is damaged",
    endless_header: "header is damaged .*too large",
    overlap: "header is damaged .*offset",
    huge_shape: "header is damaged",
    foreign_type: "encoder.conv_stem.weight is of type I16",
    nan: r"NaN or infinity in 1 tensors \(encoder.bn0.weight\)",
    lacking: "decoder.levels.2.refine.conv.weight is missing",
    no_information: "no LapDepth configuration",
    other_width: r"is \[.*\], expected \[",
    unknown_encoder: "cannot be built: There is no encoder 'nosuch'",
    newer_version: "version 99, expected 1",
    no_camera: "camera is None, expected dict",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_files(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    with pytest.raises(CheckpointError, match=r"small\.safetensors") as caught:
        load_checkpoint(path)
    assert caught.match(DAMAGES[damage])


def test_what_is_swapped_after_the_hash_is_not_loaded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = pin_checkpoint(path)
    before = load_checkpoint(path)[0].state_dict()
    check = checkpoint._read_info

    def swap(*given: Any) -> Any:
        info = check(*given)
        save_file({k: t + 1 for k, t in load_file(path).items()}, path)
        return info

    monkeypatch.setattr(checkpoint, "_read_info", swap)
    loaded, info = load_checkpoint(path)
    assert info.sha256 == sha256
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(before[name], tensor), name
    monkeypatch.setattr(checkpoint, "_read_info", check)
    with pytest.raises(CheckpointError, match="damaged or swapped"):
        load_checkpoint(path)


@settings(max_examples=30)
@given(edits=st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 255)), max_size=4))
def test_no_damage_raises_anything_else(
    content: bytes, tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]]
) -> None:
    data = bytearray(content)
    for position, value in edits:
        data[position] = value
    path = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    path.write_bytes(data)
    try:
        loaded, _ = load_checkpoint(path)
    except CheckpointError as error:
        assert len(str(error)) > 40  # noqa: PT017 - either outcome is right
    else:
        assert all(bool(torch.isfinite(t).all()) for t in loaded.state_dict().values())


def test_broken_files_are_reported_and_not_fatal(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    (tmp_path / ".lapdepth-1.tmp").write_bytes(b"half")
    (tmp_path / "lite.md").write_text("a card")
    with caplog.at_level(logging.WARNING):
        assert [model.name for model in list_models(tmp_path)] == ["small"]
    assert "broken.safetensors" in caplog.text
    assert [broken.path.name for broken in scan_models(tmp_path).broken] == ["broken.safetensors"]
    assert list_models(tmp_path / "nosuch") == []
    with pytest.raises(CheckpointError, match="broken"):
        find_model("broken", tmp_path)
    assert find_model("small", tmp_path).path == path


def test_models_are_found_by_name_or_path(path: Path, tmp_path: Path) -> None:
    by_name = find_model("small", tmp_path)
    assert by_name == find_model(path) == find_model(str(path)) == load_checkpoint(path)[1]
    assert by_name.config == CONFIG
    with pytest.raises(CheckpointError, match=r"no model 'smal'; expected one of \['small'\]"):
        find_model("smal", tmp_path)
    with pytest.raises(CheckpointError, match="no model"):
        find_model("../small.safetensors", tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".hidden", "a..b", "a/b", "a b", "a\n", "ä", "-x", "x."),
        *("registry", "auto", "x" * 65),
    ],
)
def test_names_that_are_no_file_names(model: LapDepth, tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError):
        find_model(name, tmp_path)
    if "/" not in name:
        with pytest.raises(CheckpointError):
            save_checkpoint(tmp_path / f"{name}.safetensors", model, INFO)
    assert list(tmp_path.iterdir()) == []


def test_saving_refuses_what_loading_would(model: LapDepth, tmp_path: Path) -> None:
    state = model.state_dict()
    path = tmp_path / "new.safetensors"
    stem = "encoder.conv_stem.weight"
    nan, large = state[stem].clone(), state[stem].clone()
    nan[0], large[0] = torch.nan, 1e5
    with pytest.raises(CheckpointError, match="is missing"):
        save_checkpoint(path, {k: v for k, v in state.items() if k != stem}, INFO)
    with pytest.raises(CheckpointError, match=r"is \[.*expected"):
        save_checkpoint(path, state, replace(INFO, config=replace(CONFIG, decoder_width=160)))
    with pytest.raises(CheckpointError, match="NaN"):
        save_checkpoint(path, {**state, stem: nan}, INFO)
    with pytest.raises(CheckpointError, match="infinity"):  # beyond float16
        save_checkpoint(path, {**state, stem: large}, INFO, half=True)
    with pytest.raises(CheckpointError, match="finite"):
        save_checkpoint(path, state, replace(INFO, measured={"delta1": float("nan")}))
    with pytest.raises(CheckpointError, match="end it in"):
        save_checkpoint(tmp_path / "new.pth", state, INFO)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_disk_leaves_the_old_file(
    model: LapDepth, path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ExportError, match="No space left"):
        save_checkpoint(path, model, INFO)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_list_hashes_a_file_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    whole = registry.file_sha256
    monkeypatch.setattr(registry, "file_sha256", lambda p: (hashed.append(p), whole(p))[1])
    first = list_models(path.parent)
    assert list_models(path.parent) == first
    assert hashed == [path]
    time.sleep(0.01)
    path.write_bytes(path.read_bytes())
    assert list_models(path.parent) == first
    assert hashed == [path, path]


def test_a_model_without_metres_is_refused() -> None:
    about = json.loads(INFO.to_json())
    assert about["metric"] is True  # earlier versions ask for it
    with pytest.raises(CheckpointError, match="no metric depth"):
        ModelInfo.from_json(json.dumps(about | {"metric": False}))
