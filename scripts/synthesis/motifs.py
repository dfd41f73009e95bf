"""Small images drawn from a seed: wallpaper, stripes, posters, pages, screens. NumPy only."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Pixels = NDArray[np.float32]
Rgb = tuple[int, int, int]


def motif(rng: random.Random, kind: str, base: Sequence[float], aspect: float = 1.0) -> Pixels:
    """An image of (H, W, 3) sRGB numbers in [0, 1].

    Args:
        rng: decides everything.
        kind: "paper", "stripes" and "checks" repeat seamlessly; "painting", "poster", "page",
            "screen" and "photo" do not.
        base: linear RGB of the ground.
        aspect: width / height of what it is shown on.
    """
    ground = _srgb(base)
    if kind in ("stripes", "checks"):
        return _stripes(rng, ground, crossed=kind == "checks")
    if kind == "paper":
        return _wallpaper(rng, ground)
    width = int(np.clip(128 * aspect**0.5, 64, 256))
    size = (width, int(np.clip(width / aspect, 64, 256)))
    draw = {"page": _page, "screen": _screen, "poster": _poster}.get(kind, _painting)
    image = draw(rng, size, ground)
    return np.asarray(image, np.float32) / np.float32(255)


def _srgb(base: Sequence[float]) -> Rgb:
    red, green, blue = (round(255 * max(0.0, c) ** (1 / 2.2)) for c in base)
    return red, green, blue


def _any(rng: random.Random) -> Rgb:
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.1, 1), rng.uniform(0.15, 1))
    return round(255 * r), round(255 * g), round(255 * b)


def _near(rng: random.Random, ground: Rgb) -> Rgb:
    """A second colour for a pattern: a lighter or darker ground, now and then another hue."""
    if rng.random() < 0.3:
        return _any(rng)
    factor = rng.choice((rng.uniform(0.5, 0.85), rng.uniform(1.15, 1.6)))
    red, green, blue = (min(255, round(c * factor)) for c in ground)
    return red, green, blue


def _stripes(rng: random.Random, ground: Rgb, crossed: bool) -> Pixels:
    size = 128
    line = np.tile(np.asarray(ground, np.float32), (size, 1))
    for _ in range(rng.randint(1, 5)):
        start, width = rng.randrange(size), rng.randint(2, 40)
        line[(start + np.arange(width)) % size] = _near(rng, ground)
    image = np.broadcast_to(line, (size, size, 3)) / 255
    if crossed:
        image = (image + image.transpose(1, 0, 2)) / 2
    return image.astype(np.float32)


def _wallpaper(rng: random.Random, ground: Rgb) -> Pixels:
    """Flowers, dots or leaves in rows, wrapped round the tile's borders."""
    size = 192
    image = Image.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(image)
    colours = [_near(rng, ground) for _ in range(3)]
    shape, rows = rng.choice(("dots", "flower", "diamond", "leaf")), rng.choice((1, 2, 3, 4))
    step, radius = size // rows, size / rows * rng.uniform(0.12, 0.42)
    for row in range(-1, rows + 1):
        for column in range(-1, rows + 1):
            x = (column + 0.5 + (0.5 if row % 2 and rows % 2 == 0 else 0)) * step
            _ornament(draw, shape, x, (row + 0.5) * step, radius, colours)
    return np.asarray(image, np.float32) / np.float32(255)


def _ornament(
    draw: ImageDraw.ImageDraw, shape: str, x: float, y: float, r: float, colours: list[Rgb]
) -> None:
    if shape == "flower":
        for k in range(6):
            dx, dy = r * 0.6 * np.cos(k * np.pi / 3), r * 0.6 * np.sin(k * np.pi / 3)
            half = r * 0.38
            draw.ellipse((x + dx - half, y + dy - half, x + dx + half, y + dy + half), colours[0])
        draw.ellipse((x - r * 0.3, y - r * 0.3, x + r * 0.3, y + r * 0.3), colours[1])
        draw.line((x, y + r, x + r * 0.3, y + 2.0 * r), colours[2], 3)
    elif shape == "diamond":
        draw.polygon([(x, y - r), (x + r * 0.7, y), (x, y + r), (x - r * 0.7, y)], colours[0])
    elif shape == "leaf":
        draw.chord((x - r, y - r, x + r, y + r), 20, 200, colours[0])
        draw.chord((x - r / 2, y - r, x + r, y + r), 200, 330, colours[1])
    else:
        draw.ellipse((x - r, y - r, x + r, y + r), colours[0])


def _painting(rng: random.Random, size: tuple[int, int], ground: Rgb) -> Image.Image:
    """A landscape of sorts, a portrait of sorts, or coloured shapes."""
    width, height = size
    sky, land = _any(rng), _any(rng)
    ramp = np.linspace(0, 1, height)[:, None, None]
    rows = np.asarray(ground) * (1 - ramp) + np.asarray(sky) * ramp
    image = Image.fromarray(np.broadcast_to(rows, (height, width, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.6:
        line = height * rng.uniform(0.4, 0.7)
        for k in range(rng.randint(1, 4)):
            shade = tuple(round(c * (1 - 0.2 * k)) for c in land)
            points = [(x, line + rng.gauss(0, height * 0.07)) for x in range(0, width + 20, 18)]
            draw.polygon([(0, height), *points, (width, height)], shade)
            line += height * rng.uniform(0.08, 0.2)
    for _ in range(rng.randint(2, 14)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(3, width / 4)
        corners = (x - r, y - r * rng.uniform(0.4, 1.6), x + r, y + r)
        if rng.random() < 0.5:
            draw.ellipse(corners, _any(rng))
        else:
            draw.rectangle(corners, _any(rng))
    if rng.random() < 0.3:  # a head and shoulders
        x, y, r = width / 2, height * 0.4, min(size) * 0.18
        draw.ellipse((x - 2 * r, y + r, x + 2 * r, height * 1.3), _any(rng))
        draw.ellipse((x - r, y - r * 1.3, x + r, y + r * 1.3), (210, 165, 130))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))


def _page(rng: random.Random, size: tuple[int, int], ground: Rgb) -> Image.Image:
    """A printed sheet: a heading, lines of text, a figure."""
    del ground
    width, height = size
    paper = rng.randint(215, 255)
    image = Image.new("RGB", size, (paper, paper, rng.randint(200, paper)))
    draw = ImageDraw.Draw(image)
    y = height * 0.08
    if rng.random() < 0.5:
        draw.rectangle((width * 0.1, y, width * rng.uniform(0.4, 0.9), y + 7), _any(rng))
        y += 16
    figure = rng.uniform(0.2, 0.9) * height if rng.random() < 0.4 else 2 * height
    while y < height * 0.93:
        if y > figure:
            draw.rectangle((width * 0.15, y, width * 0.85, y + height * 0.2), _any(rng))
            y, figure = y + height * 0.25, 2 * height
        draw.line((width * 0.1, y, width * rng.choice((0.9, 0.9, 0.88, 0.5)), y), (90,) * 3, 1)
        y += 4
    return image


def _screen(rng: random.Random, size: tuple[int, int], ground: Rgb) -> Image.Image:
    """A desktop with windows, or a film."""
    if rng.random() < 0.4:
        return _painting(rng, size, ground)
    width, height = size
    image = Image.new("RGB", size, _any(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(1, 3)):
        x, y = rng.uniform(0, width * 0.5), rng.uniform(0, height * 0.5)
        w, h = rng.uniform(0.3, 0.6) * width, rng.uniform(0.3, 0.6) * height
        image.paste(_page(rng, (max(16, int(w)), max(16, int(h))), ground), (int(x), int(y)))
        draw.rectangle((x, y - 6, x + w, y), _any(rng))
    return image


def _poster(rng: random.Random, size: tuple[int, int], ground: Rgb) -> Image.Image:
    """A painting with bars of lettering."""
    image = _painting(rng, size, ground)
    draw = ImageDraw.Draw(image)
    width, height = size
    for _ in range(rng.randint(1, 4)):
        y, x = rng.uniform(0.02, 0.9) * height, width * rng.uniform(0.05, 0.4)
        colour = _any(rng)
        while x < width * rng.uniform(0.6, 0.95):
            letter = rng.uniform(3, 9)
            draw.rectangle((x, y, x + letter, y + height * 0.06), colour)
            x += letter + 3
    return image
