"""Scale profiles: what was found out about a camera, as a JSON file that applies to its photos.

A profile is the factor between a model's depth and metres for the photos of one camera. It holds
for the model, and the working height, that it was made with.

    profile = load_profile("hallway")                    # LAPDEPTH_PROFILES/hallway.json
    prediction = predictor(photo, intrinsics=profile.camera)
    prediction = calibrated(prediction, profile)         # core.geometry.find_scale
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.atomic import write_atomic
from core.camera import Intrinsics, SizedCamera
from core.errors import ConfigError, DepthError

VERSION = 1
VARIABLE = "LAPDEPTH_PROFILES"
MAX_BYTES = 1 << 18
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")
_KEY = "lapdepth_profile"
MAX_FACTOR = 1000.0  # as far as a model can be off: a toy room, a street from the air
_POWERS = (0.25, 4.0)


@dataclass(frozen=True)
class Fitted:
    """A measurement that a profile was made from.

    Attributes:
        kind: of `core.scale.calibration.Measurement`.
        metres: that were given; of sparse depth the median.
        says: the factor on the model's depth that this measurement alone asks for.
        used: whether it counted: what contradicts the others does not.
    """

    photo: str
    kind: str
    metres: float
    says: float
    used: bool = True

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "metres": float(self.metres), "says": float(self.says)}


@dataclass(frozen=True)
class Profile:
    """The scale of a camera.

    Attributes:
        name: of it, and of its file.
        model, model_sha256: that the scale is of.
        camera: of the photos that it was made from.
        scale, power, pivot: as in `core.scale.calibration.Calibration`.
        resolution: working height in pixels; None: the model's own.
        fitted: what it was made from.
        notes: sentences for the user.

    Raises:
        ConfigError: a name that is none, or numbers out of range.
    """

    name: str
    model: str
    model_sha256: str
    camera: SizedCamera
    scale: float
    power: float = 1.0
    pivot: float = 1.0
    resolution: int | None = None
    fitted: tuple[Fitted, ...] = ()
    notes: tuple[str, ...] = ()
    kind = "profile"

    def __post_init__(self) -> None:
        check_profile_name(self.name)
        fine = (
            1 / MAX_FACTOR <= self.scale <= MAX_FACTOR
            and _POWERS[0] <= self.power <= _POWERS[1]
            and 0 < self.pivot < math.inf
        )
        if not fine:
            raise ConfigError(
                f"The profile {self.name} has the scale {self.scale:g}, the power {self.power:g} "
                f"and the pivot {self.pivot:g} m, expected a scale of {1 / MAX_FACTOR:g} to "
                f"{MAX_FACTOR:g}, a power of {_POWERS[0]:g} to {_POWERS[1]:g} and metres above 0: "
                "make the profile anew."
            )

    def reach(self, metres: float) -> float:
        """What a depth of the model's own becomes, metres."""
        return float(self.scale * metres * (metres / self.pivot) ** (self.power - 1))

    @cached_property
    def sha256(self) -> str:
        """Names its content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for the residuals of a sidecar."""
        return {"name": self.name, "sha256": self.sha256, "model": self.model}

    def to_json(self) -> str:
        """The file's content."""
        camera = self.camera.intrinsics
        content = {
            _KEY: VERSION,
            "name": self.name,
            "model": {"name": self.model, "sha256": self.model_sha256},
            "resolution": self.resolution,
            "camera": {
                "width": self.camera.width, "height": self.camera.height, **camera.to_dict()
            },
            "scale": {
                "factor": float(self.scale), "power": float(self.power),
                "pivot_m": float(self.pivot),
            },
            "fitted_from": [each.to_dict() for each in self.fitted],
            "notes": list(self.notes),
        }  # fmt: skip
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "The profile") -> Profile:
        """Reads what `to_json` wrote; anybody may have written the text.

        Raises:
            ConfigError: too long, no profile, of a newer version, or values that cannot be.
        """
        if len(text) > MAX_BYTES:
            raise ConfigError(
                f"{where} has {len(text):,} bytes, expected a profile of at most {MAX_BYTES:,}: "
                "choose the JSON file that `profile create` wrote."
            )
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _foreign(where, "is no JSON") from error
        return cls.from_dict(content, where)

    @classmethod
    def from_dict(cls, content: Any, where: str = "The profile") -> Profile:
        """The same from the parsed JSON."""
        if not isinstance(content, Mapping) or _KEY not in content:
            raise _foreign(where, f"has no {_KEY!r} in it")
        if content[_KEY] != VERSION:
            raise ConfigError(
                f"{where} is of version {str(content[_KEY])[:20]}, expected {VERSION}: use the "
                "program that wrote it, or make the profile anew."
            )
        try:
            camera, scale, model = content["camera"], content["scale"], content["model"]
            width, height = _whole(camera["width"]), _whole(camera["height"])
            fx, fy, cx, cy = (_number(camera[key]) for key in ("fx", "fy", "cx", "cy"))
            seen = Intrinsics(fx, fy, cx, cy, camera["source"]).checked(width, height)
            resolution = content.get("resolution")
            return cls(
                name=_text(content["name"]),
                model=_text(model["name"]),
                model_sha256=_text(model["sha256"]),
                camera=SizedCamera(width, height, seen),
                scale=_number(scale["factor"]),
                power=_number(scale.get("power", 1.0)),
                pivot=_number(scale.get("pivot_m", 1.0)),
                resolution=None if resolution is None else _whole(resolution),
                fitted=tuple(_fitted(each) for each in content.get("fitted_from", ())),
                notes=tuple(_text(note) for note in content.get("notes", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _foreign(where, f"lacks or garbles a value ({str(error)[:60]})") from error
        except ConfigError:
            raise
        except DepthError as error:  # a camera that cannot be
            raise ConfigError(f"{where} cannot be used: {error}") from error


def profiles_folder() -> Path:
    """Where named profiles lie: LAPDEPTH_PROFILES, else the user's own configuration folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "lapdepth" / "profiles"
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "lapdepth" / "profiles"


def check_profile_name(name: str) -> str:
    """A profile's name as it is.

    Raises:
        ConfigError: it is empty, too long, or could lead elsewhere as a file's name.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or name.endswith((".", " ")):
        raise ConfigError(
            f"The profile's name is {str(name)[:60]!r}, expected 1 to 64 letters, digits, blanks, "
            "dots, _ or -, the first a letter or digit: choose another name."
        )
    return name


def profile_path(name: str) -> Path:
    """Where the profile of a name lies, or ConfigError."""
    return profiles_folder() / f"{check_profile_name(name)}.json"


def profile_names() -> list[str]:
    """The names of the profiles in the folder."""
    try:
        found = sorted(profiles_folder().glob("*.json"))
    except OSError:
        return []
    return [path.stem for path in found if _NAME.fullmatch(path.stem)]


def load_profile(name: str) -> Profile:
    """A named profile.

    Raises:
        ConfigError: there is none of that name, or its file is none.
    """
    path = profile_path(name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        known = ", ".join(profile_names()[:20]) or "there is none yet"
        raise ConfigError(
            f"There is no profile {name!r} ({error.strerror}), expected one of these: {known}; "
            "make it with `profile create`."
        ) from error
    return Profile.from_json(content, f"The profile {name}")


def save_profile(profile: Profile, *, overwrite: bool = False) -> Path:
    """Writes a profile into the folder.

    Raises:
        ConfigError: there is one of that name, and it is not to be overwritten.
        ExportError: it cannot be written.
    """
    path = profile_path(profile.name)
    if path.exists() and not overwrite:
        raise ConfigError(
            f"There is a profile {profile.name} in {path.parent} already, expected another name: "
            "choose one, or give --overwrite."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, profile.to_json().encode())
    return path


def _fitted(values: Mapping[str, Any]) -> Fitted:
    return Fitted(
        _text(values["photo"]),
        _text(values["kind"]),
        _number(values["metres"]),
        _number(values["says"]),
        bool(values.get("used", True)),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:20]!r} is no number")
    return float(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if not 1 <= number <= 1_000_000 or number != int(number):
        raise ValueError(f"{number:g} is no size in pixels")
    return int(number)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:20]!r} is no text")
    return value[:500]


def _foreign(where: str, what: str) -> ConfigError:
    return ConfigError(
        f"{where} {what}, expected a scale profile: choose the JSON file that `profile create` or "
        "the depth page wrote."
    )
