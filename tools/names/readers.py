"""Text of a page as PDFium, MuPDF and poppler extract it, and how it differs from the name."""

import re
import shutil
import subprocess
import tempfile
import unicodedata

import pymupdf
import pypdfium2

# Marks of direction that poppler adds around what runs to the left.
DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
MARKER = "Ann Lee"
# Letters of scripts that are written without blanks.
UNSPACED = re.compile("[\u0e00-\u0e7f\u2e80-\ud7ff]")


MUPDF_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_PRESERVE_LIGATURES


def pdfium(data):
    document = pypdfium2.PdfDocument(data)
    try:
        return document[0].get_textpage().get_text_range()
    finally:
        document.close()


class Opened:
    """A page as MuPDF reads it: interpreted once for its text and its pictures."""

    def __init__(self, data):
        self.document = pymupdf.open(stream=data, filetype="pdf")
        page = self.document[0]
        self.rect, self.drawing = page.rect, page.get_displaylist(annots=0)
        self.textpage = pymupdf.TextPage(self.drawing.get_textpage(MUPDF_FLAGS))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.document.close()

    def text(self):
        return self.textpage.extractText()


def poppler(files, *options):
    """Texts of the first pages of files. They are joined, because poppler is a process for each file."""
    with pymupdf.open() as joined, tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        for data in files:
            with pymupdf.open(stream=data, filetype="pdf") as document:
                joined.insert_pdf(document, to_page=0, links=False, annots=False, widgets=False)
        file.write(joined.tobytes())
        file.flush()
        command = ["pdftotext", "-enc", "UTF-8", *options, file.name, "-"]
        output = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")
    texts = output.split("\f")[: len(files)]
    assert len(texts) == len(files), "poppler ends each page with a form feed"
    return texts


def has_poppler():
    return shutil.which("pdftotext") is not None


def installed():
    """Names of the readers."""
    return ["pdfium", "mupdf", *(["poppler", "poppler -raw"] if has_poppler() else [])]


def texts(files, with_poppler=True):
    """Texts of files by reader, without MuPDF's. poppler is asked where it is installed."""
    found = {"pdfium": [pdfium(data) for data in files]}
    if with_poppler and has_poppler():
        found.update({"poppler": poppler(files), "poppler -raw": poppler(files, "-raw")})
    return found


def lines(text):
    cleaned = unicodedata.normalize("NFC", text.translate(DIRECTIONS)).replace("\r", "\n").replace("\f", "\n")
    joined = (" ".join(line.split()) for line in cleaned.split("\n"))
    return [line for line in joined if line]


class Frame:
    """What a theme's page says beside the name: the page of a reference name tells."""

    def __init__(self, reference_text):
        self.others, self.around = [], ("", "")
        for line in lines(reference_text):
            if MARKER in line:
                before, after = line.split(MARKER)
                self.around = (before, after)
            else:
                self.others.append(line)

    def name_in(self, text, wanted):
        """Everything that only this page says. It should be the name that is wanted."""
        left, missing = lines(text), []
        for line in self.others:
            left.remove(line) if line in left else missing.append(line)
        found = joined(left, wanted)
        # Some readers take a high line and a low one beside it for one line.
        for line in missing:
            found = found.removeprefix(line + " ").removesuffix(" " + line)
        before, after = self.around
        if found.startswith(before) and found.endswith(after):
            found = found[len(before) : len(found) - len(after)]
        return found.strip()


def joined(parts, wanted):
    """Lines as one text. Thai and East Asian words go on in the next line: there, the end of a line is no blank."""
    found = ""
    for part in parts:
        goes_on = UNSPACED.match(found[-1:]) and UNSPACED.match(part) and found + part in wanted
        found += part if goes_on or not found else " " + part
    return found
