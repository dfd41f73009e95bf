"""Causes every fault and rewrites the table in docs/security.md.

    .venv/bin/python -m scripts.faults            # all of them, a few minutes; as root on Linux
    .venv/bin/python -m scripts.faults --only disk --print

A fault that this machine does not let be caused keeps no old result: its row says why.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.faults.commands import COMMAND_FAULTS
from scripts.faults.fault import ROOT, Fault, UnavailableError, UnexpectedError, short
from scripts.faults.servers import SERVER_FAULTS

TABLE = ROOT / "docs" / "security.md"
_BEGIN, _END = "<!-- faults: written by scripts/faults -->", "<!-- end of faults -->"


def row(fault: Fault) -> tuple[str, bool]:
    """The table's row of one fault, and whether all was as it should be."""
    try:
        seen, verdict = fault.run(), "yes"
    except UnavailableError as error:
        seen, verdict = f"not caused: {error}", "-"
    except UnexpectedError as error:
        seen, verdict = short(str(error)), "**no**"
    except Exception as error:  # the script's own trouble is not to stop the other rows
        seen, verdict = short(f"{type(error).__name__}: {error}"), "**no**"
    print(f"{verdict:6} {fault.name}: {seen}", file=sys.stderr)
    cells = (fault.name, fault.cause, fault.expected, seen, verdict)
    return f"| {' | '.join(cells)} |", verdict != "**no**"


def main() -> int:
    """0 when every fault that could be caused ended as it should."""
    parser = argparse.ArgumentParser(prog="python -m scripts.faults", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name holds this text")
    parser.add_argument("--print", action="store_true", help="leave docs/security.md alone")
    options = parser.parse_args()
    # A shell that starts this in the background has Ctrl-C ignored, for what it starts as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [
        fault
        for fault in (*COMMAND_FAULTS, *SERVER_FAULTS)
        if options.only.lower() in fault.name.lower()
    ]
    rows = [row(fault) for fault in chosen]
    when = datetime.now(UTC).date().isoformat()
    table = "\n".join([
        _BEGIN,
        f"Run on {when}, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}.",
        "",
        "| fault | caused by | expected | seen | as expected |",
        "|---|---|---|---|---|",
        *(text for text, _ in rows),
        _END,
    ])  # fmt: skip
    if options.print or options.only:
        print(table)
    else:
        rewrite(TABLE, table)
    return int(not all(fine for _, fine in rows))


def rewrite(path: Path, table: str) -> None:
    """Puts the table between its marks."""
    text = path.read_text(encoding="utf-8")
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    path.write_text(before + table + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
