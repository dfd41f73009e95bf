"""Causes every fault and rewrites the table in docs/security.md.

    .venv/bin/python -m scripts.faults            # all of them, a few minutes; as root on Linux
    .venv/bin/python -m scripts.faults --only disk      # these rows alone

A fault that this machine does not let be caused keeps no old result: its row says why.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.faults.commands import COMMAND_FAULTS
from scripts.faults.fault import ROOT, Fault, UnavailableError, UnexpectedError, short
from scripts.faults.servers import SERVER_FAULTS

TABLE = ROOT / "docs" / "security.md"
_BEGIN, _END = "<!-- faults: written by scripts/faults -->", "<!-- end of faults -->"
_HEAD = (
    "| fault | caused by | expected | seen | as expected | when |",
    "|---|---|---|---|---|---|",
)


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
    when = datetime.now(UTC).date().isoformat()
    cells = (fault.name, fault.cause, fault.expected, seen, verdict, when)
    return f"| {' | '.join(cells)} |", verdict != "**no**"


def main() -> int:
    """0 when every fault that could be caused ended as it should."""
    parser = argparse.ArgumentParser(prog="python -m scripts.faults", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name holds this text")
    parser.add_argument("--print", action="store_true", help="leave docs/security.md alone")
    options = parser.parse_args()
    # A shell that starts this in the background has Ctrl-C ignored, for what it starts as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    all_faults = (*COMMAND_FAULTS, *SERVER_FAULTS)
    chosen = [fault for fault in all_faults if options.only.lower() in fault.name.lower()]
    rows = {fault.name: row(fault) for fault in chosen}
    texts = {name: text for name, (text, _) in rows.items()}
    if options.print:
        print("\n".join(texts.values()))
    else:
        rewrite(TABLE, texts, [fault.name for fault in all_faults])
    return int(not all(fine for _, fine in rows.values()))


def rewrite(path: Path, rows: dict[str, str], order: Sequence[str]) -> None:
    """Puts rows between the marks; faults that were not caused this time keep theirs."""
    before, rest = path.read_text(encoding="utf-8").split(_BEGIN)
    old, after = rest.split(_END)
    known = {line.split("|")[1].strip(): line for line in old.splitlines() if line[:2] == "| "}
    known |= rows
    lines = [_BEGIN, *_HEAD, *(known[name] for name in order if name in known), _END]
    path.write_text(before + "\n".join(lines) + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
