"""Faults under the command line and at the start of the server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

from app.common.storage import Storage
from scripts.faults.fault import (
    PHOTO,
    PYTHON,
    ROOT,
    Fault,
    UnavailableError,
    command,
    expect,
    leftovers,
    one_sentence,
    read_only,
    scratch,
    short,
    small_disk,
)

PREDICT = ("core", "predict", PHOTO, "--resolution", "192", "--save", "npy")
SERVER = "app.server.main"


def disk_full() -> str:
    """A results folder with less room than a result needs."""
    with small_disk(400) as disk:
        said = one_sentence(command(*PREDICT, "--out", disk), 1)
        expect(not leftovers(disk), leftovers(disk))
        expect(not list(disk.glob("*.npy")), "half a file")
    return said


def device_full() -> str:
    """Standard output that takes nothing."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PYTHON, "-m", "core", "models", "--json"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return one_sentence(done, 1)


def disk_read_only() -> str:
    """A results folder on a file system that cannot be written."""
    with small_disk(4000) as disk:
        read_only(disk)
        return one_sentence(command(*PREDICT, "--out", disk / "out"), 1)


def killed_while_writing() -> str:
    """A run over many photos, killed, and started again."""
    with scratch() as folder:
        photos, out = folder / "photos", folder / "out"
        photos.mkdir()
        for number in range(6):
            pixels = np.roll(np.asarray(Image.open(PHOTO).resize((1600, 1200))), number * 50, 1)
            Image.fromarray(pixels).save(photos / f"{number}.jpg")
        arguments = ["core", "predict", str(photos), "--out", str(out), "--save", "npy,npz,exr"]
        process = subprocess.Popen(
            [PYTHON, "-m", *arguments, "--resolution", "96"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 200
        while not list(out.glob("1.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
        whole = [np.load(path).shape for path in out.glob("*.npy")]
        expect(set(whole) == {(1200, 1600)}, whole)
        time.sleep(1.1)  # a file younger than a second may still have a writer
        done = command(*arguments, "--resolution", "96", "--json")
        expect(done.returncode == 0, done.stderr)
        counts = json.loads(done.stdout)["counts"]
        expect(counts["done"] + counts["skipped"] == 6, counts)
        expect(counts["skipped"] >= 1, counts)
        expect(not leftovers(out), leftovers(out))
        return (
            f"{len(whole)} files there, all whole; the next run skipped {counts['skipped']}, did "
            f"{counts['done']}, left no temporary file"
        )


def no_temp_space() -> str:
    """A server that may not write a single byte to any temporary folder."""
    done = command(SERVER, prefix=("prlimit", "--fsize=0"), GRADIO_PORT=str(_free_port()))
    return one_sentence(done, 2)


def temp_read_only() -> str:
    """A server whose temporary folder is read-only, and no other is there."""
    with small_disk(4000) as disk:
        try:
            read_only(disk)
            Storage(disk)
        except Exception as error:
            expect(type(error).__name__ == "ExportError", repr(error))
            return short(str(error))
    raise AssertionError("a folder was made on a read-only disk")


def port_taken() -> str:
    """A server whose port another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        return one_sentence(command(SERVER, GRADIO_PORT=str(other.getsockname()[1])), 2)


def no_network() -> str:
    """A photo on a machine without any network, not even its own."""
    if shutil.which("unshare") is None:
        raise UnavailableError("there is no unshare")
    with scratch() as folder:
        done = command(*PREDICT, "--out", folder, prefix=("unshare", "-rn"))
        if "Operation not permitted" in done.stderr:
            raise UnavailableError("network namespaces are not allowed here")
        expect(done.returncode == 0, done.stderr)
        depth = np.load(next(folder.glob("*.npy")))
        expect(np.isfinite(depth).all(), "not finite")
        return f"status 0, depth {depth.min():.2f} to {depth.max():.2f} m"


def missing_libraries() -> str:
    """Open3D's system libraries replaced by files that cannot be loaded."""
    with scratch() as folder:
        for name in ("libusb-1.0.so.0", "libGL.so.1", "libEGL.so.1"):
            (folder / name).write_bytes(b"")
        arguments = ["core", "predict", PHOTO, "--resolution", "96", "--save", "color,ply,glb"]
        done = command(*arguments, "--out", folder / "out", LD_LIBRARY_PATH=str(folder))
        expect(done.returncode == 0, done.stderr)
        code = (
            "from core.geometry.open3d_tools import _open3d\n"
            "from core.errors import DepthError\n"
            "try: _open3d()\n"
            "except DepthError as error: print(error)"
        )
        asked = subprocess.run(
            [PYTHON, "-c", code],
            cwd=ROOT,
            env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        expect(asked.returncode == 0 and asked.stdout, asked.stderr)
        return f"depth and point cloud: status 0; Open3D's own tools: {short(asked.stdout)}"


def little_memory() -> str:
    """A photo with less memory than the network needs."""
    with scratch() as folder:
        large = ("core", "predict", PHOTO, "--resolution", "2048", "--save", "npy")
        done = command(*large, "--out", folder, prefix=("prlimit", f"--as={3 << 30}"))
        return one_sentence(done, 1)


def interrupted() -> str:
    """Ctrl-C in the middle of a run."""
    with scratch() as folder:
        process = subprocess.Popen(
            [PYTHON, "-m", *map(str, PREDICT), "--out", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        expect("Traceback" not in said, said)
        expect(process.returncode == 130, f"status {process.returncode}: {said}")
        expect(not leftovers(folder), leftovers(folder))
        return f"status 130: {short(said)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_SENTENCE = "one sentence, no half-written file"
COMMAND_FAULTS = (
    Fault("Disk full", "`predict --out` on a tmpfs of 400 kB", _SENTENCE, disk_full),
    Fault("Output full", "`core models --json > /dev/full`", "one sentence", device_full),
    Fault("Disk read-only", "`mount -o remount,ro`, then `predict`", _SENTENCE, disk_read_only),
    Fault(
        "kill -9 while writing",
        "`predict` over 6 photos, SIGKILL, `predict` again",
        "whole files only; the next run cleans up and goes on",
        killed_while_writing,
    ),
    Fault("Ctrl-C", "SIGINT after 2 s of `predict`", "one sentence, status 130", interrupted),
    Fault(
        "No temp space",
        "`prlimit --fsize=0 python -m app.server.main`",
        "one sentence, status 2",
        no_temp_space,
    ),
    Fault(
        "Temp folder read-only",
        "server's folder on a read-only tmpfs",
        "one sentence",
        temp_read_only,
    ),
    Fault("Port taken", "another program listens", "one sentence, status 2", port_taken),
    Fault("No network", "`unshare -rn python -m core predict`", "works", no_network),
    Fault(
        "System libraries missing",
        "libusb, libGL, libEGL replaced by empty files",
        "everything but Open3D's tools works; those name the packages",
        missing_libraries,
    ),
    Fault(
        "Out of memory, command line",
        "`prlimit --as=3 GiB`, 2048 rows",
        "one sentence",
        little_memory,
    ),
)
