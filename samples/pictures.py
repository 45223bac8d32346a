#!/usr/bin/env python3
"""Draws logo.png, signature-1.png and signature-2.png, the pictures on sample pages. Nobody has these signatures.

usage: pictures.py DELAFIELD.ttf HAVILAND.ttf

Needs Pillow and resvg-py. The fonts are Mrs Saint Delafield and Mr De Haviland (SIL Open Font License), from the
npm packages @fontsource/mrs-saint-delafield and @fontsource/mr-de-haviland.
"""

import pathlib
import sys

import resvg_py
from PIL import Image, ImageDraw, ImageFont

HERE = pathlib.Path(__file__).parent
INK = (27, 38, 79)
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480" viewBox="0 0 48 48">
<path d="M24 3 C34 9 39 16.5 39 25 C39 35 32.5 41.5 24 45 C15.5 41.5 9 35 9 25 C9 16.5 14 9 24 3 Z" fill="#0f5f6b"/>
<g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round">
<path d="M24 38 V15"/><path d="M24 31 C18.5 30 16 26.5 15.6 21.5"/><path d="M24 26 C29.5 25 32 21.5 32.4 16.5"/>
</g></svg>"""


def signature(text: str, font: str, name: str) -> None:
    """A name in handwriting, a little uphill, dark blue on nothing."""
    ink = Image.new("L", (2400, 1000), 0)
    ImageDraw.Draw(ink).text((400, 300), text, font=ImageFont.truetype(font, 220), fill=255)
    ink = ink.rotate(4, resample=Image.Resampling.BICUBIC)
    ink = ink.crop(ink.getbbox())
    width = 520
    ink = ink.resize((width, round(ink.height * width / ink.width)), Image.Resampling.LANCZOS)
    picture = Image.new("RGBA", ink.size, (*INK, 0))
    picture.putalpha(ink)
    picture.save(HERE / name, optimize=True)


if __name__ == "__main__":
    signature("Elena Marin", sys.argv[1], "signature-1.png")
    signature("Tobias Okafor", sys.argv[2], "signature-2.png")
    (HERE / "logo.png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=LOGO)))
