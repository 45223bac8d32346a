"""Shows that the gate's eye notices ink that differs from the text: draws pages wrongly on purpose.

Prints a line for each page that is not judged as it should be.
"""

import pymupdf

import glyphs
import ink
import readers

FONT = str(glyphs.FONTS / "EBGaramond-Regular.ttf")
# What is painted, what the text says, and what is to be complained of; nothing if the page is right.
CASES = [
    ("José Muñoz", "José Muñoz", None),
    ("Jose Muñoz", "José Muñoz", "'é' (U+00E9) is drawn otherwise"),
    ("José Mu", "José Muñoz", "no ink for 'ñ'"),
    ("José´Muñoz", "José Muñoz", "ink beside"),
    ("Josè Muñoz", "José Muñoz", "'é' (U+00E9)"),
    ("Иван Кузнецов", "Иван Кузнецoв", None),
    ("Иван Кузнецов", "Иван Кузнецав", "is drawn otherwise"),
]


def page(painted, text):
    with pymupdf.open() as document:
        paper = document.new_page(width=600, height=200)
        for shown, mode in ((painted, 0), (text, 3)):
            paper.insert_text((40, 100), shown, fontsize=40, fontname="F0", fontfile=FONT, render_mode=mode)
        return document.tobytes()


def main():
    for painted, text, wanted in CASES:
        with readers.Opened(page(painted, text)) as opened:
            found = [fault for _, fault in ink.Eye().complaints(opened, "test", "LISTED", text)]
        if (wanted is None and found) or (wanted and not any(wanted in fault for fault in found)):
            print(f"{painted!r} for {text!r}: {found}")


main()
