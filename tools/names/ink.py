"""Compares the ink of a name on a page with the outlines that HarfBuzz places."""

import pymupdf
from PIL import Image, ImageChops, ImageFilter

import glyphs

# Height of the font in pixels: a stroke is two pixels wide or more.
PIXELS = 64
# How much of a cluster's ink may be missing, or be there beside it, before it counts as drawn otherwise.
LOST, ADDED = 0.12, 0.12
# How much ink may be where no cluster is, in parts of the square of the font size.
BESIDE = 0.01
BESIDE_LETTERS = "ink beside the letters"
RAW = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_PRESERVE_LIGATURES


def letters(page):
    """Characters of a page in the order of reading, with origin, size and box; None where a line ends."""
    found = []
    for block in page.get_text("rawdict", flags=RAW)["blocks"]:
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
    others = [pymupdf.Rect(e[3]) for e in dense[:at] + dense[end:] if round(e[1][1]) not in own_lines]
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
        box = self.cluster.box()
        if box is None:
            return None
        left, bottom, right, top = (side * self.size for side in box)
        return pymupdf.Rect(self.x + left, self.y - top, self.x + right, self.y - bottom)

    def operators(self, height):
        size = self.size
        for glyph, x, y in self.cluster.glyphs:
            scale = size * self.cluster.font.scale
            path = self.cluster.font.path(glyph)
            if path:
                yield f"q {scale:.6f} 0 0 {scale:.6f} {self.x + x * size:.4f} {height - self.y + y * size:.4f} cm {path} f Q"


class Eye:
    """Looks at pages. Keeps what was seen: a theme draws a script in the same font each time."""

    def __init__(self):
        self.fonts = glyphs.load()
        self.seen = {}
        self.paper = pymupdf.open()
        # Boxes of the other texts on the page: the marks of a name may reach between their letters.
        self.others = []

    def complaints(self, data, theme, script, name):
        with pymupdf.open(stream=data, filetype="pdf") as document:
            page = document[0]
            found = located(name, letters(page))
            if found is None:
                return ["its letters are not in one piece"]
            words, self.others = found
            return self.look(page, (theme, script), words)

    def look(self, page, key, words):
        """Finds the font of the whole name, or else of each word, and returns what is drawn otherwise than in it."""
        placed, faults = self.best(page, key, words)
        if faults not in ([], [BESIDE_LETTERS]) and len(words) > 1:
            parts = [self.best(page, (*key, n), [word])[0] for n, word in enumerate(words)]
            if all(parts):
                placed = [p for part in parts for p in part]
                faults = self.faults(page, placed)
        if placed is None:
            return [f"no bundled font has all of {show(' '.join(word for word, _ in words))}"]
        return faults or [f"mark beside its letter in {show(p.cluster.text)}" for p in placed if p.cluster.strays()]

    def best(self, page, key, words):
        """The clusters in the font that comes nearest to the page, and the faults that remain."""
        best = (None, None)
        for font in sorted(self.fonts, key=lambda font: font.name != self.seen.get(key)):
            for shift in (False, True):
                placed = place(font, words, shift)
                if placed is None:
                    break
                faults = self.faults(page, placed)
                if not faults:
                    self.seen[key] = font.name
                    return placed, faults
                if best[1] is None or len(faults) < len(best[1]):
                    best = (placed, faults)
        return best

    def faults(self, page, placed):
        rects = [(p, rect) for p in placed if (rect := p.rect())]
        if not rects:
            return ["nothing to see"]
        area = pymupdf.Rect(rects[0][1])
        for _, rect in rects:
            area |= rect
        area = (area + (-2, -2, 2, 2)) & page.rect
        zoom = PIXELS / max(p.size for p in placed)
        drawn = mask(page, area, zoom)
        wanted = mask(self.reference(page.rect, placed), area, zoom)
        lost = ImageChops.subtract(wanted, drawn.filter(ImageFilter.MaxFilter(3)))
        added = ImageChops.subtract(drawn, wanted.filter(ImageFilter.MaxFilter(3)))
        for other in self.others:
            if other.intersects(area):
                added.paste(0, pixels(other, area, zoom))
        found = []
        for p, rect in rects:
            box = pixels(rect, area, zoom)
            ink = count(wanted.crop(box))
            if ink and not count(drawn.crop(box)):
                found.append(f"no ink for {show(p.cluster.text)}")
            elif count(lost.crop(box)) > LOST * ink:
                found.append(f"{show(p.cluster.text)} is drawn otherwise ({p.cluster.font.name})")
            elif count(added.crop(box)) > ADDED * ink:
                found.append(f"more ink than {show(p.cluster.text)} has ({p.cluster.font.name})")
            added.paste(0, box)
        if not found and count(added) > BESIDE * PIXELS**2:
            found.append(BESIDE_LETTERS)
        return found

    def reference(self, rect, placed):
        if not self.paper.page_count:
            self.paper.new_page(width=rect.width, height=rect.height)
            self.stream = self.paper.get_new_xref()
            self.paper.update_object(self.stream, "<<>>")
            self.paper.update_stream(self.stream, b" ")
            self.paper[0].set_contents(self.stream)
        page = self.paper[0]
        if page.rect != rect:
            page.set_mediabox(rect)
        operators = "\n".join(line for p in placed for line in p.operators(rect.height))
        self.paper.update_stream(self.stream, operators.encode("ascii"), compress=False)
        return self.paper.reload_page(page)


def pixels(rect, area, zoom):
    """Box of a part of an area in its picture, at least a pixel wide and high."""
    left, top, right, bottom = (round(side) for side in (rect - (area.x0, area.y0, area.x0, area.y0)) * zoom)
    return max(0, left), max(0, top), max(right, left + 1, 1), max(bottom, top + 1, 1)


def place(font, words, shift):
    placed = []
    for word, characters in words:
        clusters = font.shape(word)
        if any(cluster.missing for cluster in clusters):
            return None
        placed.extend(Placed(cluster, characters, shift) for cluster in clusters)
    return placed


def mask(page, area, zoom):
    """Ink of a part of a page: 255 where it is, 0 elsewhere. The commonest grey is the ground."""
    drawn = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=area, colorspace=pymupdf.csGRAY, annots=False)
    image = Image.frombytes("L", (drawn.width, drawn.height), drawn.samples)
    histogram = image.histogram()
    ground = histogram.index(max(histogram))
    most = max(abs(grey - ground) for grey, times in enumerate(histogram) if times)
    return image.point([255 if most and abs(grey - ground) > 0.45 * most else 0 for grey in range(256)])


def count(image):
    return image.histogram()[255]


def show(text):
    return f"{text!r} ({' '.join(f'U+{ord(c):04X}' for c in text)})"
