"""Every command and every Python example of the documentation runs, or names the test that runs it.

Commands are what stands in blocks indented by four spaces, in ```sh blocks and in those without a
kind; each page is played from top to bottom in a folder that looks like the repository.
```python blocks are executed; a block whose fence names a file becomes that file. A command in the
running text has to be one that is known here too.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.weights import checkpoint
from core.weights import release as importer
from core.weights.model_info import ModelInfo
from tests.core.clips import noisy, write_clip
from tests.tiny_checkpoint import picture, save_tiny

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
for _folder in ("docs", "docs/guides", "docs/decisions", "checkpoints", "assets", "deploy/space"):
    DOCUMENTS += sorted((ROOT / _folder).glob("*.md"))
PROGRAMS = r"(?:[A-Z_]+=\S+ )*(?:make|\.venv/bin/\S+|python -m|docker|curl|sudo|hf|torchrun|nginx)"
LOCAL = "http://127.0.0.1:7860"

# What another test (or .ci/run) runs, in small where that says so.
DEPLOYMENT = "tests/test_deployment.py::test_"
TERMINAL = "tests/core/test_cli.py"
CLI = f"{TERMINAL}::test_"
ELSEWHERE = {
    r"make (setup|test)": ".ci/run",
    r"sudo make -C /opt/lapdepth-studio setup": ".ci/run",
    r"make demo( [A-Z_]+=\S+)?": "tests/app/test_demo.py::"
    "test_announces_both_and_one_signal_stops_both",
    r"LAPDEPTH_MCP=on make demo": "tests/app/test_mcp.py",
    r"HOST=\S+ GRADIO_PORT=\d+ LAPDEPTH_PAGES=depth \.venv/bin/python -m app\.demo": DEPLOYMENT
    + "what_the_image_holds_is_enough_to_run",
    r"sudo nginx -t": f"{DEPLOYMENT}people_use_both_pages_through_it",
    r"\.venv/bin/streamlit run app/explorer/server\.py": "tests/app/test_pages_smoke.py",
    r"(\.venv/bin/)?python -m core (COMMAND|models|predict|evaluate|train)": TERMINAL,
    r"python -m core video": "tests/core/test_video.py",
    # The guide's own network has seen two steps here, and is too rough to convert.
    r"\.venv/bin/python -m core export .*": CLI
    + "export_writes_a_model_that_another_program_runs",
    r".* evaluate --dataset nyu .*": f"{CLI}evaluate_prints_the_metrics",
    r".* --engine ray .*": "tests/core/test_batch_killed.py",
    r"torchrun --nproc-per-node 4 -m core train .*": "tests/core/test_distributed.py",
    r"python -m scripts\.reference": "tests/scripts/test_reference.py",
    r"python -m scripts\.audit": "tests/scripts/test_audit.py",
}  # fmt: skip
# What no test runs, and why; what could be looked at without running it is.
NOT_RUN = {
    r"make setup TORCH_INDEX=\S+": "downloads packages; .ci/run sets up without it",
    r"\.venv/bin/pip install .*": "downloads packages; what it installs is in requirements-dev.txt",
    r"docker (build|run)\b.*": "needs Docker; test_deployment.py runs what the image holds",
    r"docker compose .*": "needs Docker; test_deployment.py reads the file",
    r"sudo cp /opt/lapdepth-studio/deploy/\S+ \S+": "changes the system",
    r"sudo systemctl (enable --now lapdepth-\S+( \S+)?|reload nginx)": "needs a running systemd; "
    "test_deployment.py lets systemd-analyze read the files",
    r"hf upload .*": "needs an account; test_deployment.py looks at the folder",
    r"make unit PYTEST_ARGS=.*": "a part of `make test`",
    r"make lock": "rewrites the lock; test_setup.py compares it with the requirements",
    r"\.venv/bin/python -m scripts\.scenes": "takes minutes; tests/scripts/test_scenes.py renders",
    r".* evaluate --dataset kitti .*": "takes minutes; test_evaluate.py tests the protocol",
    r"make docs": "takes a minute; its first half is test_reference.py",
    r"(\.venv/bin/)?python -m benchmarks\.\w+.*": "takes minutes of a quiet machine",
    r"python -m scripts\.explorer_pictures": "takes minutes",
    r"python -m scripts\.fuzz \w+": "takes minutes; tests/fuzz runs its targets",
    r"python -m scripts\.ablation": "trains for an hour and a half; tests/scripts/test_ablation.py "
    "looks at what it trains",
    r"python -m scripts\.faults": "kills servers for half an hour",
}


# A guide's numbers, made small enough for a test.
SMALLER = {
    "size = [240, 320]": "size = [96, 128]",
    "steps = 4000": "steps = 2",
    "batch = 8": "batch = 2",
    "val_every = 500": "val_every = 2",
    "save_every = 100": "save_every = 1",
    "decoder_width = 256": "decoder_width = 128",
    "warmup = 200": "warmup = 1",
}


@dataclass(frozen=True)
class Step:
    """One thing to do: "command", "sh", "python" or "file"."""

    kind: str
    content: str
    name: str = ""


def steps(text: str) -> list[Step]:
    """What a page asks its reader to do, in order."""
    found = []
    lines = iter(text.splitlines())
    before = ""
    for line in lines:
        if line.startswith("```"):
            kind, _, name = line[3:].partition(" ")
            body = []
            for inner in lines:
                if inner.startswith("```"):
                    break
                body.append(inner)
            content = "\n".join(body) + "\n"
            if kind in ("python", "sh"):
                found.append(Step(kind, content))
            elif name:
                found.append(Step("file", content, name))
            elif not kind:
                found += [Step("command", inner) for inner in body]
            else:
                assert kind in ("toml", "ini", "json", "mermaid", "text"), f"a block of {kind!r}"
        elif line.startswith("    ") and (not before.strip() or before.startswith("    ")):
            found.append(Step("command", re.split(r"\s{2,}# ", line.strip())[0]))
        before = line
    return found


def mentioned(text: str) -> set[str]:
    """Commands in the running text: code that begins with a program's name."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(rf"`({PROGRAMS} [^`\n]*)`", outside))


def elsewhere(command: str) -> str | None:
    """Where a command runs that does not run here, or why it does not run."""
    known = ELSEWHERE | NOT_RUN
    return next((place for form, place in known.items() if re.fullmatch(form, command)), None)


@pytest.mark.parametrize("form", [*ELSEWHERE, *NOT_RUN])
def test_no_exception_is_left_over(form: str) -> None:
    documented = {
        command
        for text in (document.read_text() for document in DOCUMENTS)
        for command in (*mentioned(text), *(s.content for s in steps(text) if s.kind == "command"))
    }
    assert any(re.fullmatch(form, command) for command in documented)


def test_make_demo_starts_what_its_test_starts() -> None:
    asked = ["make", "--dry-run", "--no-print-directory", "demo"]
    dry = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert dry.stdout.splitlines()[-1].strip() == "exec .venv/bin/python -m app.demo"


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_where_commands_run_exists(place: str) -> None:
    name, _, test = place.partition("::")
    assert (ROOT / name).exists(), name
    if test:
        assert f"def {test}(" in (ROOT / name).read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder like the repository's root, with a photo in it."""
    for name in ("assets", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    models = tmp_path / "checkpoints"
    models.mkdir()
    for path in (ROOT / "checkpoints").iterdir():
        (models / path.name).symlink_to(path)
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", models)
    shutil.copy(ROOT / "assets" / "examples" / "room.jpg", tmp_path / "photo.jpg")
    write_clip(tmp_path / "clip.mp4", noisy(picture(128, 96), 3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def _release(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named as the authors' on the reader's disk, which "converts" to the tiny network.

    Converting takes half a minute; tests/core/test_release.py does it in earnest.
    """
    (folder / "LDRN_NYU_ResNext101_pretrained_data.pkl").write_bytes(b"weights")

    def convert(source: Path, dataset: str, name: str) -> ModelInfo:
        assert (source.read_bytes(), dataset) == (b"weights", "nyu")
        save_tiny(folder / "checkpoints", name)
        return checkpoint.find_model(name)

    monkeypatch.setattr(importer, "import_release", convert)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_page_run(
    document: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    text = document.read_text()
    if "import-release LDRN" in text:
        request.getfixturevalue("_release")
    played = set()
    for step in steps(text):
        content = step.content
        if LOCAL in content and step.kind in ("python", "sh"):
            content = content.replace(LOCAL, request.getfixturevalue("gradio_url"))
        if step.kind == "file":
            for old, new in SMALLER.items():
                content = content.replace(old, new)
            (folder / step.name).write_text(content)
        elif step.kind == "python":
            _needs_models(content)
            exec(compile(content, f"{document.name}: an example", "exec"), {"__name__": "example"})
        elif step.kind == "sh":
            _shell(content)
        else:
            played.add(content)
            _run(content, monkeypatch)
    unknown = [
        command
        for command in mentioned(text)
        if command not in played and elsewhere(command) is None
    ]
    assert unknown == [], "no test is known to run these"


def _run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a command, unless another test does."""
    real = data_root() / "nyu"
    if "--root ../shared/data/nyu" in command and real.is_dir() and "--first" in command:
        command = command.replace("../shared/data/nyu", str(real))
    elif elsewhere(command) is not None:
        return
    _needs_models(command)
    if command.startswith("make predict"):
        dry = subprocess.run(
            ["make", "--dry-run", "--no-print-directory", *shlex.split(command)[1:], "OUT=out"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        image = dict(word.split("=") for word in shlex.split(command)[2:])["IMAGE"]
        last = dry.stdout.splitlines()[-1].strip()
        command = last.replace('"${IMAGE}"', image).replace('"${OUT:-out}"', "out")
    words = shlex.split(command)
    with monkeypatch.context() as patch:
        while re.fullmatch(r"[A-Z_]+=.*", words[0]):
            patch.setenv(*words.pop(0).split("=", 1))
        if words[1:3] == ["-m", "core"]:
            assert main(words[3:]) == 0, command
        elif words[1:2] == ["-m"]:
            folder = Path.cwd()
            patch.chdir(ROOT)
            arguments = [*words[2:-1], str(folder / words[-1])]
            subprocess.run([sys.executable, "-m", *arguments], check=True)
        else:
            assert words[0] in ("mkdir", "cp", "curl"), f"no test is known to run: {command}"
            _shell(command)


def data_root() -> Path:
    """The folder of the real data sets, there or not."""
    return (ROOT / (os.environ.get("LAPDEPTH_DATA") or "../shared/data")).resolve()


def _shell(script: str) -> None:
    if re.search(r"^curl ", script, re.MULTILINE) and shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "event: error" not in done.stdout, done.stdout
    if "call/measure" in script:
        assert "event: complete" in done.stdout
        assert '"distance"' in done.stdout


def _needs_models(text: str) -> None:
    for name in re.findall(r"lite-\w+", text):
        if not (checkpoint.CHECKPOINTS / f"{name}.safetensors").exists():
            pytest.skip(f"the model {name} is not installed")


def test_a_newcomer_reaches_a_point_cloud_in_metres_and_upright(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide's own command; its files read back by programs that are not ours."""
    trimesh = pytest.importorskip("trimesh")
    guide = (ROOT / "docs" / "guides" / "blender-meshlab.md").read_text()
    command = next(step.content for step in steps(guide) if step.kind == "command")
    _run(command, monkeypatch)
    points: Any = trimesh.load(folder / "out" / "room.ply")
    surface: Any = trimesh.load(folder / "out" / "room.glb", force="mesh")
    assert len(points.vertices) > 400_000
    low, high = points.bounds
    assert 0.5 < low[2] < high[2] < 10  # a room, in metres, in front of the camera
    floor = points.vertices[points.vertices[:, 2] < low[2] + 0.3]
    assert (floor[:, 1] > 0).all()  # .ply: y down, so the floor at our feet is at positive y
    near = surface.vertices[surface.vertices[:, 2] > surface.bounds[1][2] - 0.3]
    assert (near[:, 1] < 0).all()  # .glb: y up
    assert abs(surface.bounds[1] - surface.bounds[0] - (high - low)).max() < 1e-3


def test_an_unknown_command_is_noticed() -> None:
    page = (
        "Text `make coffee` here.\n\n    .venv/bin/python -m core paint  # now\n\n```sh\nls\n```\n"
    )
    assert [step.kind for step in steps(page)] == ["command", "sh"]
    assert steps(page)[0].content == ".venv/bin/python -m core paint"
    assert mentioned(page) == {"make coffee"}
    assert elsewhere("make coffee") is None
