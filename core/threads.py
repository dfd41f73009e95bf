"""How many threads this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "quota period" or "max period"


def usable_threads(quota_file: Path = _CGROUP_QUOTA) -> int:
    """Cores that this process may run on, a container's quota and OMP_NUM_THREADS respected.

    Libraries count the machine's cores; in a container with a quota of two they would start
    threads for all of them, which then wait for each other.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return min(int(asked), cores)
    try:
        quota, period = quota_file.read_text().split()
        if quota != "max":
            cores = min(cores, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # no cgroup v2, no quota
    return cores
