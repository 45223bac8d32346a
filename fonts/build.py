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
# With the rarer letters and marks of African and American languages, for the font that others fall back to.
EUROPEAN_AND_RARE = EUROPEAN + [(0x1AB0, 0x1AFF), (0x1C80, 0x1C8F), (0x1D00, 0x1DFF), (0x2C60, 0x2C7F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F), (0xA700, 0xA7FF), (0xAB30, 0xAB6F)]
EVERYTHING = [(0x20, 0x10FFFF)]


# Characters of the Table of General Standard Chinese Characters (China, 2013) outside of the first block. Most of its
# third level is for names.
GENERAL_STANDARD = (
    "㑇㑊㕮㘎㙍㙘㙦㛃㛚㛹㟃㠇㠓㤘㥄㧐㧑㧟㫰㬊㬎㬚㭎㭕㮾㰀㳇㳘㳚㴔㵐㶲㸆㸌㺄㻬㽏㿠䁖䂮䃅䃎䅟䌹䎃䎖䏝䏡䏲䐃"
    "䓖䓛䓨䓫䓬䗖䗛䗪䗴䜣䝙䢺䢼䣘䥽䦃䲟䲠䲢䴓䴔䴕䴖䴗䴘䴙䶮𠅤𠙶𠳐𡎚𡐓𣗋𣲗𣲘𣸣𤧛𤩽𤫉𥔲𥕢𥖨𥻗𦈡𦒍𦙶𦝼𦭜𦰡𧿹"
    "𨐈𨙸𨚕𨟠𨭉𨱇𨱏𨱑𨱔𨺙𩽾𩾃𩾌𪟝𪣻𪤗𪨰𪨶𪩘𪾢𫄧𫄨𫄷𫄸𫇭𫌀𫍣𫍯𫍲𫍽𫐄𫐐𫐓𫑡𫓧𫓯𫓶𫓹𫔍𫔎𫔶𫖮𫖯𫖳𫗧𫗴𫘜𫘝𫘦𫘧"
    "𫘨𫘪𫘬𫚕𫚖𫚭𫛭𫞩𫟅𫟦𫟹𫟼𫠆𫠊𫠜𫢸𫫇𫭟𫭢𫭼𫮃𫰛𫵷𫶇𫷷𫸩𬀩𬀪𬂩𬃊𬇕𬇙𬇹𬉼𬊈𬊤𬌗𬍛𬍡𬍤𬒈𬒔𬒗𬕂𬘓𬘘𬘡𬘩𬘫𬘬"
    "𬘭𬘯𬙂𬙊𬙋𬜬𬜯𬞟𬟁𬟽𬣙𬣞𬣡𬣳𬤇𬤊𬤝𬨂𬨎𬩽𬪩𬬩𬬭𬬮𬬱𬬸𬬹𬬻𬬿𬭁𬭊𬭎𬭚𬭛𬭤𬭩𬭬𬭯𬭳𬭶𬭸𬭼𬮱𬮿𬯀𬯎𬱖𬱟𬳵𬳶"
    "𬳽𬳿𬴂𬴃𬴊𬶋𬶍𬶏𬶐𬶟𬶠𬶨𬶭𬶮𬷕𬸘𬸚𬸣𬸦𬸪𬹼𬺈𬺓"
)
# Characters of Japanese family registers that no standard has.
FAMILY_REGISTERS = "𠮷𣘺𦚰𥔎𣷹"


def cjk() -> set[int]:
    """Every ideograph of Unicode's first block, with which GB 2312, GBK, Big5, KS X 1001 and most names are written;
    what JIS X 0213, vendors and GENERAL_STANDARD have beyond it; and every Hangul syllable."""

    def has(code: int, encoding: str) -> bool:
        try:
            return bool(chr(code).encode(encoding))
        except UnicodeEncodeError:
            return False

    wanted = set(range(0x4E00, 0xA000))
    beyond = [*range(0x3400, 0x4DC0), *range(0xF900, 0xFB00), *range(0x20000, 0x30000)]
    wanted.update(code for code in beyond if any(has(code, name) for name in ("euc_jis_2004", "cp932", "euc_kr")))
    wanted.update(map(ord, GENERAL_STANDARD + FAMILY_REGISTERS))
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
    ("NotoSerif-Regular.ttf", 0, "NotoSerif-Regular.ttf", EUROPEAN_AND_RARE, None),
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
