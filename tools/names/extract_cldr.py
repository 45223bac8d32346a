"""Extracts the exemplar characters of the scripts that the bundled fonts claim from CLDR's JSON distribution.

usage: extract_cldr.py FOLDER     FOLDER is the unpacked npm package cldr-misc-full; the result is cldr.json beside this file
"""

import json
import pathlib
import re
import sys
import unicodedata

# Script by the first word of a letter's Unicode name, and the languages where not all are claimed (fonts/README.md).
SCRIPTS = {
    "LATIN": None,
    "GREEK": None,
    "CYRILLIC": None,
    "ARABIC": {"ar", "fa", "ur"},
    "HEBREW": {"he"},
    "ARMENIAN": None,
    "GEORGIAN": {"ka"},
    "DEVANAGARI": {"hi", "mr", "ne"},
    "THAI": None,
    "HIRAGANA": None,
    "CJK": {"zh", "zh-Hant"},
    "HANGUL": None,
}
TOKEN = re.compile(r"\{([^}]*)\}|\\u([0-9A-Fa-f]{4})|\\(.)|(\S)", re.S)


def characters(unicode_set):
    """Lists the members of a UnicodeSet such as [a-c {ch} \\-]."""
    found, pending = [], False
    for sequence, code, escaped, plain in TOKEN.findall(unicode_set.strip()[1:-1]):
        if plain == "-":
            pending = True
            continue
        member = sequence or (chr(int(code, 16)) if code else escaped or plain)
        if pending:
            found.extend(chr(c) for c in range(ord(found[-1]) + 1, ord(member)))
            pending = False
        found.append(re.sub(r"\\(.)", r"\1", member))
    return found


def script_of(letters):
    for letter in letters:
        first = unicodedata.name(letter[0], "").split(" ")[0].split("-")[0]
        if first in SCRIPTS:
            return first
    return None


def main():
    found = {script: {} for script in SCRIPTS}
    for file in sorted(pathlib.Path(sys.argv[1], "main").glob("*/characters.json")):
        locale = file.parent.name
        sets = json.loads(file.read_text(encoding="utf-8"))["main"][locale]["characters"]
        letters = characters(sets.get("exemplarCharacters", "[]"))
        script = script_of(letters)
        # Church Slavonic is nobody's name in a register.
        if script is None or locale == "cu" or (SCRIPTS[script] and locale not in SCRIPTS[script]):
            continue
        # Kanji that only other words need would be most of the file; Georgian has there the alphabets of its church.
        more = [] if script in ("CJK", "GEORGIAN") else characters(sets.get("auxiliary", "[]"))
        chosen = [part for part in dict.fromkeys(letters + more) if any(unicodedata.category(c)[0] in "LM" for c in part)]
        line = " ".join(chosen)
        if line not in found[script].values():
            found[script][locale] = line
    # The syllables of Korean are a range.
    found["HANGUL"] = {locale: line[:4000] for locale, line in found["HANGUL"].items()}
    target = pathlib.Path(__file__).with_name("cldr.json")
    target.write_text(json.dumps(found, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


main()
