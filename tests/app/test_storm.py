"""The storm of `benchmarks/storm.py` in small: odd files, damaged ones, malformed calls."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from benchmarks.plain_client import PlainClient
from benchmarks.storm import Tally, good_answer, try_call, try_picture
from core.errors import ImageError
from core.images.decode import Photo
from core.images.decode_worker import decode_isolated
from scripts.hostile.calls import malformed
from scripts.hostile.corpus import corpus
from scripts.hostile.mutations import mutated
from scripts.hostile.written import picture

# What a program of good will writes, and what therefore has to be read.
READ = ("jpeg-quality-50.jpg", "jpeg-cmyk.jpg", "jpeg-ycck.jpg", "jpeg-progressive.jpg",
        "jpeg-restart.jpg", "jpeg-grey.jpg", "png-3-1-0.png", "png-0-16-1.png", "png-6-16-1.png",
        "png-palette-4.png", "several-GIF.gif", "several-WEBP.webp", "tiff-CMYK.tif", "tiff-1.tif",
        "tiff-1-group4.tif", "tiff-RGB-jpeg.tif", "tiff-RGB-zstd.tif", "tiff-u2-1-be.tif",
        "tiff-F.tif", "tiff-LAB.tif", "bmp-P.bmp", "bmp-upside-down.bmp", "webp-lossless.webp",
        "several.mpo")  # fmt: skip


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return corpus()


def outcome(name: str, data: bytes) -> Photo | str:
    try:
        return decode_isolated(data, name=name)
    except ImageError as error:
        return str(error)


def test_every_odd_file_is_a_photo_or_a_sentence(files: dict[str, bytes]) -> None:
    assert len(files) > 600
    results = {name: outcome(name, data) for name, data in files.items()}
    sentences = {name: said for name, said in results.items() if isinstance(said, str)}
    for name, said in sentences.items():
        assert said.startswith(name), said
        assert said.endswith("."), said
        assert "expected" in said
        assert "crash" not in said, said
        assert "took longer" not in said, said
    assert not set(READ) & set(sentences), {name: sentences.get(name) for name in READ}
    kinds, read_now = ("refused-", "iso-"), (".exr", ".pfm", ".jp2", ".j2k", ".jpx", ".jpeg2000")
    refused = {name for name in files if name.startswith(kinds) and not name.endswith(read_now)}
    assert refused <= set(sentences), refused - set(sentences)
    # Values that no picture has are never drawn.
    assert all(name in sentences for name in files if "float-one-nan" in name or "inf" in name)


def test_one_picture_is_the_same_however_it_is_written(files: dict[str, bytes]) -> None:
    colour = np.asarray(picture()).astype(float)
    grey = np.asarray(picture().convert("L").convert("RGB")).astype(float)
    seen = Counter[str]()
    for name, data in files.items():
        kind = name.partition("-")[0]
        if kind in ("same", "grey"):
            photo = outcome(name, data)
            assert isinstance(photo, Photo), photo
            expected = colour if kind == "same" else grey
            assert photo.rgb.shape == expected.shape, name
            assert np.abs(photo.rgb - expected).mean() < 4, name
        elif kind == "cut":
            assert isinstance(outcome(name, data), str), name
        seen[kind] += 1
    assert seen["same"] > 90
    assert seen["grey"] > 18
    assert seen["cut"] > 40


def test_a_jpeg_that_ended_early_says_so(files: dict[str, bytes]) -> None:
    said = outcome("a.jpg", files["odd-jpeg-ended-early.jpg"])
    assert isinstance(said, str)
    assert "a part is missing" in said


def test_a_running_server_answers_all_of_it(studio_url: str, files: dict[str, bytes]) -> None:
    client, chance, tally = PlainClient(studio_url), random.Random(7), Tally()
    names = sorted(name for name, data in files.items() if len(data) < 100_000)
    with client.http:
        before = good_answer(client)
        for name in chance.sample(names, 25):
            try_picture(client, name, mutated(files[name], chance), tally)
        endpoints = client.endpoints()
        assert {"predict", "point_cloud", "measure", "render", "batch"} <= endpoints.keys()
        for _ in range(100):
            try_call(client, malformed(chance, endpoints), tally)
        assert good_answer(client) == before
    assert tally.faults == []
    assert tally.counts["sentence"] > 40


def test_the_storm_would_notice() -> None:
    tally = Tally()
    chance = random.Random(1)
    assert mutated(b"picture" * 20, chance) != mutated(b"picture" * 20, chance)
    nobody = PlainClient("http://127.0.0.1:9")
    with nobody.http:
        try_picture(nobody, "a.png", b"", tally)
        try_call(nobody, malformed(chance, {"predict": 8}), tally)
    assert [fault.split(":")[0] for fault in tally.faults] == ["crash", "crash"]
