"""What kind of place a KITTI drive was recorded in, as its authors sort them.

Source: the categories of the raw data (www.cvlibs.net/datasets/kitti/raw_data.php; A. Geiger et
al., IJRR 2013) and the development kit's table of the drives that the odometry sequences were cut
from. Campus and person drives, and frames whose drive is not known, are of no kind here.
"""

from __future__ import annotations

import re

KINDS = ("city", "residential", "road")

_DRIVES: dict[str, dict[str, tuple[int, ...]]] = {
    "city": {
        "2011_09_26": (
            *(1, 2, 5, 9, 11, 13, 14, 17, 18, 48, 51, 56, 57, 59, 60),
            *(84, 91, 93, 95, 96, 104, 106, 113, 117),
        ),
        "2011_09_28": (1, 2),
        "2011_09_29": (26, 71),
    },
    "residential": {
        "2011_09_26": (19, 20, 22, 23, 35, 36, 39, 46, 61, 64, 79, 86, 87),
        "2011_09_30": (18, 20, 27, 28, 33, 34),
        "2011_10_03": (27, 34),
    },
    "road": {
        "2011_09_26": (15, 27, 28, 29, 32, 52, 70, 101),
        "2011_09_29": (4,),
        "2011_09_30": (16,),
        "2011_10_03": (42, 47),
    },
}
_ODOMETRY = {
    0: ("2011_10_03", 27),
    1: ("2011_10_03", 42),
    2: ("2011_10_03", 34),
    4: ("2011_09_30", 16),
    5: ("2011_09_30", 18),
    6: ("2011_09_30", 20),
    7: ("2011_09_30", 27),
    8: ("2011_09_30", 28),
    9: ("2011_09_30", 33),
    10: ("2011_09_30", 34),
}
_DAY = "2011_09_26"  # of the drives that are named by their number alone
_DRIVE = re.compile(r"(\d{4}_\d\d_\d\d)_drive_(\d{4})")
_SHORT = re.compile(r"kitti_(raw|odometry)_(\d+)")


def kind_of(name: str) -> str:
    """City, residential or road, "" for any other or unknown drive.

    Args:
        name: of a frame or its folder, with `2011_09_26_drive_0009`, `kitti_raw_0009` (of
            2011_09_26) or `kitti_odometry_04` in it.
    """
    drive = drive_of(name)
    for kind, days in _DRIVES.items():
        if drive is not None and drive[1] in days.get(drive[0], ()):
            return kind
    return ""


def drive_of(name: str) -> tuple[str, int] | None:
    """Day and number of the drive that a name speaks of."""
    full = _DRIVE.search(name)
    if full is not None:
        return full[1], int(full[2])
    short = _SHORT.search(name)
    if short is None:
        return None
    return (_DAY, int(short[2])) if short[1] == "raw" else _ODOMETRY.get(int(short[2]))
