"""Photos and results in object storage: an S3 server on this machine, with and without Ray."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from PIL import Image

from core.batch import storage
from core.batch.plan import MANIFEST, TABLE, plan
from core.cli.main import UNUSABLE, main
from core.errors import ConfigError, ImageError
from tests.tiny_checkpoint import picture, save_tiny

BUCKET = "s3://photos"
NAMES = ("a.png", "room/b 1%20.png", "room/deep/c.png", "broken.jpg")


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """An S3 server with an empty bucket; the environment says where it is."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        import boto3

        boto3.client("s3").create_bucket(Bucket="photos")
        yield
    storage._opened.cache_clear()
    running.stop()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, server: None) -> Path:
    """The photos in a folder; the same ones are in the bucket, below in/."""
    folder = tmp_path_factory.mktemp("photos") / "in"
    for index, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.fromarray(picture(64, 48, index)).save(path)
        else:
            path.write_text("no picture")
        storage.write(f"{BUCKET}/in/{name}", path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def whole(photos: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of the folder's photos in a folder."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert main(arguments(str(photos), str(out), model)) == 1  # the broken one
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, TABLE)  # they hold times and places
    }


def arguments(photos: str, out: str, model: Path, *more: str) -> list[str]:
    common = ["predict", photos, "--out", out, "--model", str(model), "--resolution", "96"]
    return [*common, "--save", "depth16,npy", *more]


def stored(address: str) -> dict[str, bytes]:
    """What lies below an address, without the manifests."""
    objects = {str(name): at for at, name in storage.files_at(address)}
    return {name: storage.read(at) for name, at in objects.items() if name not in (MANIFEST, TABLE)}


def manifest(address: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(storage.read(f"{address}/{MANIFEST}"))
    return content


def test_from_bucket_to_bucket_the_files_are_the_same(
    photos: Path, model: Path, whole: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"{BUCKET}/out"
    assert main(arguments(f"{BUCKET}/in/", f"{out}/", model)) == 1
    assert "s3://photos/in/broken.jpg: broken.jpg is a text file" in capsys.readouterr().err
    assert stored(out) == whole
    assert manifest(out)["counts"] == {"done": 3, "skipped": 0, "failed": 1}
    inputs = [entry["input"] for entry in manifest(out)["photos"]]
    assert inputs == sorted(f"{BUCKET}/in/{name}" for name in NAMES)
    assert storage.read(f"{out}/{TABLE}").count(b"s3://photos/in/") == 4

    # Again, with a result gone and a sidecar cut short, as no store would leave it.
    storage.remove(f"{out}/a_depth.npy")
    assert main(arguments(f"{BUCKET}/in", out, model)) == 1
    assert manifest(out)["counts"] == {"done": 1, "skipped": 2, "failed": 1}
    assert stored(out) == whole


def test_between_a_bucket_and_a_folder(
    photos: Path, model: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    assert main(arguments(f"{BUCKET}/in/**/*.png", str(tmp_path / "out"), model)) == 0
    assert (tmp_path / "out" / "c_depth.npy").read_bytes() == whole["room/deep/c_depth.npy"]
    assert main(arguments(str(photos / "room"), f"{BUCKET}/local", model)) == 0
    room = {n.removeprefix("room/"): data for n, data in whole.items() if n.startswith("room/")}
    assert stored(f"{BUCKET}/local") == room


def test_a_file_of_the_users_is_not_replaced(photos: Path, model: Path) -> None:
    out = f"{BUCKET}/taken"
    storage.write(f"{out}/a.json", b"{}")
    assert main(arguments(f"{BUCKET}/in/a.png", out, model)) == 1
    assert stored(out) == {"a.json": b"{}"}
    storage.write(f"{out}/b/{TABLE}", b"mine")
    assert main(arguments(f"{BUCKET}/in", f"{out}/b", model)) == 1
    assert storage.read(f"{out}/b/{TABLE}") == b"mine"


def test_patterns_and_folders_of_a_bucket(photos: Path) -> None:
    def found(address: str) -> list[tuple[str, str]]:
        return [(at.removeprefix(f"{BUCKET}/in/"), str(n)) for at, n in storage.files_at(address)]

    assert found(f"{BUCKET}/in/?.png") == [("a.png", "a.png")]
    assert found(f"{BUCKET}/in/room/*.png") == [("room/b 1%20.png", "b 1%20.png")]
    assert len(found(f"{BUCKET}/in/**")) == len(NAMES)
    assert found(f"{BUCKET}/in/room/deep") == [("room/deep/c.png", "c.png")]
    assert [job.stem.as_posix() for job in plan([f"{BUCKET}/in/room"], f"{BUCKET}/x")] == [
        "b 1%20",
        "deep/c",
    ]
    assert plan([f"{BUCKET}/in", f"{BUCKET}/in/a.png"], f"{BUCKET}/in/room")[0].source == (
        f"{BUCKET}/in/a.png"
    )
    with pytest.raises(ConfigError, match="also an input"):
        plan([f"{BUCKET}/in"], f"{BUCKET}/in")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (f"{BUCKET}/nothing", ConfigError),
        (f"{BUCKET}/in/*.tif", ConfigError),
        ("s3://no-such-bucket/in", ConfigError),
        ("ftp://host/in", ConfigError),
        ("http://host/a.jpg", ConfigError),
        ("s3://key:secret@photos/in", ConfigError),
    ],
)
def test_an_address_without_photos_is_one_sentence(
    server: None, address: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match="expected") as caught:
        plan([address], Path("out"))
    assert "secret" not in str(caught.value).replace("SECRET", "")


def test_only_what_was_typed_is_an_address(tmp_path: Path, model: Path) -> None:
    """Uploads are paths of this machine, whatever they are called."""
    with pytest.raises(ConfigError, match="There is no"):
        plan([Path("s3://photos/in/a.png")], tmp_path)
    assert not storage.is_address(Path("s3://photos/in"))
    assert storage.place("file:///tmp/in") == Path("/tmp/in")
    with pytest.raises(ImageError, match="There is no"):
        storage.read(f"{BUCKET}/in/none.png")
    zipped = arguments("x", f"{BUCKET}/out", model, "--zip", "a.zip")
    assert main(zipped) == UNUSABLE
    assert PurePosixPath(storage.below(BUCKET, "a/b")).name == "b"
