"""Compares the ink of a name on a page with the outlines that HarfBuzz places."""

import math

import pymupdf
from PIL import Image, ImageChops, ImageFilter
from pymupdf import mupdf

import glyphs

# Height of the font in pixels: a stroke is two pixels wide or more.
PIXELS = 64
# How much of a cluster's ink may be missing, or be there beside it, before it counts as drawn otherwise.
LOST, ADDED = 0.12, 0.12
# How much ink may be where no cluster is, in parts of the square of the font size.
BESIDE = 0.01
BESIDE_LETTERS = ("ink beside", "ink beside the letters")
# Ink in a row of pixels that is as long as this, in font sizes, is a rule of the theme: no letter has so long a stroke.
RULE = 2.5
# A cluster that lacks less of its ink on the page than this part fits there.
HARDLY = 0.03
GREY = mupdf.FzColorspace(mupdf.FzColorspace.Fixed_GRAY)
BLACK = mupdf.new_floats(1)
mupdf.floats_setitem(BLACK, 0, 0.0)


def letters(textpage):
    """Characters of a page in the order of reading, with origin, size and box; None where a line ends."""
    found = []
    for block in textpage.extractRAWDICT()["blocks"]:
        for line in block.get("lines", []):
            for span in line["spans"]:
                found.extend((char["c"], char["origin"], span["size"], char["bbox"]) for char in span["chars"])
            found.append(None)
    return found


def located(name, found):
    """Words of a name with the characters of the page, and the boxes of texts on other lines; None if the name isn't there."""
    is_blank = lambda entry: entry is None or entry[0].isspace()
    dense = [entry for entry in found if not is_blank(entry)]
    text = "".join(entry[0] for entry in dense)
    at = text.find(name.replace(" ", ""))
    if at < 0:
        return None
    words, end = [], at + len(name.replace(" ", ""))
    own_lines = {round(entry[1][1]) for entry in dense[at:end]}
    others = [e[3] for e in dense[:at] + dense[end:] if round(e[1][1]) not in own_lines]
    for word in name.split(" "):
        words.append((word, dense[at : at + len(word)]))
        at += len(word)
    return words, others


class Placed:
    """A cluster at its place on the page."""

    def __init__(self, cluster, characters, shift):
        self.cluster = cluster
        part = characters[cluster.start : cluster.end]
        self.size = part[0][2]
        self.x, self.y = min(entry[1][0] for entry in part), part[0][1][1]
        if shift and len(cluster.glyphs) == 1:
            # The origin of a glyph that is shown as such has its offset already.
            self.x -= cluster.glyphs[0][1] * self.size

    def rect(self):
        """Ink of the cluster as (left, top, right, bottom) on the page."""
        box = self.cluster.box()
        if box is None:
            return None
        left, bottom, right, top = (side * self.size for side in box)
        return self.x + left, self.y - top, self.x + right, self.y - bottom

    def fill(self, device, zoom):
        scale = self.size * self.cluster.font.scale * zoom
        for glyph, x, y in self.cluster.glyphs:
            place = (self.x + x * self.size) * zoom, (self.y - y * self.size) * zoom
            matrix = mupdf.FzMatrix(scale, 0, 0, -scale, *place)
            path = self.cluster.font.path(glyph)
            mupdf.fz_fill_path(device, path, 0, matrix, GREY, BLACK, 1.0, mupdf.FzColorParams())


class Line:
    """Picture of the part of a page where the name is. Boxes are in pixels of the enlarged page."""

    def __init__(self, opened, words, others):
        entries = [entry for _, characters in words for entry in characters]
        size = max(entry[2] for entry in entries)
        self.zoom = PIXELS / size
        xs = [x for entry in entries for x in (entry[3][0], entry[3][2])]
        ys = [entry[1][1] for entry in entries]
        area = pymupdf.Rect(min(xs) - size, min(ys) - 2 * size, max(xs) + size, max(ys) + 1.5 * size) & opened.rect
        matrix = pymupdf.Matrix(self.zoom, self.zoom)
        picture = opened.drawing.get_pixmap(matrix=matrix, clip=area, colorspace=pymupdf.csGRAY, alpha=0)
        self.grey = Image.frombytes("L", (picture.width, picture.height), picture.samples)
        self.left, self.top = picture.x, picture.y
        # The marks of a name may reach between the letters of other lines.
        self.others = [self.pixels(box) for box in others]
        self.masks = {}
        # The commonest grey around the name is the ground, and what differs most from it is ink.
        histogram = self.grey.crop(inside(self.area([entry[3] for entry in entries], 0), (self.left, self.top))).histogram()
        ground = histogram.index(max(histogram))
        self.levels = ground, max(abs(grey - ground) for grey, times in enumerate(histogram) if times)

    def pixels(self, rect):
        """Box of a part of the page, at least a pixel wide and high."""
        left, top, right, bottom = (round(side * self.zoom) for side in rect)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def area(self, rects, margin):
        """Box around parts of the page, as far as the picture shows it."""
        lefts, tops, rights, bottoms = zip(*rects)
        return (
            max(math.floor(min(lefts) * self.zoom) - margin, self.left),
            max(math.floor(min(tops) * self.zoom) - margin, self.top),
            min(math.ceil(max(rights) * self.zoom) + margin, self.left + self.grey.width),
            min(math.ceil(max(bottoms) * self.zoom) + margin, self.top + self.grey.height),
        )

    def drawn(self, area):
        """Ink of the page, as it is and a pixel wider: 255 where it is, 0 elsewhere."""
        if area not in self.masks:
            ink = mask(self.grey.crop(inside(area, (self.left, self.top))), *self.levels)
            self.masks[area] = ink, wider(ink)
        return self.masks[area]

    def wanted(self, area, placed):
        """Ink of clusters, as it is and a pixel wider."""
        picture = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(*area), False)
        picture.clear_with(255)
        device = mupdf.fz_new_draw_device(mupdf.FzMatrix(), picture.this)
        for p in placed:
            p.fill(device, self.zoom)
        mupdf.fz_close_device(device)
        ink = mask(Image.frombytes("L", (picture.width, picture.height), picture.samples), 255, 255)
        return ink, wider(ink)

    def fit(self, p):
        """How badly a cluster alone fits the page: (missing ink in parts of its own, minus its ink), 0 for hardly any.
        Its neighbours reach into its box, so that further ink tells nothing: of fonts that fit, the heaviest is right."""
        rect = p.rect()
        if rect is None:
            return 0, 0
        box = self.area([rect], 1)
        if box[0] >= box[2] or box[1] >= box[3]:
            return math.inf, 0
        _, drawn_wider = self.drawn(box)
        wanted, _ = self.wanted(box, [p])
        ink = count(wanted)
        lost = count(ImageChops.subtract(wanted, drawn_wider)) / max(1, ink)
        return (0 if lost < HARDLY else lost), -ink

    def faults(self, placed):
        """Clusters that are drawn otherwise, as (kind, text)."""
        rects = [(p, rect) for p in placed if (rect := p.rect())]
        missing = [("in no font", f"{show(p.cluster.text)} is in no font") for p in placed if p.cluster.missing]
        if missing or not rects:
            return missing or [("nothing to see", "nothing to see")]
        area = self.area([rect for _, rect in rects], round(PIXELS / 16))
        if area[0] >= area[2] or area[1] >= area[3]:
            return [("nothing to see", "nothing to see")]
        drawn, drawn_wider = self.drawn(area)
        wanted, wanted_wider = self.wanted(area, placed)
        lost, added = ImageChops.subtract(wanted, drawn_wider), ImageChops.subtract(drawn, wanted_wider)
        for other in self.others:
            if meet(other, area):
                added.paste(0, inside(other, area))
        found, boxes = [], [inside(self.pixels(rect), area) for _, rect in rects]
        for (p, _), box in zip(rects, boxes):
            ink = count(wanted.crop(box))
            if ink and not count(drawn.crop(box)):
                found.append(("no ink", f"no ink for {show(p.cluster.text)}"))
            elif count(lost.crop(box)) > LOST * ink:
                found.append(("otherwise", f"{show(p.cluster.text)} is drawn otherwise ({p.cluster.font.name})"))
            elif count(added.crop(box)) > ADDED * ink:
                found.append(("more ink", f"more ink than {show(p.cluster.text)} has ({p.cluster.font.name})"))
            added.paste(0, box)
        if not found and count(without_rules(added)) > BESIDE * PIXELS**2:
            found.append(BESIDE_LETTERS)
        return found


class Eye:
    """Looks at pages. Keeps what was seen: a theme draws a script in the same font each time."""

    def __init__(self):
        self.fonts = glyphs.load()
        self.seen = {}

    def complaints(self, opened, theme, script, name):
        """What differs from the name on an opened page, as (kind, text)."""
        found = located(name, letters(opened.textpage))
        if found is None:
            return [("not in one piece", "its letters are not in one piece")]
        words, others = found
        return self.look(Line(opened, words, others), (theme, script), words)

    def look(self, line, key, words):
        """Finds the font of the whole name, or else of each word, and returns what is drawn otherwise than in it."""
        placed, faults = self.best(line, key, words)
        if faults not in ([], [BESIDE_LETTERS]):
            placed = [p for n, word in enumerate(words) for p in self.mixed(line, (*key, n), word)]
            faults = line.faults(placed)
        strays = [p for p in placed if p.cluster.strays()]
        return faults or [("mark beside", f"mark beside its letter in {show(p.cluster.text)}") for p in strays]

    def mixed(self, line, key, word):
        """The clusters of a word in the font that fits most of them, and others, such as signs, in the font that fits."""
        placed, faults = self.best(line, key, [word])
        if faults in ([], [BESIDE_LETTERS]):
            return placed
        fits = {}
        for font in self.fonts:
            for shift in shifts(font, [word]):
                for p in place(font, [word], shift, partly=True):
                    fit = (1000, 0) if p.cluster.missing else line.fit(p)
                    fits.setdefault(p.cluster.start, {})[font.name, shift] = fit, p
        good = {}
        for of_cluster in fits.values():
            for font, (fit, _) in of_cluster.items():
                times, ink = good.get(font, (0, 0))
                good[font] = (times + 1, ink - fit[1]) if fit[0] == 0 else (times, ink)
        usual = max(good, key=good.get)
        chosen = []
        for _, of_cluster in sorted(fits.items()):
            fit, p = of_cluster.get(usual, ((1000, 0), None))
            chosen.append(p if fit[0] == 0 else min(of_cluster.values(), key=lambda entry: entry[0])[1])
        return chosen

    def best(self, line, key, words):
        """The clusters in the font that comes nearest to the page, and the faults that remain."""
        best = (None, None)
        for font in self.by_likeliness(key):
            for shift in shifts(font, words):
                placed = place(font, words, shift)
                if placed is None:
                    break
                faults = line.faults(placed)
                if not faults:
                    self.seen[key] = font.name
                    return placed, faults
                if best[1] is None or len(faults) < len(best[1]):
                    best = (placed, faults)
        return best

    def by_likeliness(self, key):
        return sorted(self.fonts, key=lambda font: font.name != self.seen.get(key))


def shifts(font, words):
    """How origins may be read: it makes no difference if no single glyph is moved."""
    moved = any(len(c.glyphs) == 1 and c.glyphs[0][1] for word, _ in words for c in font.shape(word))
    return (False, True) if moved else (False,)


def place(font, words, shift, partly=False):
    """Clusters of words at their places; None if a glyph is missing, unless some are enough."""
    placed = []
    for word, characters in words:
        clusters = font.shape(word)
        if not partly and any(cluster.missing for cluster in clusters):
            return None
        placed.extend(Placed(cluster, characters, shift) for cluster in clusters)
    return placed


def inside(box, area):
    """A box in an area, counted from the area's corner."""
    left, top = area[:2]
    return max(0, box[0] - left), max(0, box[1] - top), max(0, box[2] - left), max(0, box[3] - top)


def meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def mask(image, ground, most):
    """Ink of a picture: 255 where it is, 0 elsewhere."""
    return image.point([255 if most and abs(grey - ground) > 0.45 * most else 0 for grey in range(256)])


def wider(ink):
    return ink.filter(ImageFilter.MaxFilter(3))


def without_rules(ink):
    """Ink without the rows that a rule of the theme crosses: a rule under a name is no part of it."""
    rows, width = ink.tobytes(), ink.width
    rule = b"\xff" * round(RULE * PIXELS)
    left = [row for at in range(0, len(rows), width) if rule not in (row := rows[at : at + width])]
    return Image.frombytes("L", (width, len(left)), b"".join(left)) if left else Image.new("L", (1, 1))


def count(image):
    return image.histogram()[255]


def show(text):
    return f"{text!r} ({' '.join(f'U+{ord(c):04X}' for c in text)})"
