"""The reference page by WeasyPrint, warm: style sheet, fonts and images are reused for all pages."""

import html
import pathlib
import sys

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

import page

fonts, images = FontConfiguration(), {}
folder = pathlib.Path(sys.argv[3]).as_uri()
style = CSS(
    string="".join(f"@font-face{{font-family:{name};src:url({folder}/{file})}}" for name, file in page.FONTS.items())
    + f"@page{{size:{page.WIDTH}mm {page.HEIGHT}mm;margin:0}}body{{margin:0}}"
    "p,hr,img,svg{position:absolute;margin:0;white-space:nowrap;text-align:center;line-height:1}"
    "hr{border:0;border-top:.6pt solid #8a6420}",
    font_config=fonts,
)


def line(left, top, width, size, font, colour, text):
    return (
        f'<p style="left:{left}mm;top:{top}mm;width:{width}mm;font:{size}pt {font};color:{colour}">'
        f"{html.escape(text)}</p>"
    )


def draw(person):
    count, runs = page.dark_runs(person["url"])
    path = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in runs)
    left, top, side = page.QR
    parts = [line(0, top, page.WIDTH, *rest, text.format(**person)) for top, *rest, text in page.LINES]
    parts += [line(*rest, "#434c57", text.format(**person)) for *rest, text in page.FOOT]
    parts += [f'<hr style="left:{x}mm;top:{y}mm;width:{width}mm">' for x, y, width in page.RULES]
    body = (
        f'<!doctype html><html lang="en"><title>{html.escape(person["award"])}</title><body>'
        f'<img src="{pathlib.Path(sys.argv[2]).as_uri()}" alt="" style="width:{page.WIDTH}mm;height:{page.HEIGHT}mm">'
        + "".join(parts)
        + f'<svg style="left:{left}mm;top:{top}mm;width:{side}mm;height:{side}mm" viewBox="0 0 {count} {count}">'
        f'<path d="{path}"/></svg>'
    )
    return HTML(string=body).write_pdf(stylesheets=[style], font_config=fonts, cache=images)


page.main(draw)
