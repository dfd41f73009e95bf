"""Linear colour as a phone, a webcam or an old depth camera would show it. NumPy only."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Camera:
    """What a camera makes of light.

    Attributes:
        key: brightness that the middle of the picture's tones gets, of 1 (linear).
        highlight: share of the pixels that may clip.
        balance: how much of the light's colour the white balance leaves, 0 none to 1 all.
        tint: factors of red, green and blue on top.
        shoulder: 0 clips hard, 1 compresses highlights gently.
        contrast: exponent of an S curve round mid grey, 1 none.
        saturation: 1 as rendered.
        vignetting: loss in the corners, of 1.
        blur: standard deviation of the lens and motion blur, pixels.
        noise: standard deviation at mid grey, of 1; grows in the dark.
        quality: of the JPEG.
    """

    key: float
    highlight: float
    balance: float
    tint: tuple[float, float, float]
    shoulder: float
    contrast: float
    saturation: float
    vignetting: float
    blur: float
    noise: float
    quality: int


def draw_camera(rng: random.Random) -> Camera:
    """A camera and its settings."""
    return Camera(
        key=min(0.34, max(0.06, rng.lognormvariate(-1.9, 0.4))),
        highlight=rng.choice((0.005, 0.02, 0.06, 0.12)),
        balance=rng.uniform(0.1, 0.9),
        # Cheap sensors lean to magenta, and light bulbs leave a warm cast.
        tint=(rng.gauss(1.04, 0.07), rng.gauss(0.97, 0.03), rng.gauss(1, 0.08)),
        shoulder=rng.uniform(0.2, 1.0),
        contrast=rng.uniform(1.0, 2.1),
        saturation=rng.uniform(0.7, 1.35),
        vignetting=rng.choice((0.0, rng.uniform(0, 0.45))),
        blur=rng.choice((0.0, rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.9))),
        noise=rng.choice((0.004, rng.uniform(0.003, 0.012), rng.uniform(0.006, 0.025))),
        quality=rng.randint(85, 95),
    )


def develop(linear: NDArray[np.float32], camera: Camera, rng: random.Random) -> NDArray[np.uint8]:
    """The picture a camera takes.

    Args:
        linear: (H, W, 3) scene-linear Rec. 709 colour.
        camera: its settings.
        rng: decides the noise.

    Returns:
        (H, W, 3) uint8, sRGB.
    """
    light = np.nan_to_num(np.maximum(linear, 0), posinf=1e3)
    light = light * _white_balance(light, camera)
    luminance = light @ _LUMINANCE
    level = float(np.exp(np.log(luminance + 1e-4).mean()))
    bright = float(np.quantile(luminance, 1 - camera.highlight))
    # The meter: middle tones at the key, unless too much would clip; never darker than a third.
    exposure = camera.key / max(level, 1e-4)
    exposure = max(min(exposure, 1.1 / max(bright, 1e-4)), exposure / 3)
    light = light * np.float32(exposure) * _falloff(light.shape[:2], camera.vignetting)
    grey = (light @ _LUMINANCE)[..., None]
    light = np.maximum(grey + (light - grey) * camera.saturation, 0)
    hard = np.minimum(light, 1)
    soft = light * (1 + light / 9) / (1 + light)  # Reinhard's curve, white at 3
    light = (1 - camera.shoulder) * hard + camera.shoulder * np.minimum(soft * 1.35, 1)
    tone = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    tone = _contrast(np.clip(tone, 0, 1), camera.contrast)
    noise = np.random.default_rng(rng.getrandbits(64))
    grain = noise.standard_normal(tone.shape[:2])[..., None] + 0.6 * noise.standard_normal(
        tone.shape
    )
    tone = tone + camera.noise * grain * (1.4 - tone)
    picture = Image.fromarray((np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8))
    if camera.blur > 0:
        picture = picture.filter(ImageFilter.GaussianBlur(camera.blur))
    return np.asarray(picture)


def jpeg(picture: NDArray[np.uint8], quality: int) -> bytes:
    """The picture as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _white_balance(light: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Grey-world factors, weakened, times the camera's own tint."""
    mean = light.reshape(-1, 3).mean(0) + 1e-4
    neutral = (mean.mean() / mean) ** (1 - camera.balance)
    return np.asarray(neutral * np.asarray(camera.tint), np.float32)


def _falloff(shape: tuple[int, int], loss: float) -> NDArray[np.float32]:
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    kept = 1 - loss * (y[:, None] ** 2 + x**2) / 2
    return np.asarray(kept[..., None], np.float32)


def _contrast(tone: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """An S curve that keeps 0, 1/2 and 1."""
    low = 0.5 * (2 * np.minimum(tone, 0.5)) ** power
    high = 1 - 0.5 * (2 * (1 - np.maximum(tone, 0.5))) ** power
    return np.where(tone < 0.5, low, high).astype(np.float32)
