"""Draws names from CLDR's exemplar characters, the letters of DIN 91379 and the marks of each script.

The same count and seed give the same names. Every letter of a script comes up before one comes up twice.
"""

import json
import pathlib
import random
import unicodedata

HERE = pathlib.Path(__file__).parent
LATIN_MARKS = "\u0300 \u0301 \u0302 \u0303 \u0304 \u0306 \u0307 \u0308 \u030a \u030b \u030c \u0323 \u0327 \u0328 \u0331"
SERBIAN_MARKS = "\u0300 \u0301 \u0304 \u030f \u0311"
HARAKAT = "\u064b \u064c \u064d \u064e \u064f \u0650 \u0652"
SHADDA = "\u0651"
HEBREW_VOWELS = "\u05b0 \u05b1 \u05b2 \u05b3 \u05b4 \u05b5 \u05b6 \u05b7 \u05b8 \u05b9 \u05bb"
THAI_ABOVE_BELOW = "ั ิ ี ึ ื ุ ู"
THAI_TONES = "่ ้ ๊ ๋"
SHORT_A = "\u0e31"
SILENT = "\u0e4c"
MATRAS = "ा ि ी ु ू ृ े ै ो ौ"
VIRAMA = "\u094d"
# Shares of the scripts, in names of a hundred.
SHARES = {
    "LATIN": 30, "DIN91379": 12, "CYRILLIC": 10, "GREEK": 6, "ARABIC": 8, "HEBREW": 6, "DEVANAGARI": 9, "THAI": 4,
    "ARMENIAN": 2, "GEORGIAN": 2, "HIRAGANA": 5, "CJK": 4, "HANGUL": 2,
}


def data_lines(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


class Deck:
    """Cards that all come up before one comes up twice."""

    def __init__(self, cards, dice):
        self.cards, self.dice, self.left = sorted(set(cards)), dice, []

    def deal(self):
        if not self.left:
            self.left = self.cards[:]
            self.dice.shuffle(self.left)
        return self.left.pop()


def is_mark(character):
    return unicodedata.category(character).startswith("M")


def letters_of(lines):
    """Letters of several languages, small and, where there is one, capital."""
    found = set()
    for line in lines:
        for part in line.split():
            if not is_mark(part[0]) and part != "ـ":
                found.update((part, part.upper() if len(part) == len(part.upper()) == 1 else part))
    return [unicodedata.normalize("NFC", part) for part in found if len(part) < 4]


class Repertoire:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.cldr = json.loads((HERE / "cldr.json").read_text(encoding="utf-8"))
        decks = {script: letters_of(lines.values()) for script, lines in self.cldr.items()}
        decks["DIN91379"] = [letter for line in data_lines("din91379.txt") for letter in line.split()]
        self.decks = {script: Deck(cards, self.dice) for script, cards in decks.items()}
        self.consonants = Deck([c for c in decks["DEVANAGARI"] if "क" <= c[0] <= "ह" and len(c) == 1], self.dice)
        self.thai = Deck([c for c in decks["THAI"] if "ก" <= c <= "ฮ"], self.dice)
        self.hebrew = Deck([c for c in decks["HEBREW"] if "א" <= c <= "ת"], self.dice)
        self.marks = {
            name: Deck(marks.split(), self.dice)
            for name, marks in {
                "latin": LATIN_MARKS, "serbian": SERBIAN_MARKS, "harakat": HARAKAT, "vowels": HEBREW_VOWELS,
                "thai": THAI_ABOVE_BELOW, "tones": THAI_TONES, "matras": MATRAS,
            }.items()
        }

    def chance(self, part):
        return self.dice.random() < part

    def mark(self, name):
        return self.marks[name].deal()

    def cluster(self, script):
        """A letter of the script, with the marks that stand on letters there."""
        letter = self.decks[script].deal() if script not in ("DEVANAGARI", "THAI", "HEBREW") else None
        if script == "LATIN" and self.chance(0.3) and letter in "aeioumnAEIOUMN":
            return letter + self.mark("latin")
        if script == "CYRILLIC" and letter.lower() in "аеиоурѐѝ" and self.chance(0.5):
            return letter + self.mark("serbian")
        if script == "ARABIC" and self.chance(0.4):
            return letter + (SHADDA if self.chance(0.3) else "") + self.mark("harakat")
        if script == "HEBREW":
            letter = self.hebrew.deal()
            if self.chance(0.5):
                return letter
            dot = self.dice.choice("\u05c1\u05c2") if letter == "ש" else ""
            dagesh = "\u05bc" if letter in "בגדכפת" and self.chance(0.4) else ""
            return letter + dagesh + self.mark("vowels") + dot
        if script == "DEVANAGARI":
            return self.devanagari()
        if script == "THAI":
            return self.thai_syllable()
        return letter

    def thai_syllable(self):
        """A consonant, perhaps with a second one, with one vowel before, on or after it, a tone and an end."""
        start = self.thai.deal() + (self.dice.choice("รลว") if self.chance(0.1) else "")
        tone = self.mark("tones") if self.chance(0.35) else ""
        end = self.thai.deal() if self.chance(0.4) else ""
        kind = self.dice.random()
        if kind < 0.2:
            return self.dice.choice("เแโใไ") + start + tone + end
        if kind < 0.3:
            return start + tone + self.dice.choice("ะาำ")
        if kind < 0.7:
            vowel = self.mark("thai")
            return start + vowel + tone + (end or ("น" if vowel == SHORT_A else ""))
        # A letter that is not spoken may end a word.
        return start + tone + "า" + self.thai.deal() + SILENT if self.chance(0.2) else start + tone + end

    def devanagari(self):
        if self.chance(0.15):
            return self.dice.choice("अआइईउऊऋएऐओऔ")
        parts = [self.consonants.deal()]
        while self.chance(0.35) and len(parts) < 3:
            parts.append(self.consonants.deal())
        syllable = VIRAMA.join(parts)
        if self.chance(0.6):
            syllable += self.mark("matras")
        return syllable + (self.dice.choice("ंँः") if self.chance(0.15) else "")

    def word(self, script):
        if script == "HIRAGANA":
            kind = self.dice.choice(["kanji", "kana"])
            wanted = (lambda c: "\u3040" <= c <= "\u30ff") if kind == "kana" else (lambda c: not "\u3040" <= c <= "\u30ff")
            return "".join(self.deal_where(script, wanted) for _ in range(self.dice.randint(1, 3)))
        lengths = {"CJK": (1, 3), "HANGUL": (1, 3), "DEVANAGARI": (2, 5), "THAI": (2, 6)}
        least, most = lengths.get(script, (3, 8))
        return "".join(self.cluster(script) for _ in range(self.dice.randint(least, most)))

    def deal_where(self, script, wanted):
        for _ in range(10_000):
            card = self.decks[script].deal()
            if wanted(card):
                return card
        raise ValueError(f"{script} has no such letter")

    def language_word(self, script):
        """A word with the letters of one language only."""
        line = self.dice.choice(sorted(self.cldr[script].values()))
        letters = letters_of([line])
        return "".join(self.dice.choice(sorted(letters)) for _ in range(self.dice.randint(3, 8)))

    def name(self, script):
        words = [self.word(script) for _ in range(self.dice.randint(1, 3))]
        if script in ("LATIN", "CYRILLIC", "GREEK") and self.chance(0.5):
            words[0] = self.language_word(script)
        return unicodedata.normalize("NFC", " ".join(words))


def names(count, seed):
    """Names as dictionaries with "script" and "name": those of names.txt, then drawn ones."""
    listed = [{"script": "LISTED", "name": unicodedata.normalize("NFC", line)} for line in data_lines("names.txt")]
    drawn, repertoire = [], Repertoire(seed)
    scripts = [script for script, share in SHARES.items() for _ in range(share)]
    repertoire.dice.shuffle(scripts)
    while len(listed) + len(drawn) < count:
        script = scripts[len(drawn) % len(scripts)]
        drawn.append({"script": script, "name": repertoire.name(script)})
    return (listed + drawn)[: max(count, len(listed))]
