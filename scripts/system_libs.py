"""Installs the system libraries that Open3D loads, or says exactly which packages are missing.

Only the 3D features need them; every other part of the program works without. Uses the standard
library alone, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

# Shared object -> Debian/Ubuntu package. From `readelf -d` of Open3D 0.20; libgomp is 0.19's.
LIBRARIES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libudev.so.1": "libudev1",
    "libidn2.so.0": "libidn2-0",
    "libgomp.so.1": "libgomp1",
}


def missing_packages(libraries: Iterable[str] = LIBRARIES) -> list[str]:
    """The packages whose shared object the loader does not find, in the table's order."""
    missing = []
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(LIBRARIES[library])
    return missing


def install(packages: list[str]) -> bool:
    """Installs the packages with apt-get. Returns whether it ran and reported success."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    )
    return all(
        subprocess.run(command, env=environment, check=False).returncode == 0
        for command in commands
    )


def main() -> int:
    """Exit status 0 when 3D will work, 1 when something is missing (and said)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what is missing")
    check_only = parser.parse_args().check
    if not sys.platform.startswith("linux"):
        return 0  # Open3D's macOS and Windows wheels bring what they load
    missing = missing_packages()
    if missing and not check_only and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing system libraries for 3D: {' '.join(missing)}", flush=True)
        install(missing)
        missing = missing_packages()
    if missing:
        print(
            f"Missing system libraries: {' '.join(missing)}. Point clouds through Open3D do not "
            "work without them, everything else does. On Debian or Ubuntu run: "
            f"sudo apt-get install {' '.join(missing)}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
