"""Outlines of names, shaped by HarfBuzz with the bundled fonts: what a page should show. Shares no code with the writer."""

import pathlib
import unicodedata
from functools import lru_cache

import uharfbuzz as hb
from pymupdf import mupdf

FONTS = pathlib.Path(__file__).resolve().parents[2] / "fonts"
MARK = 3  # the glyph class of marks in a font's GDEF table
# Marks that stand beside their letter or over its edge by design.
BESIDE = set("\u0315\u031b\u035f\u05b9\u05ba\u0358\u0361")


class Pen:
    """Draws an outline as a path of MuPDF."""

    def __init__(self):
        self.path = mupdf.fz_new_path()

    def moveTo(self, to):
        mupdf.fz_moveto(self.path, *to)

    def lineTo(self, to):
        mupdf.fz_lineto(self.path, *to)

    def curveTo(self, one, two, to):
        mupdf.fz_curveto(self.path, *one, *two, *to)

    def qCurveTo(self, control, to):
        mupdf.fz_quadto(self.path, *control, *to)

    def closePath(self):
        mupdf.fz_closepath(self.path)

    endPath = closePath


class Font:
    def __init__(self, file):
        self.name = file.stem
        self.face = hb.Face(hb.Blob.from_file_path(str(file)))
        self.font = hb.Font(self.face)
        self.scale = 1 / self.face.upem

    @lru_cache(maxsize=None)
    def path(self, glyph):
        pen = Pen()
        self.font.draw_glyph_with_pen(glyph, pen)
        return pen.path

    @lru_cache(maxsize=None)
    def box(self, glyph):
        """Ink of a glyph as (left, bottom, right, top) in parts of the font size; None for a blank."""
        extents = self.font.get_glyph_extents(glyph)
        if extents is None or not extents.width or not extents.height:
            return None
        left, top = extents.x_bearing, extents.y_bearing
        return tuple(side * self.scale for side in (left, top + extents.height, left + extents.width, top))

    @lru_cache(maxsize=256)
    def shape(self, word):
        """Clusters of a word from left to right; None if a glyph is missing."""
        buffer = hb.Buffer()
        buffer.add_str(word)
        buffer.guess_segment_properties()
        buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
        hb.shape(self.font, buffer)
        infos, places = buffer.glyph_infos, buffer.glyph_positions or []
        starts = sorted({info.cluster for info in infos})
        ends = dict(zip(starts, [*starts[1:], len(word)]))
        clusters, pen = [], 0.0
        for info, place in zip(infos, places):
            if not clusters or clusters[-1].start != info.cluster:
                clusters.append(Cluster(self, word, info.cluster, ends[info.cluster]))
                pen = 0.0
            clusters[-1].missing |= info.codepoint == 0
            clusters[-1].glyphs.append(
                (info.codepoint, pen + place.x_offset * self.scale, place.y_offset * self.scale)
            )
            pen += place.x_advance * self.scale
        return clusters


class Cluster:
    def __init__(self, font, word, start, end):
        self.font, self.start, self.end, self.text = font, start, end, word[start:end]
        self.glyphs, self.missing = [], False

    def boxes(self):
        for glyph, x, y in self.glyphs:
            box = self.font.box(glyph)
            if box:
                yield glyph, (box[0] + x, box[1] + y, box[2] + x, box[3] + y)

    def box(self):
        boxes = [box for _, box in self.boxes()]
        if not boxes:
            return None
        lefts, bottoms, rights, tops = zip(*boxes)
        return min(lefts), min(bottoms), max(rights), max(tops)

    def strays(self):
        """Returns true if a mark stands beside its base."""
        if len(self.glyphs) < 2 or BESIDE & set(unicodedata.normalize("NFD", self.text)):
            return False
        marks, bases = [], []
        for glyph, box in self.boxes():
            is_mark = hb.ot_layout_get_glyph_class(self.font.face, glyph) == MARK
            (marks if is_mark else bases).append(box)
        if not bases:
            return False
        left, right = min(box[0] for box in bases), max(box[2] for box in bases)
        # The middle of a mark is over or under its base, or at most a twelfth of the font size beside it.
        return any(not left - 1 / 12 <= (box[0] + box[2]) / 2 <= right + 1 / 12 for box in marks)


def load():
    return [Font(file) for file in sorted(FONTS.glob("*.[ot]tf"))]
