"""Compares packages with the list of versions that have known vulnerabilities.

    .venv/bin/python -m scripts.audit

What is installed and what `constraints.txt` pins is held against `scripts/advisories.toml`, without
any network. Ends with status 1, and names the package, where one is too old.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("advisories.toml")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


@dataclass(frozen=True)
class Advisory:
    """One known vulnerability.

    Attributes:
        package: its name on the package index.
        fixed: the first version without it.
        id: of the advisory.
        why: what the vulnerability is.
    """

    package: str
    fixed: Version
    id: str
    why: str


def read_list(path: Path = LIST) -> tuple[date, list[Advisory]]:
    """The day on which the list was looked through, and what is on it."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = [Advisory(**{**e, "fixed": Version(e["fixed"])}) for e in content["advisory"]]
    return content["date"], entries


def installed() -> dict[str, str]:
    """Versions of what this Python has, by normalised name."""
    return {plain(item.name): item.version for item in metadata.distributions() if item.name}


def pinned(path: Path = ROOT / "constraints.txt") -> dict[str, str]:
    """Versions that a file of constraints pins, by normalised name."""
    return {plain(name): version for name, version in _PIN.findall(path.read_text("utf-8"))}


def plain(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def problems(versions: Mapping[str, str], advisories: Iterable[Advisory], where: str) -> list[str]:
    """A sentence for each version that is too old."""
    found = []
    for entry in advisories:
        version = versions.get(plain(entry.package))
        if version is not None and Version(version) < entry.fixed:
            found.append(
                f"{entry.package} {version} ({where}) has a known vulnerability, expected "
                f"{entry.fixed} or newer: {entry.why} ({entry.id})."
            )
    return found


def main() -> int:
    """0 where no package is on the list."""
    day, advisories = read_list()
    found = problems(installed(), advisories, "installed")
    found += problems(pinned(), advisories, "constraints.txt")
    for line in found:
        print(line, file=sys.stderr)
    print(f"{len(advisories)} advisories of {day}: {len(found) or 'no'} package too old")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
