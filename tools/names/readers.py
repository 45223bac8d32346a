"""Text of a page as PDFium, MuPDF and poppler extract it, and how it differs from the name."""

import shutil
import subprocess
import tempfile
import unicodedata

import pymupdf
import pypdfium2

# Marks of direction that poppler adds around what runs to the left.
DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
MARKER = "Ann Lee"


def pdfium(data):
    document = pypdfium2.PdfDocument(data)
    try:
        page = document[0].get_textpage()
        return page.get_text_range()
    finally:
        document.close()


def mupdf(data):
    with pymupdf.open(stream=data, filetype="pdf") as document:
        return document[0].get_text("text", flags=pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_PRESERVE_LIGATURES)


def poppler(data, *options):
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        command = ["pdftotext", "-enc", "UTF-8", *options, file.name, "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")


def poppler_raw(data):
    return poppler(data, "-raw")


def available(with_poppler=True):
    """Readers by name. poppler is asked where it is installed."""
    readers = {"pdfium": pdfium, "mupdf": mupdf}
    if with_poppler and shutil.which("pdftotext"):
        readers.update({"poppler": poppler, "poppler -raw": poppler_raw})
    return readers


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

    def name_in(self, text):
        """Everything that only this page says. It should be the name."""
        left = lines(text)
        for line in self.others:
            if line in left:
                left.remove(line)
        found = " ".join(left)
        before, after = self.around
        if found.startswith(before) and found.endswith(after):
            found = found[len(before) : len(found) - len(after)]
        return found.strip()
