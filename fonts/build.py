#!/usr/bin/env python3
"""Cuts the bundled fonts from their origin packages (see README.md).

usage: build.py SOURCES    where SOURCES holds the font files named in ORIGINS below

Needs fonttools 4.68. Running it again on the same files gives the same bytes, and with them the same
fonts digest; a certificate pins that digest, so change a font only together with the renderer version.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).parent

# The features that running text needs without asking; small capitals and stylistic sets are dropped.
FEATURES = [
    "abvf", "abvm", "abvs", "akhn", "blwf", "blwm", "blws", "calt", "ccmp", "cfar", "cjct", "clig", "curs",
    "dist", "fin2", "fin3", "fina", "half", "haln", "init", "isol", "kern", "liga", "ljmo", "locl", "mark",
    "med2", "medi", "mkmk", "nukt", "pref", "pres", "pstf", "psts", "rclt", "rkrf", "rlig", "rphf",
    "tjmo", "vatu", "vjmo",
]

# Latin with all its extensions, combining marks, Greek, Cyrillic, punctuation, currency, number forms.
EUROPEAN = [
    (0x20, 0x7E), (0xA0, 0x36F), (0x370, 0x52F), (0x1E00, 0x1FFF), (0x2010, 0x2027), (0x2030, 0x205E),
    (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x218B), (0x2212, 0x2212), (0x25CC, 0x25CC), (0xFB00, 0xFB06),
]
EVERYTHING = [(0x20, 0x10FFFF)]


def cjk() -> set[int]:
    """What the national standards hold: JIS X 0208 with vendor extensions (the kanji of names among
    them), GB 2312, the frequent half of Big5, KS X 1001, and every Hangul syllable."""

    def encodes(code: int, encoding: str) -> bytes | None:
        try:
            return chr(code).encode(encoding)
        except UnicodeEncodeError:
            return None

    wanted: set[int] = set()
    for code in [*range(0x4E00, 0xA000), *range(0xF900, 0xFB00)]:
        big5 = encodes(code, "big5")
        frequent = big5 is not None and 0xA440 <= int.from_bytes(big5, "big") <= 0xC67E
        if frequent or any(encodes(code, name) for name in ("cp932", "gb2312", "euc_kr")):
            wanted.add(code)
    for first, last in [(0x3000, 0x30FF), (0x3131, 0x318E), (0x31F0, 0x31FF), (0xAC00, 0xD7A3), (0xFF01, 0xFFE6)]:
        wanted.update(range(first, last + 1))
    return wanted


# Without `locl`, which would draw in the forms of each country for a language that is never set.
CJK_FEATURES = ["ccmp", "ljmo", "tjmo", "vjmo"]

# file in SOURCES, number inside a collection, output, repertoire, new family name
ORIGINS = [
    ("EBGaramond_400Regular.ttf", 0, "EBGaramond-Regular.ttf", EUROPEAN, None),
    ("EBGaramond_400Regular_Italic.ttf", 0, "EBGaramond-Italic.ttf", EUROPEAN, None),
    ("Montserrat_400Regular.ttf", 0, "Montserrat-Regular.ttf", EUROPEAN, None),
    ("Montserrat_600SemiBold.ttf", 0, "Montserrat-SemiBold.ttf", EUROPEAN, None),
    ("NotoNaskhArabic-Regular.ttf", 0, "NotoNaskhArabic-Regular.ttf", EVERYTHING, None),
    ("NotoSerifHebrew-Regular.ttf", 0, "NotoSerifHebrew-Regular.ttf", EVERYTHING, None),
    ("NotoSerifArmenian-Regular.ttf", 0, "NotoSerifArmenian-Regular.ttf", EVERYTHING, None),
    ("NotoSerifGeorgian-Regular.ttf", 0, "NotoSerifGeorgian-Regular.ttf", EVERYTHING, None),
    ("NotoSerifDevanagari-Regular.ttf", 0, "NotoSerifDevanagari-Regular.ttf", EVERYTHING, None),
    ("NotoSerifThai-Regular.ttf", 0, "NotoSerifThai-Regular.ttf", EVERYTHING, None),
    ("SpaceGrotesk_500Medium.ttf", 0, "SpaceGrotesk-Medium.ttf", EUROPEAN, None),
    ("SpaceGrotesk_700Bold.ttf", 0, "SpaceGrotesk-Bold.ttf", EUROPEAN, None),
    ("InstrumentSerif_400Regular.ttf", 0, "InstrumentSerif-Regular.ttf", EUROPEAN, None),
    ("InstrumentSerif_400Regular_Italic.ttf", 0, "InstrumentSerif-Italic.ttf", EUROPEAN, None),
    ("NotoSerifCJK-Regular.ttc", 0, "LaureateSerifCJK-Regular.otf", None, "Laureate Serif CJK"),
]


def cut(source: pathlib.Path, number: int, unicodes: set[int], features: list[str]) -> TTFont:
    options = subset.Options()
    options.layout_features = features
    options.hinting = False
    options.desubroutinize = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17]
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.glyph_names = False
    options.recalc_timestamp = False
    options.font_number = number
    options.drop_tables += ["DSIG", "BASE", "vhea", "vmtx", "VORG", "meta", "STAT"]
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=unicodes)
    cutter.subset(font)
    return font


def rename(font: TTFont, family: str) -> None:
    postscript = family.replace(" ", "")
    for record in font["name"].names:
        text = {1: family, 3: f"{postscript}-Regular", 4: family, 6: f"{postscript}-Regular", 16: family}.get(record.nameID)
        if text:
            record.string = text
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [f"{postscript}-Regular"]
        top = cff.topDictIndex[0]
        top.FullName = family
        top.FamilyName = family


def main() -> None:
    sources = pathlib.Path(sys.argv[1])
    total = 0
    for name, number, output, ranges, family in ORIGINS:
        unicodes = cjk() if ranges is None else {c for first, last in ranges for c in range(first, last + 1)}
        font = cut(sources / name, number, unicodes, CJK_FEATURES if ranges is None else FEATURES)
        if family:
            rename(font, family)
        font.save(HERE / output)
        size = (HERE / output).stat().st_size
        total += size
        print(f"{output}: {size} bytes, {len(font.getGlyphOrder())} glyphs")
    print(f"total {total} bytes")


if __name__ == "__main__":
    main()
