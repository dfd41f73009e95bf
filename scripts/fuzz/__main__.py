"""Fuzzes one target with atheris, from and into its corpus.

    .venv/bin/python -m scripts.fuzz picture --seconds 120

New inputs that reach new code go to --work. A finding ends the run with a traceback and is written
to tests/fuzz/corpus/TARGET/, where the tests try it from then on; fix it and run again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CORPUS = Path("tests/fuzz/corpus")
LARGEST = 4096  # bytes of an input


def main() -> None:
    """Does not return: libFuzzer ends the process, with 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--work", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    import atheris

    with atheris.instrument_imports(
        include=[
            "core",
            "app.common.checks",
            "app.common.request",
            "PIL",
        ]
    ):
        from scripts.fuzz import targets
    if options.target not in targets.TARGETS:
        parser.error(f"{options.target!r} is no target, expected {', '.join(targets.TARGETS)}.")
    work, known = options.work / options.target, CORPUS / options.target
    for folder in (work, known):
        folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        *(sys.argv[0], str(work), str(known), f"-max_total_time={options.seconds}"),
        *(f"-max_len={LARGEST}", f"-artifact_prefix={known}/", "-timeout=10", "-rss_limit_mb=3000"),
    ]
    atheris.Setup(arguments, lambda data: targets.run(options.target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
