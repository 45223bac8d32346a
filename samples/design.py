#!/usr/bin/env python3
"""Draws design.jpg, the sample background of the demo: A4 landscape at 150 dpi.

usage: design.py    (needs Pillow and numpy; writes beside itself)
"""

import math
import pathlib

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, SCALE = 1754, 1240, 2  # drawn twice as large, then made smaller: smooth edges
NAVY, TEAL, GOLD = (20, 46, 74), (38, 98, 110), (190, 150, 76)


def paper() -> Image.Image:
    """Warm white, a little brighter in the middle."""
    y, x = np.mgrid[0 : HEIGHT * SCALE, 0 : WIDTH * SCALE].astype(np.float32)
    far = np.hypot(x / (WIDTH * SCALE) - 0.5, y / (HEIGHT * SCALE) - 0.5)
    shade = np.clip(far - 0.2, 0, 1)[..., None]
    return Image.fromarray((np.array([255, 254, 251]) - shade * np.array([16, 19, 26])).astype("uint8"))


def sweep(near: float, far: float, bend: float) -> list[tuple[float, float]]:
    """A soft S-shaped edge from the left side (`near` down) to the upper side (`far` across)."""
    points = []
    for i in range(201):
        t = i / 200
        angle = t * math.pi / 2
        swing = 1 + bend * math.sin(2 * angle) * math.sin(3 * angle)
        points.append((far * math.sin(angle) ** 1.6 * swing, near * math.cos(angle) ** 1.6 * swing))
    return points


def corner(draw: ImageDraw.ImageDraw, mirrored: bool) -> None:
    def place(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        return [(WIDTH * SCALE - x, HEIGHT * SCALE - y) for x, y in scaled] if mirrored else scaled

    for near, far, bend, colour in [
        (380, 520, -0.42, (226, 234, 234)),
        (325, 440, -0.42, TEAL),
        (280, 375, -0.42, NAVY),
    ]:
        draw.polygon(place([(0, 0), *sweep(near, far, bend)[::-1]]), fill=colour)
    for near, far in [(340, 460), (294, 396)]:
        draw.line(place(sweep(near, far, -0.42)), fill=GOLD, width=3 * SCALE, joint="curve")


def frame(draw: ImageDraw.ImageDraw) -> None:
    for inset, width in [(44, 2), (52, 1)]:
        box = [inset * SCALE, inset * SCALE, (WIDTH - inset) * SCALE, (HEIGHT - inset) * SCALE]
        draw.rectangle(box, outline=GOLD, width=width * SCALE)


def main() -> None:
    image = paper()
    draw = ImageDraw.Draw(image)
    frame(draw)
    corner(draw, mirrored=False)
    corner(draw, mirrored=True)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    image.save(pathlib.Path(__file__).with_name("design.jpg"), quality=88, dpi=(150, 150), optimize=True)


if __name__ == "__main__":
    main()
