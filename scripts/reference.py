"""Fills the parts of the documents that are made from the code and from measured figures.

A document holds pairs of markers; what lies between them is replaced. Paths are relative to it:

    <!-- generated: variables -->                      <!-- /generated -->
    <!-- evaluation: measurements/NAME-nyu.json -->    <!-- /evaluation -->
    <!-- ablation: ablation/ baseline=full -->         <!-- /ablation -->

    python -m scripts.reference              # fill
    python -m scripts.reference --check      # exit 1 if a document is out of date
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from app.common.environment import VARIABLES
from core.files.outputs import OUTPUTS
from scripts import api_index, architecture, figures

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    *(f"docs/{name}.md" for name in ("configuration", "architecture", "api")),
    *(f"docs/{name}.md" for name in ("experiments", "models")),
    *(str(card.relative_to(ROOT)) for card in sorted((ROOT / "checkpoints").glob("*.md"))),
)
MARKED = re.compile(
    r"(?P<begin><!-- (?P<kind>generated|evaluation|ablation): (?P<what>[^>]+?) -->\n)"
    r".*?(?P<end><!-- /(?P=kind) -->)",
    re.DOTALL,
)


def variables() -> str:
    """The table of `app/common/environment.py`, one heading for each group."""
    parts = []
    for group in dict.fromkeys(variable.group for variable in VARIABLES):
        rows = [
            f"| `{variable.name}` | {variable.meaning} | "
            f"{f'`{variable.default}`' if variable.default else 'none'} |"
            for variable in VARIABLES
            if variable.group == group
        ]
        head = ["| variable | meaning | default |", "|---|---|---|"]
        parts.append("\n".join([f"**{group}**", "", *head, *rows]))
    return "\n\n".join(parts)


def outputs() -> str:
    """The table of `core/files/outputs.py`: what `--save`, the pages and HTTP offer."""
    rows = [f"| `{o.name}` | `STEM{o.suffix}` | {o.about} |" for o in OUTPUTS.values()]
    return "\n".join(["| name | file | content |", "|---|---|---|", *rows])


PARTS: dict[str, Callable[[], str]] = {
    "variables": variables,
    "outputs": outputs,
    "network": architecture.network,
    "packages": architecture.packages,
    "models": lambda: figures.models(ROOT / "docs" / "measurements"),
    "python": api_index.index,
}


def filled(text: str, folder: Path) -> str:
    """A document's text with every marked part made anew.

    Args:
        text: of the document.
        folder: that its paths are relative to.

    Raises:
        KeyError: a part of that name is not known.
        ValueError: runs that cannot be compared.
    """

    def part(match: re.Match[str]) -> str:
        path, _, baseline = match["what"].partition(" baseline=")
        if match["kind"] == "generated":
            made = PARTS[path]()
        elif match["kind"] == "evaluation":
            made = figures.evaluation(folder / path)
        else:
            made = figures.ablation(folder / path, baseline)
        return f"{match['begin']}\n{made.rstrip()}\n\n{match['end']}"

    return MARKED.sub(part, text)


def main() -> int:
    """Exit status 0; with --check 1 where a page is out of date."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = []
    for name in PAGES:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        new = filled(text, page.parent)
        if new != text:
            stale.append(name)
            if not check:
                page.write_text(new, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run: python -m scripts.reference", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
