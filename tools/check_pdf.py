"""Reads PDFs with qpdf (pikepdf) and with Chromium's reader (pypdfium2): what a certificate must hold.

usage: check_pdf.py LIST     LIST is JSON: [{"file", "language", "title", "spaced", "texts": [...], "letters"}, …]
Prints a line for each complaint; none, and nothing is printed.
"""

import json
import sys
import unicodedata

import pikepdf
import pypdfium2

SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\r": " ", "\n": " ", "\u200c": None})


def words(text):
    """Words in a form that both sides agree on."""
    return unicodedata.normalize("NFC", text.translate(SPACES)).split()


def tells(text, part, spaced):
    """Whether a page's text has this part, the spaces between its words and no others if that is asked for."""
    between = " " if spaced else ""
    return between.join(words(part)) in between.join(words(text))


def complaints(wanted):
    with pikepdf.open(wanted["file"]) as pdf:
        yield from pdf.check_pdf_syntax()
        root, page = pdf.Root, pdf.pages[0]
        if len(pdf.pages) != 1:
            yield f"{len(pdf.pages)} pages"
        if pdf.is_encrypted or "/ID" not in pdf.trailer:
            yield "encrypted, or without an id"
        intents = [intent.S for intent in root.OutputIntents]
        if intents != ["/GTS_PDFA1"]:
            yield f"output intents {intents}"
        with pdf.open_metadata() as metadata:
            if metadata.pdfa_status != "2B":
                yield f"PDF/A status {metadata.pdfa_status!r}"
            if metadata["dc:title"] != wanted["title"] or str(pdf.docinfo["/Title"]) != wanted["title"]:
                yield "another title"
        if not root.MarkInfo.Marked or str(root.Lang) != wanted["language"]:
            yield "not tagged, or another language"
        yield from structure(root.StructTreeRoot, page)
        for name, font in page.Resources.Font.items():
            descendant = font.DescendantFonts[0]
            if not {"/FontFile2", "/FontFile3"} & set(descendant.FontDescriptor.keys()) or "/ToUnicode" not in font:
                yield f"font {name} is not embedded whole"
        for item in pdf.objects:
            if isinstance(item, pikepdf.Stream) and item.get("/Interpolate", False):
                yield "an image that asks to be smoothed"
            if isinstance(item, pikepdf.Dictionary) and ("/JS" in item or item.get("/Type") == "/Action"):
                yield "an action"
    document = pypdfium2.PdfDocument(wanted["file"])
    text = document[0].get_textpage().get_text_bounded()
    for part in wanted["texts"]:
        if not tells(text, part, wanted["spaced"]):
            yield f"the text lacks {part!r}"
    for letter in set("".join(words(wanted["letters"]))) - set(unicodedata.normalize("NFC", text)):
        yield f"the text lacks {letter!r}"


def structure(tree, page):
    """Every piece of marked content has its element, and the document has its heading."""
    elements, kinds = list(tree.K), set()
    while elements:
        element = elements.pop()
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            kinds.add(str(element.S))
            children = element.get("/K", [])
            elements.extend(children if isinstance(children, pikepdf.Array) else [children])
    for kind in ("/Document", "/H1", "/P", "/Figure"):
        if kind not in kinds:
            yield f"no {kind} among {sorted(kinds)}"
    parents = tree.ParentTree.Nums[1]
    numbers = {
        int(operands[1]["/MCID"])
        for operands, operator in pikepdf.parse_content_stream(page)
        if str(operator) == "BDC" and "/MCID" in operands[1]
    }
    if numbers != set(range(len(parents))):
        yield f"{len(numbers)} pieces of content, {len(parents)} parents"


def main():
    for wanted in json.load(open(sys.argv[1], encoding="utf-8")):
        for complaint in complaints(wanted):
            print(f"{wanted['file']}: {complaint}")


main()
